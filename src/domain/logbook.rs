//! What became of what sources delivered, a line each, for operators. Most lines are read from rows that are there anyway;
//! of a delivery that left none the line itself is kept. Ids only, never an address, never a body.

use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest name or reason of a line, in characters.
const MAX_CHARS: usize = 200;

/// What became of a genuine delivery, or of one event of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the history of a contact, or done.
    Accepted,
    /// It waits for somebody to turn up under one of its identifiers.
    Parked,
    /// Understood, and nothing for us.
    Ignored,
    /// The signature is right, and the body cannot be read.
    Unreadable,
    /// A call to `/v1` that was not taken.
    Rejected,
    /// The document that it names could not be had.
    Failed,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub received_at: Timestamp,
    pub source: String,
    /// As the source calls it; of an event in the history, what it became.
    pub topic: String,
    /// The event's id; of what became none the delivery's, or what names its content.
    pub id: String,
    pub verdict: Verdict,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Found by asking the shop, and not told by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub polled: bool,
}

/// Which lines are wanted: the newest that are older than a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Of these sources.
    pub sources: Vec<String>,
    #[serde(default)]
    pub verdict: Option<Verdict>,
    pub before: Place,
    pub limit: u32,
}

/// A place between two lines: behind those of this time whose ids are smaller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub at: Timestamp,
    pub id: String,
}

impl Verdict {
    pub const ALL: [Self; 6] = [
        Self::Accepted,
        Self::Parked,
        Self::Ignored,
        Self::Unreadable,
        Self::Rejected,
        Self::Failed,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Parked => "parked",
            Self::Ignored => "ignored",
            Self::Unreadable => "unreadable",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.as_str() == word)
    }
}

impl Line {
    /// A line to be kept: its texts came from outside.
    pub fn new(
        received_at: Timestamp,
        source: &str,
        topic: &str,
        id: &str,
        verdict: Verdict,
        reason: &str,
    ) -> Self {
        Self {
            received_at,
            source: source.to_owned(),
            topic: shown(topic),
            id: shown(id),
            verdict,
            reason: Some(shown(reason)).filter(|reason| !reason.is_empty()),
            polled: false,
        }
    }

    /// Where the next page begins after this line.
    pub fn place(&self) -> Place {
        Place {
            at: self.received_at,
            id: self.id.clone(),
        }
    }
}

impl Place {
    /// Before all that was received by then, and at that very time.
    pub fn after_all_of(at: Timestamp) -> Self {
        Self {
            at: Timestamp::from_millis(at.as_millis().saturating_add(1)),
            id: String::new(),
        }
    }

    /// As it stands in an answer, and encoded in an address.
    pub fn to_text(&self) -> String {
        format!("{} {}", self.at.as_millis(), self.id)
    }

    /// What [`Self::to_text`] wrote, or a time: then all that was received before it.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(at) = Timestamp::parse_rfc3339(text) {
            return Some(Self {
                at,
                id: String::new(),
            });
        }
        let (millis, id) = text.split_once(' ')?;
        Some(Self {
            at: Timestamp::from_millis(millis.parse().ok()?),
            id: id.to_owned(),
        })
    }
}

/// A text of others on one short line; one that could hold an address is left out.
fn shown(text: &str) -> String {
    if text.contains('@') {
        return "(left out: it may hold an address)".to_owned();
    }
    let spaced = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    spaced.take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_a_time_is_one() {
        let at = Timestamp::from_millis(1_790_000_000_123);
        let place = Place {
            at,
            id: "shopify:order:1:completed".to_owned(),
        };
        assert_eq!(Place::parse(&place.to_text()), Some(place));
        assert_eq!(
            Place::parse("2026-03-02T09:00:00Z").map(|place| place.id),
            Some(String::new())
        );
        for wrong in ["", "yesterday", "x y", "1790000000123", "2026-03-02"] {
            assert_eq!(Place::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn words_and_verdicts_are_one_to_one() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::parse(verdict.as_str()), Some(verdict));
            assert_eq!(
                serde_json::to_string(&verdict).unwrap(),
                format!("\"{}\"", verdict.as_str())
            );
        }
        assert_eq!(Verdict::parse("duplicate"), None);
    }

    #[test]
    fn what_may_be_an_address_is_not_kept() {
        let at = Timestamp::default();
        let line = Line::new(
            at,
            "events",
            "a\nb",
            "1",
            Verdict::Unreadable,
            "`ana@example.com` is no time",
        );
        assert_eq!(line.topic, "a b");
        assert!(!line.reason.unwrap().contains("ana"));
        let long = Line::new(at, "events", &"x".repeat(900), "1", Verdict::Ignored, "");
        assert_eq!((long.topic.len(), long.reason), (200, None));
    }
}
