//! Consent to marketing mail. It belongs to an address, is three-valued at the source, and is never guessed.
//!
//! The rule of change is [`Consent::apply`]; nothing else writes a consent state.

use super::ids::{EventId, IdentifierHash};
use super::time::{Delay, Timestamp};
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
    /// A side remark, such as an accepts-marketing flag copied onto an order from an old checkbox. A no of this grade only
    /// takes back the yes that the same remark gave: a box that was never ticked refuses nothing.
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
    /// The newest no that nothing has lifted, where the evidence does not tell it: a request took its place, which is no
    /// yes yet, or it was said once more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused_at: Option<Timestamp>,
    /// The newest no of a side remark, whether it took anything back or not: the yes that it takes back may come after it,
    /// or be another contact's that turns out to be this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declined: Option<(ConsentSignal, EventId)>,
}

/// How long a request for marketing can be confirmed; after that it has to be made anew.
pub const CONFIRM_WITHIN: Delay = Delay::from_days(30);

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
        if (state, signal.grade) == (ConsentState::Unsubscribed, ConsentGrade::Implied) {
            self.decline(Some((signal.clone(), event.clone())));
            return self.take_back();
        }
        if state == ConsentState::Unsubscribed && self.outlasts_no(signal) {
            return self.refuse_too(signal);
        }
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
        let no = self.no_at().filter(|_| state != ConsentState::Subscribed);
        self.state = state;
        self.evidence = Some((signal.clone(), event.clone()));
        self.remember(no);
        self.take_back();
        true
    }

    /// Whether it rests on a yes of the person's own.
    pub fn is_explicit_yes(&self) -> bool {
        // Without evidence nothing says that it was only implied.
        let grade = self.evidence.as_ref().map(|(signal, _)| signal.grade);
        self.state == ConsentState::Subscribed && grade != Some(ConsentGrade::Implied)
    }

    /// When the newest no was said that nothing has lifted. A request that waits to be confirmed has lifted none.
    pub fn no_at(&self) -> Option<Timestamp> {
        self.refused_at.max(self.said_no_at())
    }

    fn said_no_at(&self) -> Option<Timestamp> {
        let evidence = self.evidence.as_ref().map(|(signal, _)| signal.at);
        evidence.filter(|_| self.state == ConsentState::Unsubscribed)
    }

    /// The no that holds was said once more, at `at`: a yes of before that does not lift it.
    pub fn repeat_no(&mut self, at: Timestamp) {
        self.remember(self.no_at().map(|no| no.max(at)));
    }

    /// Whether a no leaves the state as it is: that of a dead address, and a request that was made after it.
    fn outlasts_no(&self, no: &ConsentSignal) -> bool {
        let asked = self.evidence.as_ref().map(|(signal, _)| signal.at);
        match self.state {
            ConsentState::Suppressed => true,
            ConsentState::Pending => asked.is_some_and(|at| at > no.at),
            ConsentState::Unknown | ConsentState::Subscribed | ConsentState::Unsubscribed => false,
        }
    }

    /// Keeps a no beside the state: nothing less than a newer yes lifts it, and it holds for the person's other addresses.
    fn refuse_too(&mut self, signal: &ConsentSignal) -> bool {
        let is_news = signal.grade == ConsentGrade::Explicit && self.no_at() < Some(signal.at);
        if is_news {
            self.remember(Some(signal.at));
        }
        is_news
    }

    /// Keeps a no that the evidence does not tell.
    fn remember(&mut self, no: Option<Timestamp>) {
        self.refused_at = no.filter(|at| Some(*at) > self.said_no_at());
    }

    /// The record of an address that two contacts had, when they become one: as if all had been told to one of them in time, but that a
    /// no outlasts every yes of the other. So a yes stays where the other says nothing, or has asked for a confirmation that this
    /// one needs no more.
    #[must_use]
    pub fn stricter(mut self, mut other: Self) -> Self {
        self.decline(other.declined.clone());
        other.decline(self.declined.clone());
        self.take_back();
        other.take_back();
        let no = self.no_at().max(other.no_at());
        let mut stricter = if other.strictness() > self.strictness() {
            other
        } else {
            self
        };
        stricter.remember(no);
        stricter
    }

    /// Which of two records holds: the state first, then a person's own word before a remark, then the newer.
    fn strictness(&self) -> (u8, bool, Option<Timestamp>) {
        let rank = match self.state {
            ConsentState::Suppressed => 5,
            ConsentState::Unsubscribed => 4,
            ConsentState::Pending | ConsentState::Unknown if self.no_at().is_some() => 3,
            ConsentState::Subscribed => 2,
            ConsentState::Pending => 1,
            ConsentState::Unknown => 0,
        };
        let signal = self.evidence.as_ref().map(|(signal, _)| signal);
        let implied = signal.is_some_and(|signal| signal.grade == ConsentGrade::Implied);
        (rank, !implied, signal.map(|signal| signal.at))
    }

    /// Whether somebody asked for marketing and can still confirm it to us. Where a shop asks for confirmation itself,
    /// it says `pending`, and that is its own affair.
    pub fn is_unconfirmed(&self, now: Timestamp) -> bool {
        let asked = self.evidence.as_ref().map(|(signal, _)| signal);
        let asked = asked.filter(|signal| signal.state == ConsentState::Subscribed);
        self.state == ConsentState::Pending
            && asked.is_some_and(|signal| now.since(signal.at) <= CONFIRM_WITHIN)
    }

    /// Keeps a side remark's no, if it is the newest.
    fn decline(&mut self, no: Option<(ConsentSignal, EventId)>) {
        let at = |no: &Option<(ConsentSignal, EventId)>| no.as_ref().map(|(signal, _)| signal.at);
        if at(&no) > at(&self.declined) {
            self.declined = no;
        }
    }

    /// Takes back the yes of a side remark that is no longer made, and tells whether there was one.
    fn take_back(&mut self) -> bool {
        let (Some((held, _)), Some((declined, _))) = (&self.evidence, &self.declined) else {
            return false;
        };
        let is_taken_back = held.state == ConsentState::Subscribed
            && held.grade == ConsentGrade::Implied
            && held.method == declined.method
            && held.at <= declined.at;
        if is_taken_back {
            let no = self.no_at();
            self.state = ConsentState::Unsubscribed;
            self.evidence.clone_from(&self.declined);
            self.remember(no);
        }
        is_taken_back
    }

    fn accepts(&self, state: ConsentState, signal: &ConsentSignal) -> bool {
        let held = self.evidence.as_ref().map(|(held, _)| (held.at, held.grade));
        // Whatever stands in its place: a no is lifted by a newer word of the person's own, and by nothing less.
        let explicit = signal.grade == ConsentGrade::Explicit;
        let lifts = match self.no_at() {
            Some(at) => explicit && signal.at > at,
            None => explicit || self.state != ConsentState::Unsubscribed,
        };
        match (self.state, state) {
            (ConsentState::Suppressed, _) | (_, ConsentState::Unknown) => false,
            (_, ConsentState::Suppressed) => true,
            // A later no outlasts a yes that was given between the two and arrives after both.
            (ConsentState::Unsubscribed, ConsentState::Unsubscribed) => {
                self.no_at().is_some_and(|at| signal.at > at)
            }
            (ConsentState::Subscribed, ConsentState::Unsubscribed) => {
                // Equal times: the withdrawal wins.
                held.is_none_or(|(at, grade)| signal.at >= at || grade == ConsentGrade::Implied)
            }
            (ConsentState::Subscribed, ConsentState::Pending) => false,
            // A remark beside a request that was made is no new request; the person's own word is more than a remark.
            (ConsentState::Pending, ConsentState::Pending) => {
                explicit
                    && lifts
                    && held.is_none_or(|(at, grade)| signal.at > at || grade == ConsentGrade::Implied)
            }
            (ConsentState::Unknown | ConsentState::Pending, ConsentState::Unsubscribed) => true,
            (ConsentState::Unknown | ConsentState::Pending | ConsentState::Unsubscribed, _)
            | (ConsentState::Subscribed, ConsentState::Subscribed) => lifts,
        }
    }
}

#[cfg(test)]
mod tests;
