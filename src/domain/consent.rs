//! Consent to marketing mail. It belongs to an address, is three-valued at the source, and is never guessed.
//!
//! The rule of change is [`Consent::apply`]; nothing else writes a consent state.

use super::ids::{EventId, IdentifierHash};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What we know of an address's wish. A new address starts `Unknown`; absence of a field is not an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum ConsentState {
    #[default]
    Unknown,
    Pending,
    Subscribed,
    Unsubscribed,
    /// The address bounced, complained or was erased. Nothing lifts this.
    Suppressed,
}

/// How strongly a signal speaks. A lower grade never lifts an unsubscribe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsentGrade {
    /// A side remark, such as an accepts-marketing flag copied onto an order from an old checkbox.
    Implied,
    /// The person's own act with its own time: a form, a consent record of the shop, an unsubscribe link.
    Explicit,
}

impl ConsentState {
    /// The word stored in the ledger of consent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Pending => "pending",
            Self::Subscribed => "subscribed",
            Self::Unsubscribed => "unsubscribed",
            Self::Suppressed => "suppressed",
        }
    }
}

impl ConsentGrade {
    /// The word stored in the ledger of consent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Implied => "implied",
            Self::Explicit => "explicit",
        }
    }
}

/// A statement about consent, as a source made it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentSignal {
    pub state: ConsentState,
    pub grade: ConsentGrade,
    pub at: Timestamp,
    /// How it was given: `single_opt_in`, `footer-form`, `one-click`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The wording, or its version, that the person agreed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Who acted: the person, the shop's staff, an import.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// Ways of giving consent by which the person proved that the mailbox is theirs.
const CONFIRMED: [&str; 3] = ["double_opt_in", "confirmed_opt_in", "preference_centre"];

/// A change of consent as the ledger of consent keeps it: the proof that outlives the state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// The keyed hash of the address.
    pub address: IdentifierHash,
    /// What holds from here on. It may be less than what the signal says: a yes that waits to be confirmed.
    pub state: ConsentState,
    pub signal: ConsentSignal,
    /// The event that brought it.
    pub event: EventId,
    pub recorded_at: Timestamp,
}

/// The consent of one address, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Consent {
    pub state: ConsentState,
    /// The signal that set the state, and the event that carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<(ConsentSignal, EventId)>,
}

impl ConsentSignal {
    /// Whether it came from the mailbox itself, so that no further confirmation is asked for.
    pub fn is_confirmed(&self) -> bool {
        self.method
            .as_deref()
            .is_some_and(|method| CONFIRMED.contains(&method))
    }
}

impl Consent {
    /// Applies a signal; returns whether the state or its evidence changed.
    ///
    /// Older signals than the one held change nothing, except that a withdrawal is never lost to a merely implied
    /// consent. `Suppressed` stays. `Unknown` says nothing and changes nothing.
    pub fn apply(&mut self, signal: &ConsentSignal, event: &EventId) -> bool {
        self.apply_as(signal.state, signal, event)
    }

    /// As [`Consent::apply`], where a signal counts for less than it says: a yes that has to be confirmed is `Pending`.
    pub fn apply_as(&mut self, state: ConsentState, signal: &ConsentSignal, event: &EventId) -> bool {
        if !self.accepts(state, signal) {
            return false;
        }
        // A later no, or a later request, is a new one.
        let repeats = !matches!(state, ConsentState::Unsubscribed | ConsentState::Pending);
        let unchanged = self.state == state
            && repeats
            && self
                .evidence
                .as_ref()
                .is_some_and(|(held, _)| held.grade >= signal.grade);
        if unchanged {
            return false;
        }
        self.state = state;
        self.evidence = Some((signal.clone(), event.clone()));
        true
    }

    /// The stricter of two records: a merge of contacts never widens permission.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        let rank = |consent: &Self| match consent.state {
            ConsentState::Suppressed => 4,
            ConsentState::Unsubscribed => 3,
            ConsentState::Pending => 2,
            ConsentState::Unknown => 1,
            ConsentState::Subscribed => 0,
        };
        let at = |consent: &Self| consent.evidence.as_ref().map(|(signal, _)| signal.at);
        if (rank(&other), at(&other)) > (rank(&self), at(&self)) {
            other
        } else {
            self
        }
    }

    /// Whether somebody asked for marketing and has yet to confirm it to us. Where a shop asks for confirmation itself,
    /// it says `pending`, and that is its own affair.
    pub fn is_unconfirmed(&self) -> bool {
        self.state == ConsentState::Pending
            && self
                .evidence
                .as_ref()
                .is_some_and(|(signal, _)| signal.state == ConsentState::Subscribed)
    }

    fn accepts(&self, state: ConsentState, signal: &ConsentSignal) -> bool {
        let held = self.evidence.as_ref().map(|(held, _)| (held.at, held.grade));
        match (self.state, state) {
            (ConsentState::Suppressed, _) | (_, ConsentState::Unknown) => false,
            (_, ConsentState::Suppressed) => true,
            // A later no outlasts a yes that was given between the two and arrives after both.
            (ConsentState::Unsubscribed, ConsentState::Unsubscribed) => {
                held.is_some_and(|(at, _)| signal.at > at)
            }
            (ConsentState::Unsubscribed, ConsentState::Subscribed | ConsentState::Pending) => {
                signal.grade == ConsentGrade::Explicit && held.is_none_or(|(at, _)| signal.at > at)
            }
            (ConsentState::Subscribed, ConsentState::Unsubscribed) => {
                // Equal times: the withdrawal wins.
                held.is_none_or(|(at, grade)| signal.at >= at || grade == ConsentGrade::Implied)
            }
            (ConsentState::Subscribed, ConsentState::Pending) => false,
            (ConsentState::Pending, ConsentState::Pending) => held.is_none_or(|(at, _)| signal.at > at),
            (ConsentState::Unknown | ConsentState::Pending | ConsentState::Subscribed, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(state: ConsentState, grade: ConsentGrade, seconds: i64) -> ConsentSignal {
        ConsentSignal {
            state,
            grade,
            at: Timestamp::from_seconds(seconds),
            method: None,
            text: None,
            ip: None,
            agent: None,
            actor: None,
        }
    }

    fn after(signals: &[ConsentSignal]) -> ConsentState {
        let mut consent = Consent::default();
        let event = EventId::parse("e").unwrap();
        for signal in signals {
            consent.apply(signal, &event);
        }
        consent.state
    }

    use ConsentGrade::{Explicit, Implied};
    use ConsentState::{Subscribed, Suppressed, Unknown, Unsubscribed};

    #[test]
    fn an_unsubscribe_is_lifted_only_by_a_newer_explicit_consent() {
        let out = signal(Unsubscribed, Explicit, 10);
        assert_eq!(
            after(&[out.clone(), signal(Subscribed, Implied, 20)]),
            Unsubscribed
        );
        assert_eq!(
            after(&[out.clone(), signal(Subscribed, Explicit, 5)]),
            Unsubscribed
        );
        assert_eq!(after(&[out, signal(Subscribed, Explicit, 20)]), Subscribed);
    }

    #[test]
    fn silence_is_not_an_answer_and_suppression_is_final() {
        assert_eq!(
            after(&[signal(Subscribed, Implied, 1), signal(Unknown, Explicit, 2)]),
            Subscribed
        );
        assert_eq!(
            after(&[signal(Suppressed, Explicit, 1), signal(Subscribed, Explicit, 2)]),
            Suppressed
        );
    }

    #[test]
    fn a_second_no_outlasts_a_yes_between_the_two() {
        let (first, second) = (
            signal(Unsubscribed, Explicit, 10),
            signal(Unsubscribed, Explicit, 20),
        );
        assert_eq!(
            after(&[first, second, signal(Subscribed, Explicit, 15)]),
            Unsubscribed
        );
    }

    #[test]
    fn a_yes_to_be_confirmed_waits_and_the_newer_request_counts() {
        let mut consent = Consent::default();
        let id = |text| EventId::parse(text).unwrap();
        let asks = |seconds| signal(Subscribed, Explicit, seconds);
        assert!(consent.apply_as(ConsentState::Pending, &asks(10), &id("a")));
        assert!(consent.is_unconfirmed());
        assert!(
            !consent.apply_as(ConsentState::Pending, &asks(10), &id("b")),
            "the same"
        );
        assert!(consent.apply_as(ConsentState::Pending, &asks(30), &id("c")));
        assert_eq!(consent.evidence.as_ref().unwrap().1, id("c"));
        assert!(consent.apply(&asks(40), &id("d")));
        assert_eq!(consent.state, Subscribed);
        assert!(
            !consent.apply_as(ConsentState::Pending, &asks(50), &id("e")),
            "is confirmed"
        );
        let told = signal(ConsentState::Pending, Explicit, 1);
        let mut elsewhere = Consent::default();
        elsewhere.apply(&told, &id("f"));
        assert!(!elsewhere.is_unconfirmed(), "the shop asks, not we");
    }

    #[test]
    fn a_request_lifts_no_unsubscribe_that_is_newer_or_more_than_implied() {
        let mut consent = Consent::default();
        let id = EventId::parse("e").unwrap();
        consent.apply(&signal(Unsubscribed, Explicit, 10), &id);
        for weaker in [signal(Subscribed, Implied, 20), signal(Subscribed, Explicit, 5)] {
            assert!(!consent.apply_as(ConsentState::Pending, &weaker, &id));
        }
        assert!(consent.apply_as(ConsentState::Pending, &signal(Subscribed, Explicit, 20), &id));
    }

    #[test]
    fn withdrawal_wins_ties_and_implied_consent() {
        assert_eq!(
            after(&[signal(Subscribed, Explicit, 5), signal(Unsubscribed, Explicit, 5)]),
            Unsubscribed
        );
        assert_eq!(
            after(&[signal(Subscribed, Implied, 9), signal(Unsubscribed, Explicit, 5)]),
            Unsubscribed
        );
        assert_eq!(
            after(&[signal(Subscribed, Explicit, 9), signal(Unsubscribed, Explicit, 5)]),
            Subscribed
        );
    }
}
