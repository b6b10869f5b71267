//! What the pages say that links in mails lead to, and what mails call those links: a file a language in `templates/words/`,
//! held against the English one.
//!
//! Called by `check`; `template_code` makes a Rust struct of it, so that a page that says what no file has is no Rust.

use super::finding::{Finding, unknown};
use super::project::TEMPLATES;
use super::template_check::is_variable_name;
use super::yaml::{self, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// The frame of the pages: with it there must be words.
const FRAME: &str = "layouts/page.html";
const FOLDER: &str = "words/";
const ENGLISH: &str = "words/en.yaml";
/// The word that lists the names of the months.
const MONTHS: &str = "months";

/// The words of one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    pub tag: String,
    /// By name; every language has the same names.
    pub texts: BTreeMap<String, String>,
}

/// All languages, English first, and what is wrong with them.
pub fn read(templates: &BTreeMap<String, String>) -> (Vec<Language>, Vec<Finding>) {
    let mut findings = Vec::new();
    let Some(english) = templates.get(ENGLISH) else {
        if templates.contains_key(FRAME) {
            let message = "is missing: it says what the pages say, and which names every other language has";
            findings.push(Finding::whole(&format!("{TEMPLATES}/{ENGLISH}"), message));
        }
        return (Vec::new(), findings);
    };
    let english = language(ENGLISH, english, None, &mut findings);
    let mut languages: Vec<Language> = english.clone().into_iter().collect();
    let others = templates.iter().filter(|(path, _)| *path != ENGLISH);
    for (path, text) in others.filter(|(path, _)| path.starts_with(FOLDER)) {
        languages.extend(language(path, text, english.as_ref(), &mut findings));
    }
    (languages, findings)
}

fn language(
    path: &str,
    text: &str,
    english: Option<&Language>,
    findings: &mut Vec<Finding>,
) -> Option<Language> {
    let file = format!("{TEMPLATES}/{path}");
    let root = match yaml::read(&file, text) {
        Ok(root) => root,
        Err(finding) => {
            findings.push(finding);
            return None;
        }
    };
    let mut reader = Reader::new(&file);
    let mut texts = BTreeMap::new();
    if let Some(fields) = reader.map(&root, "a map of names and texts") {
        for (key, node) in fields.iter() {
            let known = english.is_none_or(|english| english.texts.contains_key(&key.name));
            if !known {
                let names = english.iter().flat_map(|english| english.texts.keys());
                reader.report(key.place, unknown("word", &key.name, names.map(String::as_str)));
            } else if !is_variable_name(&key.name) {
                reader.report(key.place, "a word's name has lower-case letters, digits and `_`");
            }
            let Some(said) = reader.text(node, "a text") else {
                continue;
            };
            let original = english.and_then(|english| english.texts.get(&key.name));
            if let Some(original) = original.filter(|original| slots(original) != slots(said)) {
                let wanted = slots(original).into_iter().collect::<Vec<_>>().join(", ");
                let wanted = if wanted.is_empty() {
                    "nothing in braces".to_owned()
                } else {
                    wanted
                };
                reader.report(
                    node.place,
                    format!("fills in something else than the English text: {wanted}"),
                );
            }
            if key.name == MONTHS && said.split_whitespace().count() != 12 {
                reader.report(
                    node.place,
                    "has not the names of twelve months, with a space between them",
                );
            }
            texts.insert(key.name.clone(), said.to_owned());
        }
        let names = english.iter().flat_map(|english| english.texts.iter());
        for (name, original) in names.filter(|(name, _)| fields.get(name).is_none()) {
            reader.report(
                fields.place,
                format!("`{name}:` is missing; in English it is \"{original}\""),
            );
        }
    }
    findings.append(&mut reader.findings);
    let tag = path.strip_prefix(FOLDER)?.strip_suffix(".yaml")?.to_owned();
    Some(Language { tag, texts })
}

/// `{date}` and the like.
fn slots(text: &str) -> BTreeSet<String> {
    let parts = text.split('{').skip(1);
    let named = parts.filter_map(|part| part.split_once('}'));
    named.map(|(name, _)| format!("`{{{name}}}`")).collect()
}
