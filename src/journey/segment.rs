//! Segments as plain data: named conditions over the contact, and the moments at which time alone can change them.
//!
//! `segments.yaml` is read by `segment_file`; the engine keeps each contact's standing by this and never changes it.

use super::definition::Condition;
use crate::domain::event::EventKind;
use crate::domain::ids::SegmentName;
use serde::{Deserialize, Serialize};

/// Days that stand for "never": whoever never ordered did so longer ago than any number a condition asks for.
pub const NEVER_DAYS: i64 = 100_000;
/// Longest window of `count(…)`, in days. Events are kept longer.
pub const WINDOW_DAYS_MAX: i64 = 365;

/// One segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub name: SegmentName,
    /// For people; the name when the file says none.
    pub title: String,
    pub when: Condition,
    /// Whoever is in it when it is new or was edited starts its journeys, a few at a time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backfill: bool,
    /// Hash of the condition, 8 hex digits: a contact's standing under another one is no standing.
    pub version: String,
    /// What makes it change when nothing happens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Clock>,
}

/// A way in which time alone can change what a condition says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// So many days after the moment: the numbers that a count of days is compared with.
    After { moment: Moment, days: Vec<u32> },
    /// Every day after the moment: its count of days is used in some other way.
    Daily { moment: Moment },
    /// When an event of the kind leaves a window of so many days.
    Window { event: EventKind, days: u16 },
}

/// What days are counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    LastOrder,
    FirstOrder,
    Signup,
    LastOpen,
    LastClick,
    LastMail,
}

/// Crossing the border of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crossing {
    Enters,
    Leaves,
}

impl Moment {
    /// The field of `contact` that counts the days since each.
    pub const FIELDS: [(Self, &'static str); 6] = [
        (Self::LastOrder, "days_since_order"),
        (Self::FirstOrder, "days_since_first_order"),
        (Self::Signup, "days_since_signup"),
        (Self::LastOpen, "days_since_open"),
        (Self::LastClick, "days_since_click"),
        (Self::LastMail, "days_since_mail"),
    ];

    pub fn of_field(field: &str) -> Option<Self> {
        let found = Self::FIELDS.iter().find(|(_, name)| *name == field);
        found.map(|(moment, _)| *moment)
    }
}

impl Crossing {
    pub const ALL: [Self; 2] = [Self::Enters, Self::Leaves];

    /// As journeys write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enters => "enters",
            Self::Leaves => "leaves",
        }
    }
}
