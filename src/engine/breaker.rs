//! Whether a provider is asked at all: shut after a fault, and opened again by the one request that finds it well.
//!
//! ```text
//! Closed  --trouble--------------------> Open
//! Open    --its time, other settings---> Probing: one request, which is the probe
//! Probing --an answer------------------> Closed
//! Probing --trouble--------------------> Open, longer
//! Probing --no word for a lease--------> Probing anew
//! Probing --no mail was there for it---> Open, its time over
//! ```
//!
//! Called by `traffic`, whose owner keeps it over restarts: a fault of our settings must not cost a request after each. It
//! knows no provider and no message; what waits meanwhile waits in the ledger.

use super::delivery::lease_from;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};

/// Requests in a row without an answer, or with a 5xx, after which a provider is down.
pub const DOWN_AFTER: u32 = 3;
/// When somebody else's probe is looked at again.
const PROBE_LOOK: Delay = Delay::from_seconds(2);
/// How long a provider is left alone at first, and at most, where it did not say so itself.
const SETTINGS_PAUSE: Delay = Delay::from_minutes(5);
const DOWN_PAUSE: Delay = Delay::from_minutes(1);
const QUOTA_PAUSE: Delay = Delay::from_hours(1);
/// Short enough for what was held to leave soon after the fault is mended; doubling up to it keeps rows and requests few.
const LONGEST_PAUSE: Delay = Delay::from_minutes(15);

/// Why a provider is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// It refused our key, domain, account or sender.
    Settings,
    /// An allowance of the plan is used up, or it asked for a long rest.
    Quota,
    /// It did not answer, or with server errors only.
    Down,
}

/// What a request found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    pub cause: Cause,
    /// For people: the provider's words, without addresses.
    pub reason: String,
    /// Until when it asked to be left alone.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

/// A breaker, as it is stored; one that is closed has no row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breaker {
    #[default]
    Closed,
    Open(Opened),
    /// One request is out to see. It has until `until` to tell.
    Probing(Opened),
}

/// What an open breaker knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub cause: Cause,
    pub reason: String,
    pub since: Timestamp,
    pub until: Timestamp,
    /// Requests, the first and each probe, that found it so.
    pub failures: u32,
    /// Fingerprint of the settings it was asked with.
    pub settings: String,
}

/// May a request be made?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    Free,
    /// One, to see whether it is well again.
    Probe,
    /// Somebody sees to it at this moment.
    Wait {
        again_at: Timestamp,
    },
    Shut {
        until: Timestamp,
        cause: Cause,
    },
}

impl Breaker {
    /// Whether a request may be made with settings of this fingerprint. Other settings than those that were refused are
    /// tried at once: somebody has mended them.
    pub fn admit(&self, settings: &str, now: Timestamp) -> Admission {
        match self {
            Self::Closed => Admission::Free,
            Self::Probing(opened) if now < opened.until => Admission::Wait {
                again_at: opened.until.min(now.plus(PROBE_LOOK)),
            },
            Self::Open(opened) if now < opened.until && !opened.was_mended(settings) => Admission::Shut {
                until: opened.until,
                cause: opened.cause,
            },
            Self::Open(_) | Self::Probing(_) => Admission::Probe,
        }
    }

    /// The probe leaves. Whoever made it tells what came of it, or its lease ends.
    pub fn probe(&mut self, now: Timestamp) {
        if let Some(opened) = self.opened() {
            let until = lease_from(now);
            *self = Self::Probing(Opened {
                until,
                ..opened.clone()
            });
        }
    }

    /// The probe never left: the mail that was to be it may not go. The next one may be it at once.
    pub fn put_back_probe(&mut self, now: Timestamp) {
        if let Self::Probing(opened) = self {
            let until = now;
            *self = Self::Open(Opened {
                until,
                ..opened.clone()
            });
        }
    }

    /// A request was answered by a provider that is well.
    pub fn close(&mut self) {
        *self = Self::Closed;
    }

    /// A request found trouble. Of several that were out at once only the first counts, or a burst would be a long fault.
    pub fn open(&mut self, trouble: Trouble, settings: &str, now: Timestamp) {
        let Trouble { cause, reason, until } = trouble;
        let before = self.opened().filter(|opened| opened.cause == cause);
        let (since, found) = before.map_or((now, 0), |opened| (opened.since, opened.failures));
        let (failures, held) = match self {
            Self::Open(opened) => (found.max(1), opened.until),
            Self::Closed | Self::Probing(_) => (found.saturating_add(1), Timestamp::default()),
        };
        let asked = until.unwrap_or_else(|| now.plus(pause(cause, failures)));
        *self = Self::Open(Opened {
            cause,
            reason,
            since,
            until: asked.max(held),
            failures,
            settings: settings.to_owned(),
        });
    }

    pub const fn opened(&self) -> Option<&Opened> {
        match self {
            Self::Closed => None,
            Self::Open(opened) | Self::Probing(opened) => Some(opened),
        }
    }
}

impl Opened {
    fn was_mended(&self, settings: &str) -> bool {
        match self.cause {
            Cause::Settings => self.settings != settings,
            Cause::Quota | Cause::Down => false,
        }
    }
}

/// Doubles with each failure.
fn pause(cause: Cause, failures: u32) -> Delay {
    let first = match cause {
        Cause::Settings => SETTINGS_PAUSE,
        Cause::Down => DOWN_PAUSE,
        Cause::Quota => return QUOTA_PAUSE,
    };
    let doubled = first.as_millis() << failures.saturating_sub(1).min(10);
    Delay::from_millis(doubled.min(LONGEST_PAUSE.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fixtures::at;

    const MINUTE: i64 = 60;

    fn trouble(cause: Cause) -> Trouble {
        Trouble {
            cause,
            reason: "status 401".to_owned(),
            until: None,
        }
    }

    fn opened(cause: Cause) -> Breaker {
        let mut breaker = Breaker::default();
        breaker.open(trouble(cause), "s1", at(0));
        breaker
    }

    #[test]
    fn one_request_at_a_time_sees_whether_it_is_mended() {
        let mut breaker = opened(Cause::Settings);
        let shut = Admission::Shut {
            until: at(5 * MINUTE),
            cause: Cause::Settings,
        };
        assert_eq!(breaker.admit("s1", at(5 * MINUTE - 1)), shut);
        assert_eq!(breaker.admit("s1", at(5 * MINUTE)), Admission::Probe);
        breaker.probe(at(5 * MINUTE));
        let wait = |seconds| Admission::Wait {
            again_at: at(seconds),
        };
        assert_eq!(breaker.admit("s1", at(5 * MINUTE)), wait(5 * MINUTE + 2));
        breaker.close();
        assert_eq!(breaker.admit("s1", at(5 * MINUTE)), Admission::Free);
    }

    #[test]
    fn each_probe_that_fails_doubles_the_wait_to_a_quarter_of_an_hour() {
        for (cause, minutes) in [
            (Cause::Settings, [5, 10, 15, 15, 15, 15]),
            (Cause::Down, [1, 2, 4, 8, 15, 15]),
        ] {
            let mut breaker = opened(cause);
            let mut waits = Vec::new();
            let mut asked_at = at(0);
            for failures in 1..=6 {
                let opened = breaker.opened().unwrap().clone();
                assert_eq!((opened.failures, opened.since), (failures, at(0)));
                waits.push(opened.until.since(asked_at).as_millis() / 60_000);
                asked_at = opened.until;
                breaker.probe(asked_at);
                breaker.open(trouble(cause), "s1", asked_at);
            }
            assert_eq!(waits, minutes, "{cause:?}");
        }
    }

    #[test]
    fn a_burst_of_refusals_is_one_fault() {
        let mut breaker = opened(Cause::Settings);
        for _ in 0..5 {
            breaker.open(trouble(Cause::Settings), "s1", at(1));
        }
        let opened = breaker.opened().unwrap();
        assert_eq!((opened.failures, opened.until), (1, at(5 * MINUTE + 1)));
    }

    #[test]
    fn other_settings_are_tried_at_once_and_only_where_settings_were_the_fault() {
        assert_eq!(opened(Cause::Settings).admit("s2", at(1)), Admission::Probe);
        for cause in [Cause::Down, Cause::Quota] {
            assert!(matches!(opened(cause).admit("s2", at(1)), Admission::Shut { .. }));
        }
    }

    #[test]
    fn a_probe_that_is_never_heard_of_is_made_anew_once_its_lease_is_over() {
        let mut breaker = opened(Cause::Down);
        breaker.probe(at(MINUTE));
        assert!(matches!(
            breaker.admit("s1", at(MINUTE + 44)),
            Admission::Wait { .. }
        ));
        assert_eq!(breaker.admit("s1", at(MINUTE + 45)), Admission::Probe);
    }

    #[test]
    fn a_probe_that_never_left_is_there_for_the_next_mail() {
        let mut breaker = opened(Cause::Down);
        let before = breaker.opened().cloned();
        breaker.probe(at(MINUTE));
        breaker.put_back_probe(at(MINUTE + 1));
        assert_eq!(breaker.admit("s1", at(MINUTE + 1)), Admission::Probe);
        let failures = |opened: &Opened| opened.failures;
        assert_eq!(
            breaker.opened().map(failures),
            before.as_ref().map(failures),
            "nothing was asked"
        );
        let mut well = Breaker::Closed;
        well.put_back_probe(at(MINUTE));
        assert_eq!(well, Breaker::Closed, "somebody else heard that it is well");
    }

    #[test]
    fn a_provider_that_says_how_long_is_left_alone_for_so_long() {
        let mut breaker = Breaker::default();
        let until = at(6 * 60 * MINUTE);
        let used_up = Trouble {
            until: Some(until),
            ..trouble(Cause::Quota)
        };
        breaker.open(used_up, "s1", at(0));
        assert_eq!(breaker.opened().map(|opened| opened.until), Some(until));
        // A shorter word of another request does not shorten it.
        breaker.open(trouble(Cause::Down), "s1", at(1));
        assert_eq!(breaker.opened().map(|opened| opened.until), Some(until));
    }
}
