//! Questions and gifts of a mail: what templates say of them, and the pages that their links lead to.
//!
//! `email` makes the links, `edge::answers` shows the pages. GET shows the answer that was clicked, chosen, with one button
//! that POSTs: a program that opens every link of a mail answers nothing.

use super::emails::{Gifts, Questions, asks};
use super::links::Purpose;
use super::model::Store;
use super::translation::nearest;
use super::words::Words;
use crate::journey::question::{self, GiftText, QuestionText};
use crate::journey::store_file::StoreFile;
use askama::Template;
use std::collections::BTreeMap;

/// Longest comment, in characters.
pub const MAX_COMMENT_CHARS: usize = 1_000;

/// A question, as templates write it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    pub text: String,
    pub low: Option<String>,
    pub high: Option<String>,
    pub answers: Vec<Answer>,
}

/// An answer, and the link that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub id: String,
    pub text: String,
    pub url: String,
}

/// A gift, and the link that opens it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gift {
    pub title: String,
    pub url: String,
}

/// What one email asks and lets open, in its language. `url` signs a link that says a text.
pub fn of_email(
    store: &StoreFile,
    email: &str,
    language: &str,
    url: impl Fn(Purpose, &str) -> String,
) -> (Questions, Gifts) {
    let (questions, gifts) = asks(email);
    let question = |name: &str| {
        let declared = store.questions.iter().find(|question| question.id == name);
        let question = declared.filter(|_| questions.contains(&name));
        let asked = question.map(|question| asked(question, (language, &store.locale), &url));
        asked.unwrap_or_default()
    };
    let gift = |name: &str| {
        let declared = store.gifts.iter().find(|gift| gift.id == name);
        let gift = declared.filter(|_| gifts.contains(&name));
        let held = gift.map(|gift| Gift {
            title: gift_texts(gift, (language, &store.locale)).0.to_owned(),
            url: url(Purpose::Gift, &gift.id),
        });
        held.unwrap_or_default()
    };
    (Questions::new(question), Gifts::new(gift))
}

fn asked(
    question: &question::Question,
    languages: (&str, &str),
    url: impl Fn(Purpose, &str) -> String,
) -> Question {
    let translation = translation_of(&question.translations, languages);
    let answers = question.answers(translation).into_iter();
    let (low, high) = ends(question, translation);
    Question {
        text: translation.map_or(&question.text, |texts| &texts.text).clone(),
        low: low.cloned(),
        high: high.cloned(),
        answers: answers
            .map(|answer| Answer {
                url: url(Purpose::Question, &said(&question.id, &answer.id)),
                id: answer.id,
                text: answer.text,
            })
            .collect(),
    }
}

fn ends<'q>(
    question: &'q question::Question,
    translation: Option<&'q QuestionText>,
) -> (Option<&'q String>, Option<&'q String>) {
    let low = translation.and_then(|texts| texts.low.as_ref());
    let high = translation.and_then(|texts| texts.high.as_ref());
    (low.or(question.low.as_ref()), high.or(question.high.as_ref()))
}

/// The translation that is nearest to a language; none where the store's own is.
pub(super) fn translation_of<'t, T>(
    translations: &'t BTreeMap<String, T>,
    (language, own): (&str, &'t str),
) -> Option<&'t T> {
    let mut tags = vec![own];
    tags.extend(translations.keys().map(String::as_str));
    nearest(&tags, language).and_then(|tag| translations.get(tag))
}

fn gift_texts<'g>(gift: &'g question::Gift, languages: (&str, &'g str)) -> (&'g str, &'g str) {
    match translation_of(&gift.translations, languages) {
        Some(GiftText { title, text }) => (title, text),
        None => (&gift.title, &gift.text),
    }
}

/// What the link of an answer says. Neither name can hold a blank.
fn said(question: &str, answer: &str) -> String {
    format!("{question} {answer}")
}

/// The question and the answer of a link.
pub fn heard(text: &str) -> Option<(&str, &str)> {
    text.split_once(' ')
}

/// Where the reader is on the page of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// GET: the answer that was clicked is chosen, and nothing is said yet.
    Asking,
    /// The answer is in.
    Answered,
    /// So is a comment.
    Commented,
}

/// What the page of a gift shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inside<'a> {
    /// GET: still closed.
    Closed,
    Code(&'a str),
    /// The pool has nothing left.
    Nothing,
}

#[derive(Template)]
#[template(path = "pages/question.html")]
struct QuestionPage<'a> {
    store: Store<'a>,
    w: &'static Words,
    question: Question,
    chosen: &'a str,
    stage: Stage,
    comments: bool,
}

#[derive(Template)]
#[template(path = "pages/gift.html")]
struct GiftPage<'a> {
    store: Store<'a>,
    w: &'static Words,
    title: &'a str,
    text: &'a str,
    inside: Inside<'a>,
}

/// The page of a question, in the words' language. `chosen` is the id of the answer that is, or was, chosen.
///
/// # Errors
/// Only if a template fails, which writing to a string does not.
pub fn question_page(
    store: &StoreFile,
    question: &question::Question,
    w: &'static Words,
    (chosen, stage): (&str, Stage),
) -> askama::Result<String> {
    let answers = question.answers(None);
    let answer = answers.iter().find(|answer| answer.id == chosen);
    QuestionPage {
        store: Store::new(store),
        w,
        question: asked(question, (w.tag, &store.locale), |_, _| String::new()),
        chosen,
        stage,
        comments: answer.is_some_and(|answer| question.asks_comment(answer)),
    }
    .render()
}

/// The page of a gift, in the words' language.
///
/// # Errors
/// As [`question_page`].
pub fn gift_page(
    store: &StoreFile,
    gift: &question::Gift,
    w: &'static Words,
    inside: Inside<'_>,
) -> askama::Result<String> {
    let (title, text) = gift_texts(gift, (w.tag, &store.locale));
    GiftPage {
        store: Store::new(store),
        w,
        title,
        text,
        inside,
    }
    .render()
}
