//! What to do about a request once its answer, or the lack of one, is known. The delivery loop asks and obeys.
//!
//! ```text
//! Accepted ------------------------> settled
//! Rejected by address -------------> settled          Rejected for our settings --> released, at once: its breaker opens
//! RetryLater (certainly not taken) > released, tried again later under the same key
//! Unknown, window open ------------> same bytes again  Unknown, window shut -------> on_unknown, at the same provider
//! KeyMismatch on a repeat ---------> accepted          KeyMismatch at first -------> failed: two messages, one key
//! ```
//!
//! Only what is released may go out through another provider: whatever is unknown stays with the one that may have it.

use super::breaker::{Cause, Trouble};
use super::decide::EVIDENCE_WAIT;
use super::decision::Settlement;
use super::retry::next_attempt_at;
use super::traffic::SHORT_REST;
use crate::domain::ids::{IdentifierHash, MessageId};
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::store_file::{OnUnknown, UnknownPolicy};
use serde::{Deserialize, Serialize};

/// How long a claimed request may take before it is given up on; then its fate is unknown.
pub const REQUEST_TIMEOUT: Delay = Delay::from_seconds(30);
/// What a lease outlives the timeout by.
pub const LEASE_MARGIN: Delay = Delay::from_seconds(15);
/// How long a message that the provider certainly never took is tried, from when it could go out. By age and not by count: a
/// provider that answers "in a second" for a minute must not cost the mail.
pub const MAX_AGE: Delay = Delay::from_days(3);
/// Kept off the end of a provider's idempotency window, as its clock is not ours: this, or a quarter of a short one.
pub const WINDOW_MARGIN: Delay = Delay::from_hours(1);

/// One request, from its claim to its final outcome. Its bytes never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    pub id: String,
    pub provider: String,
    /// The idempotency key.
    pub key: String,
    /// 1, or 2 for the one resend of a message of unknown fate.
    pub generation: u8,
    pub members: Vec<MessageId>,
    /// To whom the bytes go, by hash, in the order of `members`. Empty in claims of before this was kept.
    #[serde(default)]
    pub addressees: Vec<IdentifierHash>,
    /// Grows at each claim; an outcome is believed only for the attempt it belongs to.
    pub attempt: u32,
    pub first_at: Timestamp,
    pub lease_until: Timestamp,
    /// When the same bytes may go out again; set while the fate is unknown.
    pub next_at: Option<Timestamp>,
}

/// What to do with one message after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Settle(Settlement),
    /// Certainly not taken: back to an intent, through the gate again at `at`, and out through whoever carries it then.
    Release {
        at: Timestamp,
        reason: String,
    },
    /// Fate unknown: the same bytes go out again at `at`.
    Repeat {
        at: Timestamp,
    },
    /// Fate unknown and no key protects a repeat: send once more, as a new message, at `at`.
    Resend {
        at: Timestamp,
    },
}

/// What an answer asks of everybody who sends through its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rest {
    /// No request before this.
    Short(Timestamp),
    /// Longer than anybody waits for: its breaker opens.
    Shut(Trouble),
}

impl Dispatch {
    /// When this dispatch must be looked at: its repeat, or the end of its lease.
    pub fn due(&self) -> Timestamp {
        self.next_at.unwrap_or(self.lease_until)
    }
}

/// The lease of a claim made now.
pub const fn lease_from(now: Timestamp) -> Timestamp {
    now.plus(REQUEST_TIMEOUT).plus(LEASE_MARGIN)
}

/// How long after the first request a repeat of its bytes is harmless, of a provider that remembers a key for `window`.
pub fn safe_window(window: Delay) -> Delay {
    if planted!(KeyNeverExpires) {
        return Delay::from_days(30);
    }
    let margin = (window.as_millis() / 4).min(WINDOW_MARGIN.as_millis());
    Delay::from_millis(window.as_millis() - margin)
}

/// A message as an answer finds it.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub stream: Stream,
    /// Attempts over every dispatch, this one included.
    pub attempts: u32,
    /// Since when it could have gone out: what our own rules held is not the provider's doing.
    pub ready_since: Timestamp,
}

/// What becomes of the message `sent`, a member of `dispatch`.
///
/// `window` is how long the provider remembers a key; none when it has no keys. A refusal is certain only about the
/// attempt it answers: while an earlier attempt of the same dispatch has an unknown fate, the bytes stay as they are.
pub fn after(
    dispatch: &Dispatch,
    sent: Sent,
    outcome: &Outcome,
    window: Option<Delay>,
    policy: OnUnknown,
    now: Timestamp,
) -> Next {
    match outcome {
        Outcome::Accepted(id) => Next::Settle(accepted(dispatch, id.clone())),
        Outcome::Rejected(Rejection::Message(reason) | Rejection::Suppressed(reason)) => {
            Next::Settle(Settlement::Failed(reason.clone()))
        }
        Outcome::Rejected(Rejection::Configuration(reason)) => {
            if dispatch.attempt > 1 {
                let at = next_attempt_at(now, dispatch.attempt, None, &dispatch.id);
                return unknown(dispatch, sent.stream, reason, at, window, policy, now);
            }
            Next::Release {
                at: now,
                reason: reason.clone(),
            }
        }
        Outcome::RetryLater(RetryLater { after, reason }) => {
            let text = match reason {
                RetryReason::RateLimited => "the provider asked to slow down",
                RetryReason::QuotaExceeded => "the provider's quota is used up",
                RetryReason::Address => "the address takes no mail for now",
            };
            let at = next_attempt_at(now, sent.attempts, *after, &dispatch.id);
            if dispatch.attempt > 1 {
                return unknown(dispatch, sent.stream, text, at, window, policy, now);
            }
            if *reason != RetryReason::QuotaExceeded && now.since(sent.ready_since) > MAX_AGE {
                return Next::Settle(Settlement::Failed(format!("given up after {MAX_AGE}: {text}")));
            }
            // Where the provider is shut, its breaker says how long, or another provider carries it.
            let shut = matches!(rest(outcome, &dispatch.id, now), Some(Rest::Shut(_)));
            Next::Release {
                at: if shut { now } else { at },
                reason: text.to_owned(),
            }
        }
        Outcome::KeyMismatch if sent.attempts > 1 => Next::Settle(accepted(dispatch, None)),
        Outcome::KeyMismatch => Next::Settle(Settlement::Failed(
            "the provider has seen this idempotency key with another message; please report this".to_owned(),
        )),
        Outcome::Unknown(reason) => {
            let at = next_attempt_at(now, dispatch.attempt, None, &dispatch.id);
            unknown(dispatch, sent.stream, reason, at, window, policy, now)
        }
    }
}

/// What an answer says about its provider, whatever becomes of the message. One message's long history says nothing about how
/// long the others must wait.
pub fn rest(outcome: &Outcome, seed: &str, now: Timestamp) -> Option<Rest> {
    let trouble = |cause, reason: &str, until| {
        let reason = reason.to_owned();
        Some(Rest::Shut(Trouble { cause, reason, until }))
    };
    match outcome {
        Outcome::Rejected(Rejection::Configuration(reason)) => trouble(Cause::Settings, reason, None),
        Outcome::RetryLater(RetryLater { after, reason }) => {
            let until = next_attempt_at(now, 1, *after, seed);
            match reason {
                RetryReason::QuotaExceeded => {
                    trouble(Cause::Quota, "the allowance of the plan is used up", Some(until))
                }
                RetryReason::RateLimited => Some(resting(until, now)),
                RetryReason::Address => None,
            }
        }
        Outcome::Accepted(_)
        | Outcome::Rejected(Rejection::Message(_) | Rejection::Suppressed(_))
        | Outcome::Unknown(_)
        | Outcome::KeyMismatch => None,
    }
}

/// A rest that a provider asks for, by a 429 or by what its headers leave: waited for while it is short.
pub fn resting(until: Timestamp, now: Timestamp) -> Rest {
    if until.since(now) <= SHORT_REST {
        return Rest::Short(until);
    }
    Rest::Shut(Trouble {
        cause: Cause::Quota,
        reason: "it asked for a long rest".to_owned(),
        until: Some(until),
    })
}

fn accepted(dispatch: &Dispatch, provider_id: Option<String>) -> Settlement {
    Settlement::Accepted {
        provider: dispatch.provider.clone(),
        provider_id,
    }
}

/// Inside the window a repeat of the same bytes is harmless; after it, the store's policy decides.
fn unknown(
    dispatch: &Dispatch,
    stream: Stream,
    reason: &str,
    at: Timestamp,
    window: Option<Delay>,
    policy: OnUnknown,
    now: Timestamp,
) -> Next {
    let safe = window.is_some_and(|window| at <= dispatch.first_at.plus(safe_window(window)));
    let forgets = match stream {
        Stream::Transactional => planted!(SecondComesEarly),
        Stream::Marketing => planted!(SilenceIsTheEnd),
    };
    if safe && !forgets {
        return Next::Repeat { at };
    }
    let policy = match stream {
        Stream::Transactional => policy.transactional,
        Stream::Marketing => policy.marketing,
    };
    match policy {
        UnknownPolicy::ResendOnce if dispatch.generation == 1 => Next::Resend {
            at: now.plus(EVIDENCE_WAIT),
        },
        UnknownPolicy::ResendOnce | UnknownPolicy::GiveUp => {
            Next::Settle(Settlement::GivenUp(reason.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests;
