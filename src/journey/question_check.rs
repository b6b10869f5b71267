//! What is wrong with `questions:` and `gifts:` of `store.yaml`, and with templates that name them.
//!
//! Called by `store_check` and `check`. Names become fields in templates, so they are held to what Rust can call one.

use super::check::is_language;
use super::email_shape::{GIFTS, QUESTIONS};
use super::finding::{Finding, unknown};
use super::parse::is_plain_name;
use super::question::{Answer, Comment, Question};
use super::store_file::StoreFile;
use super::template_check::{self, is_variable_name};
use super::yaml::{Node, Reader, Value};
use std::collections::BTreeSet;

/// Fewer are no choice, and more are no mail.
const ANSWERS: std::ops::RangeInclusive<usize> = 2..=11;

/// The questions, each at its place.
pub fn questions(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    let mut earlier = BTreeSet::new();
    for (question, node) in store.questions.iter().zip(nodes) {
        name(reader, node, &question.id, &mut earlier);
        if let Some(problem) = unanswerable(question) {
            reader.report(node.place, problem);
        }
        let texts = question.translations.values().map(|texts| &texts.text);
        if texts.chain([&question.text]).any(|text| text.trim().is_empty()) {
            reader.report(node.place, "`text` is what the page asks: it cannot be empty");
        }
        languages(reader, node, question.translations.keys());
        let known: Vec<&str> = question.answers.iter().map(|answer| answer.id.as_str()).collect();
        let translated = question
            .translations
            .values()
            .flat_map(|texts| texts.answers.keys());
        for answer in translated.filter(|answer| !known.contains(&answer.as_str())) {
            reader.report(node.place, unknown("answer", answer, known.iter().copied()));
        }
    }
}

/// The gifts, each at its place.
pub fn gifts(reader: &mut Reader<'_>, node: &Node, store: &StoreFile) {
    let Value::List(nodes) = &node.value else { return };
    let mut earlier = BTreeSet::new();
    for (gift, node) in store.gifts.iter().zip(nodes) {
        name(reader, node, &gift.id, &mut earlier);
        if !is_plain_name(&gift.pool) {
            reader.report(node.place, "`pool` has only lower-case letters, digits and `-`");
        }
        languages(reader, node, gift.translations.keys());
    }
}

/// Templates that name what `store.yaml` does not declare.
pub fn undeclared(store: &StoreFile, templates: &template_check::Checked) -> Vec<Finding> {
    let places = templates.declared.values().flatten();
    let mut findings: Vec<Finding> = places
        .filter_map(|((kind, name), (file, place))| {
            let known: Vec<&str> = match *kind {
                QUESTIONS => store
                    .questions
                    .iter()
                    .map(|question| question.id.as_str())
                    .collect(),
                GIFTS => store.gifts.iter().map(|gift| gift.id.as_str()).collect(),
                _ => return None,
            };
            if known.contains(&name.as_str()) {
                return None;
            }
            let what = if *kind == GIFTS { "gift" } else { "question" };
            let problem = unknown(what, name, known);
            let message = format!("{problem}; store.yaml declares them under `{kind}:`");
            Some(Finding::at(file, *place, message))
        })
        .collect();
    findings.sort();
    findings.dedup();
    findings
}

fn name<'s>(reader: &mut Reader<'_>, node: &Node, id: &'s str, earlier: &mut BTreeSet<&'s str>) {
    if !is_variable_name(id) {
        reader.report(
            node.place,
            format!("`{id}` cannot be a name that templates write: use lower-case letters, digits and `_`"),
        );
    }
    if !earlier.insert(id) {
        reader.report(node.place, format!("`{id}` is listed twice"));
    }
}

fn languages<'t>(reader: &mut Reader<'_>, node: &Node, tags: impl Iterator<Item = &'t String>) {
    for tag in tags.filter(|tag| !is_language(tag)) {
        reader.report(
            node.place,
            format!("`{tag}` is not a language, as `de` or `pt-BR`"),
        );
    }
}

/// Why nobody could answer it well.
fn unanswerable(question: &Question) -> Option<&'static str> {
    let ids: BTreeSet<&str> = question.answers.iter().map(|answer| answer.id.as_str()).collect();
    match (question.scale, question.answers.is_empty()) {
        (None, true) => Some("a question has a `scale: 0-10`, or `answers:`"),
        (Some(_), false) => Some("a question has a `scale:` or `answers:`, not both"),
        (None, false) if !ANSWERS.contains(&question.answers.len()) => {
            Some("a question has two to eleven `answers:`")
        }
        (None, false) if ids.len() < question.answers.len() => Some("two answers have the same `id`"),
        (None, false) if !ids.iter().all(|id| is_plain_name(id)) => {
            Some("the `id` of an answer has only lower-case letters, digits and `-`")
        }
        (None, false) if matches!(question.comment, Some(Comment::Within(_))) => {
            Some("`comment: 0-6` is for a scale; say `comment: everybody`")
        }
        (None, false) if question.low.is_some() || question.high.is_some() => {
            Some("`low` and `high` are the ends of a `scale:`")
        }
        (Some(_), true) if !someone_comments(question) => {
            Some("nobody on this `scale:` is asked for a `comment:`")
        }
        (None, false) | (Some(_), true) => None,
    }
}

fn someone_comments(question: &Question) -> bool {
    let asked = |answer: &Answer| question.asks_comment(answer);
    question.comment.is_none() || question.answers(None).iter().any(asked)
}
