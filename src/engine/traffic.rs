//! Which provider a shard may ask now, and how often: a bucket and a breaker for each, over a list in order of preference.
//!
//! Kept by the `Store` object, which asks it for every shard, and by simulations. The first provider that is not shut carries
//! the mail. One that is short of permits for this second, or asked for a short rest, is waited for: each 429 would else
//! split a mailing over two providers. It sees no message: which of them may go elsewhere is decided in `delivery`.

use super::breaker::{Admission, Breaker, Cause, DOWN_AFTER, Trouble};
use super::delivery::Rest;
use super::permits::Bucket;
use crate::domain::message::Lane;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The longest rest that a provider may ask for and be waited for. After a longer one its breaker opens.
pub const SHORT_REST: Delay = Delay::from_minutes(5);

/// A provider that may carry the mail, as the asker sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    pub provider: String,
    /// Fingerprint of its settings.
    pub settings: String,
    /// False for one inside the Worker, which no pace binds.
    pub paced: bool,
}

/// What is doubted of a provider when a request leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Doubt {
    /// This is the one request that sees whether it is well again. It carries a single message.
    pub probe: bool,
    /// Requests in a row that came to nothing. While there are any, messages go singly, so that few are in doubt with it.
    pub silent: u32,
}

/// The answer to a shard that wants to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leave {
    Go {
        provider: String,
        requests: u32,
        doubt: Doubt,
    },
    /// Nothing at this moment, and soon again.
    Rest { again_at: Timestamp },
    /// Every one of them is shut; the first opens then.
    Shut { until: Timestamp, cause: Cause },
}

/// What a request taught about its provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    pub provider: String,
    pub settings: String,
    /// What was doubted when it left.
    pub doubt: Doubt,
    pub per_second: Option<u32>,
    /// No request before this.
    pub rest: Option<Timestamp>,
    pub trouble: Option<Trouble>,
    /// Why it came to nothing, if it did: no answer, or a server error.
    pub silence: Option<String>,
}

impl Lesson {
    pub fn of_request(
        (provider, settings): (&str, String),
        doubt: Doubt,
        rests: impl Iterator<Item = Rest>,
        silence: Option<String>,
    ) -> Self {
        let mut lesson = Self {
            provider: provider.to_owned(),
            settings,
            doubt,
            per_second: None,
            rest: None,
            trouble: None,
            silence,
        };
        for rest in rests {
            match rest {
                Rest::Short(until) => lesson.rest = lesson.rest.max(Some(until)),
                Rest::Shut(trouble) => lesson.trouble = Some(trouble),
            }
        }
        lesson
    }

    /// Whether there is anything to tell. That a provider is well is news only where it was doubted.
    pub fn is_news(&self) -> bool {
        let found = self.per_second.is_some() || self.rest.is_some();
        found || self.trouble.is_some() || self.silence.is_some() || self.doubt != Doubt::default()
    }
}

/// Every provider's pace and breaker.
#[derive(Debug, Default)]
pub struct Traffic {
    buckets: BTreeMap<String, Bucket>,
    breakers: BTreeMap<String, Breaker>,
    /// Requests in a row that came to nothing.
    silent: BTreeMap<String, u32>,
    /// Breakers that are not as they were stored.
    changed: BTreeSet<String>,
}

impl Traffic {
    /// With the breakers that were stored.
    pub fn new(breakers: BTreeMap<String, Breaker>) -> Self {
        Self {
            breakers,
            ..Self::default()
        }
    }

    /// Up to `wanted` requests of a lane to the first of these providers that is not shut.
    pub fn leave(&mut self, candidates: &[Candidate], lane: Lane, wanted: u32, now: Timestamp) -> Leave {
        let mut rest: Option<Timestamp> = None;
        let mut shut: Option<(Timestamp, Cause)> = None;
        for Candidate {
            provider,
            settings,
            paced,
        } in candidates
        {
            if !paced {
                return go(provider, wanted, Doubt::default());
            }
            let silent = self.silent.get(provider).copied().unwrap_or(0);
            let breaker = self.breakers.get(provider).cloned().unwrap_or_default();
            let probe = match breaker.admit(settings, now) {
                Admission::Free => false,
                Admission::Probe => true,
                Admission::Wait { again_at } => {
                    rest = Some(rest.map_or(again_at, |held| held.min(again_at)));
                    continue;
                }
                Admission::Shut { until, cause } => {
                    shut = shut.into_iter().chain([(until, cause)]).min();
                    continue;
                }
            };
            let lease = self
                .bucket(provider, now)
                .lease(lane, if probe { 1 } else { wanted }, now);
            if lease.granted == 0 {
                return Leave::Rest {
                    again_at: lease.again_at,
                };
            }
            if probe {
                self.change(provider, |breaker| breaker.probe(now));
            }
            return go(provider, lease.granted, Doubt { probe, silent });
        }
        match (rest, shut) {
            (None, Some((until, cause))) => Leave::Shut { until, cause },
            (Some(again_at), _) => Leave::Rest { again_at },
            // Nobody asks about no provider; a pause would be the answer.
            (None, None) => Leave::Rest {
                again_at: now.plus(SHORT_REST),
            },
        }
    }

    pub fn learn(&mut self, lesson: Lesson, now: Timestamp) {
        let Lesson {
            provider,
            settings,
            doubt,
            per_second,
            rest,
            trouble,
            silence,
        } = lesson;
        let bucket = self.bucket(&provider, now);
        if let Some(rate) = per_second {
            bucket.learn(rate, now);
        }
        if let Some(until) = rest {
            bucket.pause(until);
        }
        let trouble = trouble.or_else(|| self.hear(&provider, doubt, silence));
        if let Some(trouble) = trouble {
            self.change(&provider, |breaker| breaker.open(trouble, &settings, now));
        } else if doubt.probe {
            self.change(&provider, Breaker::close);
        }
    }

    /// Nothing was sent to the provider on the leave to probe it.
    pub fn put_back_probe(&mut self, provider: &str, now: Timestamp) {
        self.change(provider, |breaker| breaker.put_back_probe(now));
    }

    /// Counts the requests that came to nothing in a row: each that left after the one before had failed. Those that were out
    /// at once and failed together, with the connection that they shared, are one.
    fn hear(&mut self, provider: &str, doubt: Doubt, silence: Option<String>) -> Option<Trouble> {
        let Some(reason) = silence else {
            self.silent.remove(provider);
            return None;
        };
        let count = self.silent.entry(provider.to_owned()).or_default();
        *count = (*count).max(doubt.silent.saturating_add(1));
        let (cause, until) = (Cause::Down, None);
        (doubt.probe || *count >= DOWN_AFTER).then_some(Trouble { cause, reason, until })
    }

    /// The breakers that are not closed.
    pub fn breakers(&self) -> &BTreeMap<String, Breaker> {
        &self.breakers
    }

    /// Those that changed since this was asked last, to be stored.
    pub fn take_changed(&mut self) -> Vec<(String, Breaker)> {
        let names = std::mem::take(&mut self.changed);
        let held = |name: String| {
            let breaker = self.breakers.get(&name).cloned().unwrap_or_default();
            (name, breaker)
        };
        names.into_iter().map(held).collect()
    }

    fn bucket(&mut self, provider: &str, now: Timestamp) -> &mut Bucket {
        self.buckets
            .entry(provider.to_owned())
            .or_insert_with(|| Bucket::new(now))
    }

    fn change(&mut self, provider: &str, work: impl FnOnce(&mut Breaker)) {
        let before = self.breakers.remove(provider).unwrap_or_default();
        let mut breaker = before.clone();
        work(&mut breaker);
        if breaker != before {
            self.changed.insert(provider.to_owned());
        }
        if breaker != Breaker::Closed {
            self.breakers.insert(provider.to_owned(), breaker);
        }
    }
}

fn go(provider: &str, requests: u32, doubt: Doubt) -> Leave {
    Leave::Go {
        provider: provider.to_owned(),
        requests,
        doubt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::at;
    use crate::engine::permits::CAREFUL_RATE;

    fn candidates(names: &[&str]) -> Vec<Candidate> {
        let candidate = |name: &&str| Candidate {
            provider: (*name).to_owned(),
            settings: "s1".to_owned(),
            paced: *name != "outbox",
        };
        names.iter().map(candidate).collect()
    }

    const PROBE: Doubt = Doubt {
        probe: true,
        silent: 0,
    };
    const NONE: Doubt = Doubt {
        probe: false,
        silent: 0,
    };

    fn lesson(provider: &str, doubt: Doubt, trouble: Option<Trouble>) -> Lesson {
        let rests = trouble.map(Rest::Shut).into_iter();
        Lesson::of_request((provider, "s1".to_owned()), doubt, rests, None)
    }

    fn trouble(cause: Cause, until: Option<Timestamp>) -> Option<Trouble> {
        let reason = "it said no".to_owned();
        Some(Trouble { cause, reason, until })
    }

    fn asked(traffic: &mut Traffic, names: &[&str], seconds: i64) -> Leave {
        traffic.leave(&candidates(names), Lane::Transactional, 6, at(seconds))
    }

    #[test]
    fn the_second_carries_what_the_first_cannot_and_one_request_sees_to_the_first() {
        let both = ["resend", "ses"];
        let mut traffic = Traffic::default();
        assert_eq!(asked(&mut traffic, &both, 0), go("resend", CAREFUL_RATE, NONE));
        traffic.learn(lesson("resend", NONE, trouble(Cause::Settings, None)), at(0));
        assert_eq!(asked(&mut traffic, &both, 1), go("ses", CAREFUL_RATE, NONE));
        assert_eq!(asked(&mut traffic, &both, 300), go("resend", 1, PROBE));
        assert_eq!(asked(&mut traffic, &both, 300), go("ses", CAREFUL_RATE, NONE));
        traffic.learn(lesson("resend", PROBE, None), at(301));
        assert!(traffic.breakers().is_empty());
        assert_eq!(asked(&mut traffic, &both, 302), go("resend", CAREFUL_RATE, NONE));
    }

    #[test]
    fn what_nobody_carries_waits_for_the_first_that_opens() {
        let mut traffic = Traffic::default();
        traffic.learn(
            lesson("resend", NONE, trouble(Cause::Quota, Some(at(9_000)))),
            at(0),
        );
        traffic.learn(lesson("ses", NONE, trouble(Cause::Down, None)), at(0));
        let shut = Leave::Shut {
            until: at(60),
            cause: Cause::Down,
        };
        assert_eq!(asked(&mut traffic, &["resend", "ses"], 1), shut);
        assert_eq!(asked(&mut traffic, &["ses", "outbox"], 1), go("outbox", 6, NONE));
    }

    #[test]
    fn a_short_rest_and_a_short_second_are_waited_for() {
        let mut traffic = Traffic::default();
        let rest = Some(at(120));
        traffic.learn(
            Lesson {
                rest,
                ..lesson("resend", NONE, None)
            },
            at(0),
        );
        let resting = Leave::Rest { again_at: at(120) };
        assert_eq!(asked(&mut traffic, &["resend", "ses"], 1), resting);
        // Each has a bucket of its own: the other's is full.
        assert_eq!(asked(&mut traffic, &["ses"], 1), go("ses", CAREFUL_RATE, NONE));
        assert!(matches!(asked(&mut traffic, &["ses"], 1), Leave::Rest { .. }));
    }

    #[test]
    fn a_fault_outlives_its_keeper_and_costs_one_request_after() {
        let mut traffic = Traffic::default();
        traffic.learn(lesson("resend", NONE, trouble(Cause::Settings, None)), at(0));
        let stored: BTreeMap<String, Breaker> = traffic.take_changed().into_iter().collect();
        assert!(traffic.take_changed().is_empty());
        let mut restarted = Traffic::new(stored);
        assert!(matches!(
            asked(&mut restarted, &["resend"], 10),
            Leave::Shut { .. }
        ));
        assert_eq!(asked(&mut restarted, &["resend"], 300), go("resend", 1, PROBE));
        let stored: BTreeMap<String, Breaker> = restarted.take_changed().into_iter().collect();
        let mut again = Traffic::new(stored);
        assert!(matches!(asked(&mut again, &["resend"], 301), Leave::Rest { .. }));
    }

    #[test]
    fn the_third_request_in_a_row_that_comes_to_nothing_shuts_whoever_made_them() {
        let lost = |doubt| {
            let settings = ("ses", "s1".to_owned());
            Lesson::of_request(settings, doubt, std::iter::empty(), Some("no answer".to_owned()))
        };
        let doubted = |traffic: &mut Traffic, seconds| match asked(traffic, &["ses"], seconds) {
            Leave::Go { doubt, .. } => doubt,
            other => panic!("{other:?}"),
        };
        let mut traffic = Traffic::default();
        // Six that were out at once are one.
        for _ in 0..6 {
            traffic.learn(lost(NONE), at(0));
        }
        let second = doubted(&mut traffic, 10);
        assert_eq!(second.silent, 1);
        traffic.learn(lost(second), at(10));
        // One that is answered ends the row, and is told because it was doubted.
        let third = doubted(&mut traffic, 20);
        let well = lesson("ses", third, None);
        assert!(third.silent == 2 && well.is_news() && !lesson("ses", NONE, None).is_news());
        traffic.learn(well, at(20));
        for seconds in [30, 40, 50] {
            let doubt = doubted(&mut traffic, seconds);
            traffic.learn(lost(doubt), at(seconds));
        }
        let shut = Leave::Shut {
            until: at(110),
            cause: Cause::Down,
        };
        assert_eq!(asked(&mut traffic, &["ses"], 60), shut);
    }
}
