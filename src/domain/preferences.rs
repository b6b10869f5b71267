//! What a contact wishes of marketing mail beside yes and no: which topics, how often, and a rest from all of it.
//!
//! Read by the gate and kept in the contact's document; changed by [`Preferences::apply`] alone, when an event brings what
//! the person chose on their own page.

use super::ids::TopicName;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How often a contact wants marketing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Frequency {
    /// As often as the store's own caps allow.
    #[default]
    All,
    /// At most `less_often:` mails a week, as `store.yaml` says.
    LessOften,
}

/// What holds now. A new contact wants everything that their consent allows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Topics that were turned off. A topic that is new later is on.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<TopicName>,
    #[serde(skip_serializing_if = "Frequency::is_all")]
    pub frequency: Frequency,
    /// No marketing before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Timestamp>,
}

/// What somebody chose, of what they were shown: the rest stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PreferenceChange {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub on: BTreeSet<TopicName>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub off: BTreeSet<TopicName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency: Option<Frequency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pause {
    Until(Timestamp),
    /// No rest, or no more of one.
    Over,
}

impl Frequency {
    fn is_all(&self) -> bool {
        *self == Self::All
    }
}

impl Preferences {
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub fn apply(&mut self, change: &PreferenceChange) {
        self.off.retain(|topic| !change.on.contains(topic));
        self.off.extend(change.off.iter().cloned());
        self.frequency = change.frequency.unwrap_or(self.frequency);
        match change.pause {
            Some(Pause::Until(until)) => self.paused_until = Some(until),
            Some(Pause::Over) => self.paused_until = None,
            None => {}
        }
    }

    /// What both of two records allow: a merge of contacts never widens permission.
    #[must_use]
    pub fn stricter(mut self, other: Self) -> Self {
        self.off.extend(other.off);
        Self {
            off: self.off,
            frequency: self.frequency.max(other.frequency),
            paused_until: self.paused_until.max(other.paused_until),
        }
    }

    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &[&str]) -> BTreeSet<TopicName> {
        names.iter().map(|name| TopicName::parse(name).unwrap()).collect()
    }

    #[test]
    fn what_was_not_shown_stays_as_it_is() {
        let mut held = Preferences {
            off: topics(&["carts", "retired"]),
            frequency: Frequency::LessOften,
            paused_until: Some(Timestamp::from_seconds(90)),
        };
        held.apply(&PreferenceChange {
            on: topics(&["carts"]),
            off: topics(&["news"]),
            ..PreferenceChange::default()
        });
        assert_eq!(held.off, topics(&["news", "retired"]));
        assert_eq!(held.frequency, Frequency::LessOften);
        assert!(held.is_paused(Timestamp::from_seconds(89)));
        assert!(!held.is_paused(Timestamp::from_seconds(90)));
        held.apply(&PreferenceChange {
            frequency: Some(Frequency::All),
            pause: Some(Pause::Over),
            on: topics(&["news", "retired"]),
            ..PreferenceChange::default()
        });
        assert!(held.is_default());
    }

    #[test]
    fn of_two_the_stricter_holds_field_by_field() {
        let one = Preferences {
            off: topics(&["news"]),
            frequency: Frequency::All,
            paused_until: Some(Timestamp::from_seconds(90)),
        };
        let other = Preferences {
            off: topics(&["carts"]),
            frequency: Frequency::LessOften,
            paused_until: None,
        };
        let both = Preferences {
            off: topics(&["carts", "news"]),
            frequency: Frequency::LessOften,
            paused_until: Some(Timestamp::from_seconds(90)),
        };
        assert_eq!(one.clone().stricter(other.clone()), both);
        assert_eq!(other.stricter(one), both);
    }
}
