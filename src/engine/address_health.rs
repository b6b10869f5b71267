//! Whether an address still takes mail: what bounces, complaints and deliveries together say of it.
//!
//! Asked for each delivery event, with what is held of its address; the caller writes the suppression. A hard bounce and a
//! complaint end it at once. A soft bounce says little: three of them on three different days end it, unless anything arrived
//! after the first. A provider that holds the address back tells nothing new once we know why.

use crate::domain::delivery_event::DeliveryKind;
use crate::domain::delivery_state::Actor;
use crate::domain::objection::Ground;
use crate::domain::time::{Delay, Timestamp};
use serde::{Deserialize, Serialize};

/// Days with a soft bounce, and no delivery after the first, that end an address.
pub const SOFT_BOUNCE_DAYS: usize = 3;

const DAY: Delay = Delay::from_days(1);

/// What is held of one address. The default has heard nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct AddressHealth {
    /// The last proof that mail arrives there, since it first bounced.
    #[serde(skip_serializing_if = "Option::is_none")]
    worked_at: Option<Timestamp>,
    /// The last soft bounce of each day after that; fewer than [`SOFT_BOUNCE_DAYS`] while the address is good.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    soft: Vec<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Cause>,
}

/// Why an address must not be written to, the weaker first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The provider holds it back, and we never learned why. No bounce of ours.
    Provider,
    SoftBounces,
    HardBounce,
    Complaint,
}

/// What an event changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing that is not held already.
    Nothing,
    /// Something to be kept; the address stays as it is.
    Noted,
    /// The address must be suppressed, for this cause; it may be for a weaker one already.
    Suppress(Cause),
}

impl AddressHealth {
    /// Takes in one event. `actor` matters for opens and clicks alone: a person's prove that mail arrives.
    pub fn hear(&mut self, kind: DeliveryKind, at: Timestamp, actor: Actor) -> Change {
        match (kind, actor) {
            (DeliveryKind::HardBounce, _) => self.end(Cause::HardBounce),
            (DeliveryKind::Complaint, _) => self.end(Cause::Complaint),
            (DeliveryKind::ProviderSuppressed, _) => self.end(Cause::Provider),
            (DeliveryKind::SoftBounce, _) => self.soft_bounce(at),
            (DeliveryKind::Delivered, _) | (DeliveryKind::Opened | DeliveryKind::Clicked, Actor::Person) => {
                self.works(at)
            }
            (DeliveryKind::Deferred | DeliveryKind::Unsubscribed | DeliveryKind::Failed, _)
            | (DeliveryKind::Opened | DeliveryKind::Clicked, Actor::Machine) => Change::Nothing,
        }
    }

    /// Whether nothing was heard of the address.
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }

    /// Of two records of one address the one that says the worse.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        let bounces = |health: &Self| (health.ended, health.soft.len());
        if bounces(&other) > bounces(&self) {
            other
        } else {
            self
        }
    }

    /// Why the address must not be written to.
    pub const fn ended(&self) -> Option<Cause> {
        self.ended
    }

    fn end(&mut self, cause: Cause) -> Change {
        if self.ended.is_some_and(|held| held >= cause) {
            return Change::Nothing;
        }
        self.ended = Some(cause);
        Change::Suppress(cause)
    }

    fn soft_bounce(&mut self, at: Timestamp) -> Change {
        let over = self.ended.is_some_and(|held| held >= Cause::SoftBounces);
        if over || self.worked_at.is_some_and(|worked| at <= worked) {
            return Change::Nothing;
        }
        match self.soft.iter_mut().find(|held| day(**held) == day(at)) {
            Some(held) if *held >= at => return Change::Nothing,
            Some(held) => *held = at,
            None => self.soft.push(at),
        }
        if self.soft.len() >= SOFT_BOUNCE_DAYS {
            self.end(Cause::SoftBounces)
        } else {
            Change::Noted
        }
    }

    /// Heard only of an address that bounced, so that the deliveries of all others cost no row. It lifts no suppression: a
    /// complaint is about mail that arrived.
    fn works(&mut self, at: Timestamp) -> Change {
        let settled = self.soft.is_empty() || self.ended.is_some();
        if settled || self.worked_at.is_some_and(|worked| worked >= at) {
            return Change::Nothing;
        }
        self.worked_at = Some(at);
        self.soft.retain(|bounced| *bounced > at);
        Change::Noted
    }
}

const fn day(at: Timestamp) -> i64 {
    at.as_millis() / DAY.as_millis()
}

impl Cause {
    /// What the suppression rests on.
    pub const fn ground(self) -> Ground {
        match self {
            Self::Provider => Ground::Provider,
            Self::SoftBounces => Ground::SoftBounces,
            Self::HardBounce => Ground::HardBounce,
            Self::Complaint => Ground::Complaint,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Hours since some midnight.
    fn hear(health: &mut AddressHealth, kind: DeliveryKind, hours: i64) -> Change {
        let at = Timestamp::from_seconds(1_767_657_600 + hours * 3600);
        health.hear(kind, at, Actor::Person)
    }

    fn soft(hours: &[i64]) -> AddressHealth {
        let mut health = AddressHealth::default();
        for at in hours {
            hear(&mut health, DeliveryKind::SoftBounce, *at);
        }
        health
    }

    #[test]
    fn a_hard_bounce_and_a_complaint_end_it_at_once_and_once() {
        for (kind, cause) in [
            (DeliveryKind::HardBounce, Cause::HardBounce),
            (DeliveryKind::Complaint, Cause::Complaint),
        ] {
            let mut health = AddressHealth::default();
            assert_eq!(hear(&mut health, kind, 0), Change::Suppress(cause));
            assert_eq!(hear(&mut health, kind, 1), Change::Nothing);
            assert_eq!(hear(&mut health, DeliveryKind::Delivered, 2), Change::Nothing);
            assert_eq!(health.ended(), Some(cause));
        }
    }

    #[test]
    fn three_days_of_soft_bounces_end_it_and_three_on_one_day_do_not() {
        assert_eq!(soft(&[1, 2, 3, 4, 23]).ended(), None);
        assert_eq!(soft(&[1, 25]).ended(), None);
        assert_eq!(soft(&[1, 25, 49]).ended(), Some(Cause::SoftBounces));
        // Not days in a row: a store that mails once a week.
        assert_eq!(soft(&[0, 7 * 24, 14 * 24]).ended(), Some(Cause::SoftBounces));
        assert_eq!(soft(&[49, 1, 25]).ended(), Some(Cause::SoftBounces));
    }

    #[test]
    fn what_arrives_in_between_starts_the_count_anew() {
        for proof in [DeliveryKind::Delivered, DeliveryKind::Clicked] {
            let mut health = soft(&[1, 25]);
            assert_eq!(hear(&mut health, proof, 30), Change::Noted);
            assert_eq!(hear(&mut health, DeliveryKind::SoftBounce, 49), Change::Noted);
            assert_eq!(hear(&mut health, DeliveryKind::SoftBounce, 73), Change::Noted);
            assert_eq!(
                hear(&mut health, DeliveryKind::SoftBounce, 97),
                Change::Suppress(Cause::SoftBounces)
            );
        }
        // A bounce from before the delivery, told late, counts for nothing.
        let mut health = soft(&[1]);
        hear(&mut health, DeliveryKind::Delivered, 50);
        assert_eq!(hear(&mut health, DeliveryKind::SoftBounce, 25), Change::Nothing);
    }

    #[test]
    fn deliveries_to_an_address_that_never_bounced_are_not_kept() {
        let mut health = AddressHealth::default();
        assert_eq!(hear(&mut health, DeliveryKind::Delivered, 0), Change::Nothing);
        assert_eq!(health, AddressHealth::default());
    }

    #[test]
    fn a_machine_proves_nothing() {
        let mut health = soft(&[1, 25]);
        let at = Timestamp::from_seconds(1_767_657_600 + 30 * 3600);
        assert_eq!(
            health.hear(DeliveryKind::Clicked, at, Actor::Machine),
            Change::Nothing
        );
        assert_eq!(
            hear(&mut health, DeliveryKind::SoftBounce, 49),
            Change::Suppress(Cause::SoftBounces)
        );
    }

    #[test]
    fn the_provider_holding_back_what_bounced_is_no_news_in_either_order() {
        let mut health = AddressHealth::default();
        hear(&mut health, DeliveryKind::HardBounce, 0);
        assert_eq!(
            hear(&mut health, DeliveryKind::ProviderSuppressed, 1),
            Change::Nothing
        );

        let mut reversed = AddressHealth::default();
        assert_eq!(
            hear(&mut reversed, DeliveryKind::ProviderSuppressed, 1),
            Change::Suppress(Cause::Provider)
        );
        assert_eq!(
            hear(&mut reversed, DeliveryKind::HardBounce, 0),
            Change::Suppress(Cause::HardBounce)
        );
        assert_eq!(reversed, health);
    }

    #[test]
    fn the_stored_form_is_pinned() {
        let mut health = soft(&[1, 25]);
        hear(&mut health, DeliveryKind::Delivered, 2);
        hear(&mut health, DeliveryKind::Complaint, 0);
        let text = r#"{"worked_at":1767664800000,"soft":[1767747600000],"ended":"complaint"}"#;
        assert_eq!(serde_json::to_string(&health).unwrap(), text);
        assert_eq!(serde_json::from_str::<AddressHealth>(text).unwrap(), health);
        assert_eq!(serde_json::to_string(&AddressHealth::default()).unwrap(), "{}");
        for cause in [
            Cause::Provider,
            Cause::SoftBounces,
            Cause::HardBounce,
            Cause::Complaint,
        ] {
            let text = serde_json::to_string(&cause).unwrap();
            assert_eq!(text.trim_matches('"'), cause.ground().as_str());
        }
    }

    fn events() -> impl Strategy<Value = (DeliveryKind, i64)> {
        (prop::sample::select(&DeliveryKind::ALL[..]), 0_i64..240)
    }

    proptest! {
        #[test]
        fn a_repeated_event_changes_nothing_and_the_cause_never_weakens(
            events in prop::collection::vec(events(), 0..30),
        ) {
            let mut health = AddressHealth::default();
            for (kind, hours) in events {
                let before = health.ended();
                let change = hear(&mut health, kind, hours);
                prop_assert!(health.ended() >= before);
                prop_assert_eq!(matches!(change, Change::Suppress(_)), health.ended() > before);
                prop_assert!(health.soft.len() <= SOFT_BOUNCE_DAYS);
                let held = health.clone();
                prop_assert_eq!(hear(&mut health, kind, hours), Change::Nothing);
                prop_assert_eq!(&health, &held);
            }
        }
    }
}
