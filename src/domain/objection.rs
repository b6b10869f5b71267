//! Why an address must not be written to, as far as that outlives its person: what is kept beside its keyed hash.
//!
//! An address that comes back begins with it ([`Objection::consent`]); the rule of change is that of all consent.

use super::consent::{Consent, ConsentGrade, ConsentSignal, ConsentState};
use super::ids::EventId;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What the objection rests on, the weaker first. The words are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Its person was erased: only their own newer yes lifts it.
    Erased,
    /// The provider holds it back, and we never learned why.
    Provider,
    SoftBounces,
    HardBounce,
    Complaint,
}

/// An objection to mail for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objection {
    pub ground: Ground,
    pub at: Timestamp,
}

impl Ground {
    pub const ALL: [Self; 5] = [
        Self::Erased,
        Self::Provider,
        Self::SoftBounces,
        Self::HardBounce,
        Self::Complaint,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Erased => "erased",
            Self::Provider => "provider",
            Self::SoftBounces => "soft_bounces",
            Self::HardBounce => "hard_bounce",
            Self::Complaint => "complaint",
        }
    }

    /// Whether nothing lifts it: no mail of any kind goes there again.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Erased => false,
            Self::Provider | Self::SoftBounces | Self::HardBounce | Self::Complaint => true,
        }
    }
}

impl Objection {
    /// The consent that an address begins with when `event` brings it back.
    pub fn consent(self, event: &EventId) -> Consent {
        let state = if self.ground.is_final() {
            ConsentState::Suppressed
        } else {
            ConsentState::Unsubscribed
        };
        let signal = ConsentSignal {
            state,
            grade: ConsentGrade::Explicit,
            at: self.at,
            method: Some(self.ground.as_str().to_owned()),
            text: None,
            ip: None,
            agent: None,
            actor: None,
        };
        Consent {
            state,
            evidence: Some((signal, event.clone())),
            refused_at: None,
            declined: None,
        }
    }

    /// Of two objections to one address the stricter; of two erasures the later.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        if self.ground.is_final() {
            self
        } else if other.ground.is_final() || other.at > self.at {
            other
        } else {
            self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objection(ground: Ground, seconds: i64) -> Objection {
        Objection {
            ground,
            at: Timestamp::from_seconds(seconds),
        }
    }

    fn yes(grade: ConsentGrade, seconds: i64) -> ConsentSignal {
        ConsentSignal {
            state: ConsentState::Subscribed,
            grade,
            ..objection(Ground::Erased, seconds)
                .consent(&EventId::parse("e").unwrap())
                .evidence
                .unwrap()
                .0
        }
    }

    #[test]
    fn only_a_newer_explicit_yes_lifts_an_erasure_and_nothing_a_dead_address() {
        let event = EventId::parse("e").unwrap();
        for ground in Ground::ALL {
            for (signal, lifts) in [
                (yes(ConsentGrade::Implied, 20), false),
                (yes(ConsentGrade::Explicit, 5), false),
                (yes(ConsentGrade::Explicit, 10), false),
                (yes(ConsentGrade::Explicit, 20), true),
            ] {
                let mut consent = objection(ground, 10).consent(&event);
                assert_eq!(
                    consent.apply(&signal, &event),
                    lifts && !ground.is_final(),
                    "{ground:?}"
                );
            }
        }
    }

    #[test]
    fn the_stricter_stays_and_of_two_erasures_the_later() {
        let (early, late) = (objection(Ground::Erased, 1), objection(Ground::Erased, 2));
        let dead = objection(Ground::HardBounce, 0);
        assert_eq!((early.stricter(late), late.stricter(early)), (late, late));
        assert_eq!((dead.stricter(late), late.stricter(dead)), (dead, dead));
        // The first reason stays.
        assert_eq!(dead.stricter(objection(Ground::Complaint, 5)), dead);
    }

    #[test]
    fn the_stored_words_are_those_of_serde() {
        for ground in Ground::ALL {
            assert_eq!(serde_json::to_value(ground).unwrap(), ground.as_str());
        }
    }
}
