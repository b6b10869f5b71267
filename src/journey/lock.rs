//! `journeys.lock`: the ids of all steps that people may stand on, committed beside the journeys.
//!
//! A step that is renamed or removed would strand them, so an id in this list that its journey no longer has must be
//! under `moved:`. New ids are added by the build, as Cargo does with Cargo.lock; under continuous integration a
//! missing one is an error instead.

use super::finding::{Finding, Place};
use super::parse::{Parsed, Subject};
use super::project::LOCK;
use super::yaml::{self, Reader};
use std::collections::BTreeMap;

const HEADER: &str = "# Ids of steps that people may stand on. The build adds new ones; commit this file.\n\
                      # An id that is gone from its journey must be under `moved:` there (docs/journeys.md).\n";

/// What to do about ids that are not in the list yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Add them.
    Append,
    /// Complain: nobody would commit the file.
    Frozen,
}

/// The outcome of the comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    pub findings: Vec<Finding>,
    /// The file as it should be, when that differs from what it is.
    pub text: Option<String>,
}

/// Ids and their places, by journey.
type Lists = BTreeMap<String, (Place, Vec<(String, Place)>)>;

/// Compares the file with the journeys that are sound and no drafts. `names` are all journeys there are; on the steps of
/// drafts nobody stands.
pub fn compare(
    text: Option<&str>,
    (names, drafts): (&[String], &[&Parsed]),
    journeys: &[&Parsed],
    mode: Mode,
) -> Compared {
    let mut compared = Compared::default();
    let mut reader = Reader::new(LOCK);
    let mut lists = read(&mut reader, text.unwrap_or_default());
    compared.findings.append(&mut reader.findings);
    if !compared.findings.is_empty() {
        return compared;
    }
    for (journey, (place, _)) in &lists {
        if !names.contains(journey) {
            let message = format!(
                "journey `{journey}` is gone; delete its lines here if everyone who is in it shall leave"
            );
            compared.findings.push(Finding::at(LOCK, *place, message));
        }
        if let Some(draft) = drafts.iter().find(|draft| draft.journey.id.as_str() == journey) {
            compared.findings.push(back_to_draft(draft, *place));
        }
    }
    for parsed in journeys {
        let id = parsed.journey.id.as_str().to_owned();
        let (_, listed) = lists.entry(id).or_insert_with(|| (Place::START, Vec::new()));
        compared.findings.extend(vanished(parsed, listed));
        for step in parsed.journey.steps.iter().filter(|step| step.kind.holds()) {
            let step = step.id.as_str();
            if listed.iter().any(|(id, _)| id == step) {
                continue;
            }
            if mode == Mode::Frozen {
                let message = format!(
                    "step `{step}` of `{}` is missing; run `npm run lint` and commit the file",
                    parsed.journey.id
                );
                compared.findings.push(Finding::whole(LOCK, message));
            }
            listed.push((step.to_owned(), Place::START));
        }
    }
    let written = write(&lists);
    let differs = text.map(|text| text.replace("\r\n", "\n")) != Some(written.clone());
    if mode == Mode::Append && differs {
        compared.text = Some(written);
    }
    compared
}

/// A journey that was part of the Worker and is a draft again.
fn back_to_draft(draft: &Parsed, listed: Place) -> Finding {
    let (journey, line) = (&draft.journey.id, listed.line);
    let message = format!(
        "`{journey}` was live, and people may be in it ({LOCK}:{line}): say `paused`, `draining` or `retired`, or delete its lines there if everyone who is in it shall leave"
    );
    Finding::at(&draft.file, draft.places.of(Subject::Status), message)
}

/// Listed ids that the journey neither has nor moves. As many new ones as gone ones are taken for new names.
fn vanished(parsed: &Parsed, listed: &[(String, Place)]) -> Vec<Finding> {
    let journey = &parsed.journey;
    let has = |id: &str| journey.steps.iter().any(|step| step.id.as_str() == id);
    let moves = |id: &str| journey.moved.iter().any(|moved| moved.from.as_str() == id);
    let gone: Vec<&(String, Place)> = listed.iter().filter(|(id, _)| !has(id) && !moves(id)).collect();
    let is_new = |id: &&str| !listed.iter().any(|(known, _)| known == id);
    let new: Vec<&str> = journey
        .steps
        .iter()
        .map(|step| step.id.as_str())
        .filter(is_new)
        .collect();
    gone.iter()
        .enumerate()
        .map(|(number, (id, place))| {
            let to = new
                .get(number)
                .filter(|_| new.len() == gone.len())
                .unwrap_or(&"<step>");
            let advice = format!("add `moved: {{{id}: {to}}}`, or `{{{id}: exit}}` to let them leave");
            let line = place.line;
            let message =
                format!("step `{id}` is gone, but people may stand on it ({LOCK}:{line}); {advice}");
            Finding::at(&parsed.file, parsed.places.of(Subject::Steps), message)
        })
        .collect()
}

fn read(reader: &mut Reader<'_>, text: &str) -> Lists {
    let mut lists = Lists::new();
    let written = text
        .lines()
        .any(|line| !line.trim().is_empty() && !line.starts_with('#'));
    if !written {
        return lists;
    }
    let root = match yaml::read(LOCK, text) {
        Ok(root) => root,
        Err(finding) => {
            reader.findings.push(finding);
            return lists;
        }
    };
    let Some(fields) = reader.map(&root, "a map of journeys") else {
        return lists;
    };
    for (key, node) in fields.iter() {
        let mut ids = Vec::new();
        for node in reader.nodes(node, "a list of step ids") {
            if let Some(id) = reader.text(node, "the id of a step") {
                ids.push((id.to_owned(), node.place));
            }
        }
        lists.insert(key.name.clone(), (key.place, ids));
    }
    lists
}

/// Journeys by name; ids in the order in which they came, so that two branches rarely touch the same line.
fn write(lists: &Lists) -> String {
    let mut text = HEADER.to_owned();
    for (journey, (_, ids)) in lists {
        text.push_str(&format!("{journey}:\n"));
        for (id, _) in ids {
            text.push_str(&format!("  - {id}\n"));
        }
    }
    text
}
