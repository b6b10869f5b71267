//! `segments.yaml` read and checked: a name, a condition, and when time alone can change what it says.
//!
//! Called by `check`. The names are known even where a condition is wrong, so that one mistake is told once.

use super::condition::{self, About, clocks::clocks};
use super::definition::Condition;
use super::finding::Finding;
use super::language::YES_NO;
use super::parse::is_plain_name;
use super::project::SEGMENTS;
use super::segment::Segment;
use super::yaml::{self, Key, Node, Reader, Value, place_within};
use crate::domain::ids::SegmentName;
use sha2::{Digest, Sha256};

/// Most segments of a store: each is a few bytes in every contact.
const SEGMENTS_MAX: usize = 100;
const FIELDS: [&str; 3] = ["when", "title", "backfill"];

/// What the file says.
#[derive(Debug, Default)]
pub struct Read {
    /// Sorted by name.
    pub segments: Vec<Segment>,
    /// Every name in the file, sorted.
    pub names: Vec<String>,
    pub findings: Vec<Finding>,
}

/// Reads `segments.yaml`; `events` are the store's own.
pub fn read(text: &str, events: &[String]) -> Read {
    let mut read = Read::default();
    let root = match yaml::read(SEGMENTS, text) {
        Ok(root) => root,
        Err(finding) => {
            read.findings.push(finding);
            return read;
        }
    };
    let mut reader = Reader::new(SEGMENTS);
    let entries = match &root.value {
        // A file with nothing but comments.
        Value::Null => &[],
        Value::Map(entries) => entries.as_slice(),
        Value::Text(_) | Value::Other(_) | Value::List(_) => {
            reader.expected(
                &root,
                "segments by name, as `lapsed: {when: contact.days_since_order > 90}`",
            );
            &[]
        }
    };
    for (key, node) in entries {
        read.names.push(key.name.clone());
        read.segments
            .extend(segment(&mut reader, text, key, node, events));
    }
    if let Some((key, _)) = entries.get(SEGMENTS_MAX) {
        reader.report(key.place, format!("more than {SEGMENTS_MAX} segments"));
    }
    read.names.sort();
    read.segments.sort_by(|one, two| one.name.cmp(&two.name));
    read.findings = reader.findings;
    read
}

fn segment(
    reader: &mut Reader<'_>,
    source: &str,
    key: &Key,
    node: &Node,
    events: &[String],
) -> Option<Segment> {
    if !is_plain_name(&key.name) {
        let message = format!(
            "`{}` is not a name: use lower-case letters, digits and `-`, starting with a letter",
            key.name
        );
        reader.report(key.place, message);
    }
    let fields = reader.fields(node, "a segment: a map", &FIELDS)?;
    let title = fields.get("title").and_then(|node| reader.text(node, "a text"));
    let backfill = fields
        .get("backfill")
        .and_then(|node| reader.choice(node, &YES_NO));
    let node = reader.required(&fields, "when", "who is in it, as `when: contact.orders >= 5`")?;
    let text = reader.text(node, "a condition such as `contact.orders >= 5`")?;
    for problem in condition::check(text, About::contact(events)) {
        let place = place_within(source, node.offset, text, problem.offset);
        reader.report(place, problem.message);
    }
    let digest = Sha256::digest(text.as_bytes());
    Some(Segment {
        name: SegmentName::parse(&key.name).ok()?,
        title: title.unwrap_or(&key.name).to_owned(),
        when: Condition(text.to_owned()),
        backfill: backfill.unwrap_or(false),
        version: digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect(),
        clocks: clocks(text),
    })
}
