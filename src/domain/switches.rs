//! What an operator, or protection in their place, has switched: one value for the whole store.
//!
//! Kept by the `Store`, told to every shard, read in every turn of a shard. A higher version is newer, whichever comes
//! first. The stored form is JSON that only grows by optional fields; one that does not say whether mail is stopped is none.

use super::ids::JourneyId;
use super::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// All switches. The default holds nothing back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// Grows with every change, so that one that was told late overwrites nothing.
    pub version: u64,
    /// No request to an email API starts.
    pub stopped: bool,
    /// Everything is decided and written down, and nothing is sent.
    pub shadow: bool,
    /// The only addresses or domains that mail may go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_to: Option<Vec<String>>,
    /// No marketing leaves: it all comes from the sender's one domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing: Option<Pause>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub paused: BTreeMap<JourneyId, Pause>,
    /// When marketing as a whole was let go again: protection counts from there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marketing_resumed: Option<Timestamp>,
    /// The same of single journeys.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resumed: BTreeMap<JourneyId, Timestamp>,
}

/// Why something is paused, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    pub by: By,
    pub since: Timestamp,
    /// For people; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What protection counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// Everybody in the journey stays in place.
    Operator,
    /// Its marketing waits; transactional mail is never stopped by it.
    Protection,
}

/// Marketing mails that a provider took, and what came back of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Figures {
    pub mails: u32,
    pub hard_bounces: u32,
    pub complaints: u32,
}

/// What an operator wants changed; what is not said stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Change {
    pub stopped: Option<bool>,
    pub shadow: Option<bool>,
    /// `null` lifts the list, which is something else than saying nothing of it.
    #[serde(deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    pub only_to: Option<Option<Vec<String>>>,
    /// Whether marketing as a whole waits.
    pub marketing_paused: Option<bool>,
    pub pause: Vec<JourneyId>,
    pub resume: Vec<JourneyId>,
    /// Of what is paused.
    pub reason: String,
}

fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Switches {
    /// Whether journeys run as the build has them.
    pub fn pauses_nothing(&self) -> bool {
        self.marketing.is_none() && self.paused.is_empty()
    }

    /// The switches after an operator's change; the same when it changes nothing.
    #[must_use]
    pub fn changed(&self, change: &Change, now: Timestamp) -> Self {
        let mut after = self.clone();
        let by_operator = || Pause {
            by: By::Operator,
            since: now,
            reason: change.reason.clone(),
            figures: None,
        };
        after.stopped = change.stopped.unwrap_or(self.stopped);
        after.shadow = change.shadow.unwrap_or(self.shadow);
        if let Some(list) = &change.only_to {
            after.only_to.clone_from(list);
        }
        match change.marketing_paused {
            Some(true) => _ = after.marketing.get_or_insert_with(by_operator),
            Some(false) if after.marketing.take().is_some() => after.marketing_resumed = Some(now),
            Some(false) | None => {}
        }
        for journey in &change.pause {
            let held = after.paused.entry(journey.clone()).or_insert_with(by_operator);
            // What protection holds lets transactional mail go; an operator's pause is the stricter one.
            if held.by == By::Protection {
                *held = by_operator();
            }
        }
        for journey in &change.resume {
            if after.paused.remove(journey).is_some() {
                after.resumed.insert(journey.clone(), now);
            }
        }
        after.newer_than(self)
    }

    /// The switches after protection stopped a journey's marketing; all marketing when none is named.
    #[must_use]
    pub fn protected(
        &self,
        journey: Option<&JourneyId>,
        figures: Figures,
        reason: String,
        now: Timestamp,
    ) -> Self {
        let mut after = self.clone();
        let pause = Pause {
            by: By::Protection,
            since: now,
            reason,
            figures: Some(figures),
        };
        match journey {
            Some(journey) => _ = after.paused.entry(journey.clone()).or_insert(pause),
            None => _ = after.marketing.get_or_insert(pause),
        }
        after.newer_than(self)
    }

    fn newer_than(self, before: &Self) -> Self {
        if self == *before {
            return self;
        }
        Self {
            version: before.version.saturating_add(1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn journey(name: &str) -> JourneyId {
        JourneyId::parse(name).unwrap()
    }

    fn change(json: serde_json::Value) -> Change {
        serde_json::from_value(json).unwrap()
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    #[test]
    fn what_a_change_does_not_say_stays() {
        let first = change(json!({ "stopped": true, "only_to": ["me@own.example"], "pause": ["welcome"] }));
        let before = Switches::default().changed(&first, NOW);
        assert_eq!(before.version, 1);
        let after = before.changed(&change(json!({ "shadow": true })), NOW);
        assert_eq!((after.version, after.stopped, after.shadow), (2, true, true));
        assert_eq!(after.only_to.as_deref(), Some(&["me@own.example".to_owned()][..]));
        assert!(after.paused.contains_key(&journey("welcome")));
        assert_eq!(after.changed(&change(json!({})), NOW), after, "the same version");
        assert_eq!(
            after.changed(&change(json!({ "only_to": null })), NOW).only_to,
            None
        );
    }

    #[test]
    fn a_pause_remembers_its_beginning_and_a_resume_its_own() {
        let (later, pause) = (
            NOW.plus(super::super::time::Delay::from_hours(1)),
            json!({ "pause": ["welcome"], "reason": "typo" }),
        );
        let paused = Switches::default().changed(&change(pause.clone()), NOW);
        assert_eq!(
            paused.changed(&change(pause), later),
            paused,
            "it is paused already"
        );
        let resumed = paused.changed(&change(json!({ "resume": ["welcome"] })), later);
        assert!(resumed.paused.is_empty());
        assert_eq!(resumed.resumed.get(&journey("welcome")), Some(&later));
        let nothing = change(json!({ "resume": ["welcome"], "marketing_paused": false }));
        assert_eq!(
            resumed.changed(&nothing, NOW),
            resumed,
            "what runs cannot be resumed"
        );
    }

    #[test]
    fn an_operator_may_pause_what_protection_holds_and_not_the_other_way_round() {
        let figures = Figures {
            mails: 1_000,
            hard_bounces: 90,
            complaints: 0,
        };
        let welcome = journey("welcome");
        let held = Switches::default().protected(Some(&welcome), figures, "bounces".to_owned(), NOW);
        let by = |switches: &Switches| switches.paused.get(&welcome).map(|pause| pause.by);
        assert_eq!(by(&held), Some(By::Protection));
        let paused = held.changed(&change(json!({ "pause": ["welcome"] })), NOW);
        assert_eq!(by(&paused), Some(By::Operator));
        assert_eq!(
            paused.protected(Some(&welcome), figures, String::new(), NOW),
            paused
        );
    }

    /// Stored in the `Store` and in every shard: it grows by optional fields alone.
    #[test]
    fn the_stored_form_is_pinned() {
        let figures = Figures {
            mails: 1_000,
            hard_bounces: 90,
            complaints: 4,
        };
        let all = json!({ "stopped": true, "shadow": true, "only_to": ["@own.example"], "pause": ["welcome"], "reason": "typo" });
        let switches = Switches::default().changed(&change(all), NOW).protected(
            None,
            figures,
            "bounces".to_owned(),
            NOW,
        );
        let stored = json!({
            "version": 2, "stopped": true, "shadow": true, "only_to": ["@own.example"],
            "marketing": {
                "by": "protection", "since": 1_790_000_000_000_i64, "reason": "bounces",
                "figures": { "mails": 1000, "hard_bounces": 90, "complaints": 4 },
            },
            "paused": { "welcome": { "by": "operator", "since": 1_790_000_000_000_i64, "reason": "typo" } },
        });
        assert_eq!(serde_json::to_value(&switches).unwrap(), stored);
        assert_eq!(serde_json::from_value::<Switches>(stored).unwrap(), switches);
        let least = json!({ "version": 0, "stopped": false, "shadow": false });
        assert_eq!(
            serde_json::from_value::<Switches>(least.clone()).unwrap(),
            Switches::default()
        );
        for name in ["version", "stopped", "shadow"] {
            let mut lacking = least.clone();
            lacking.as_object_mut().unwrap().remove(name);
            assert!(serde_json::from_value::<Switches>(lacking).is_err(), "{name}");
        }
    }

    #[test]
    fn a_misspelt_switch_is_refused() {
        assert!(serde_json::from_value::<Change>(json!({ "stoped": true })).is_err());
    }
}
