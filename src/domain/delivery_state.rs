//! What is known of a message's fate after the provider took it: a lattice, so that it never moves back.
//!
//! ```text
//! progress   nothing < deferred < delivered < opened < clicked          (opened and clicked: by a person)
//! failure    none < failed < held back by the provider < soft bounce < hard bounce
//! complained, unsubscribed, seen by a machine: no < yes
//! ```
//!
//! Events come late, twice and in any order. Each field is the greatest value or the earliest time among all that came, so
//! [`DeliveryState::join`] may be applied in any order and any number of times. Whether an open or a click was a person's is
//! an argument: `engine::machine` judges it.

use super::delivery_event::DeliveryKind;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How far the message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Progress {
    #[default]
    Nothing,
    Deferred,
    Delivered,
    Opened,
    Clicked,
}

/// Why it did not arrive, or came back; the worst that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    #[default]
    None,
    Failed,
    Suppressed,
    SoftBounce,
    HardBounce,
}

/// Who opened or clicked. Only a person's act counts as engagement or moves a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Person,
    Machine,
}

/// All that is known. The default knows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct DeliveryState {
    #[serde(skip_serializing_if = "is_default")]
    pub progress: Progress,
    #[serde(skip_serializing_if = "is_default")]
    pub failure: Failure,
    /// The first of each, by the provider's time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub complained_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsubscribed_at: Option<Timestamp>,
    /// By a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// By a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clicked_at: Option<Timestamp>,
    /// Opened or clicked by a machine. It proves nothing: scanners look before the recipient's server accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_at: Option<Timestamp>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn first(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    [one, other].into_iter().flatten().min()
}

impl DeliveryState {
    /// What one event tells. `actor` matters for opens and clicks alone.
    pub fn of(kind: DeliveryKind, at: Timestamp, actor: Actor) -> Self {
        let (nothing, at) = (Self::default(), Some(at));
        let failed = |failure| Self {
            failure,
            failed_at: at,
            ..nothing
        };
        match (kind, actor) {
            (DeliveryKind::Deferred, _) => Self {
                progress: Progress::Deferred,
                ..nothing
            },
            (DeliveryKind::Delivered, _) => Self {
                progress: Progress::Delivered,
                delivered_at: at,
                ..nothing
            },
            (DeliveryKind::Opened | DeliveryKind::Clicked, Actor::Machine) => Self {
                machine_at: at,
                ..nothing
            },
            (DeliveryKind::Opened, Actor::Person) => Self {
                progress: Progress::Opened,
                opened_at: at,
                ..nothing
            },
            (DeliveryKind::Clicked, Actor::Person) => Self {
                progress: Progress::Clicked,
                clicked_at: at,
                ..nothing
            },
            (DeliveryKind::Failed, _) => failed(Failure::Failed),
            (DeliveryKind::ProviderSuppressed, _) => failed(Failure::Suppressed),
            (DeliveryKind::SoftBounce, _) => failed(Failure::SoftBounce),
            (DeliveryKind::HardBounce, _) => failed(Failure::HardBounce),
            // Whoever complains or unsubscribes has the mail before them.
            (DeliveryKind::Complaint, _) => Self {
                progress: Progress::Delivered,
                complained_at: at,
                ..nothing
            },
            (DeliveryKind::Unsubscribed, _) => Self {
                progress: Progress::Delivered,
                unsubscribed_at: at,
                ..nothing
            },
        }
    }

    /// All that either knows.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            progress: self.progress.max(other.progress),
            failure: self.failure.max(other.failure),
            delivered_at: first(self.delivered_at, other.delivered_at),
            failed_at: first(self.failed_at, other.failed_at),
            complained_at: first(self.complained_at, other.complained_at),
            unsubscribed_at: first(self.unsubscribed_at, other.unsubscribed_at),
            opened_at: first(self.opened_at, other.opened_at),
            clicked_at: first(self.clicked_at, other.clicked_at),
            machine_at: first(self.machine_at, other.machine_at),
        }
    }

    /// Whether a person opened or clicked, and when first. An open alone proves little: mail programs load pictures unseen.
    pub fn engaged_at(&self) -> Option<Timestamp> {
        first(self.opened_at, self.clicked_at)
    }

    /// Whether the message is known to have reached its recipient. A bounce that came after outweighs it: some servers accept
    /// first and refuse later.
    pub fn arrived(&self) -> bool {
        self.progress >= Progress::Delivered && self.failure < Failure::SoftBounce
            || self.progress >= Progress::Opened
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(kind: DeliveryKind, seconds: i64, actor: Actor) -> DeliveryState {
        DeliveryState::of(kind, Timestamp::from_seconds(seconds), actor)
    }

    /// What stands in the ledger: this form may only grow.
    #[test]
    fn the_stored_form_is_pinned() {
        assert_eq!(serde_json::to_string(&DeliveryState::default()).unwrap(), "{}");
        let all = DeliveryKind::ALL.into_iter().zip(1..);
        let state = all.fold(DeliveryState::default(), |state, (kind, at)| {
            state.join(told(kind, at, Actor::Person))
        });
        let state = state.join(told(DeliveryKind::Opened, 99, Actor::Machine));
        let text = concat!(
            r#"{"progress":"clicked","failure":"hard_bounce","delivered_at":1000,"failed_at":3000,"#,
            r#""complained_at":5000,"unsubscribed_at":6000,"opened_at":9000,"clicked_at":10000,"machine_at":99000}"#
        );
        assert_eq!(serde_json::to_string(&state).unwrap(), text);
        assert_eq!(serde_json::from_str::<DeliveryState>(text).unwrap(), state);
    }

    #[test]
    fn an_open_before_its_delivery_stays_open() {
        let opened = told(DeliveryKind::Opened, 20, Actor::Person);
        let late = opened
            .join(told(DeliveryKind::Delivered, 10, Actor::Person))
            .join(told(DeliveryKind::Deferred, 5, Actor::Person));
        assert_eq!(late.progress, Progress::Opened);
        assert_eq!(late.delivered_at, Some(Timestamp::from_seconds(10)));
        assert!(late.arrived());
    }

    #[test]
    fn a_machine_is_no_engagement_and_no_proof_of_arrival() {
        for kind in [DeliveryKind::Opened, DeliveryKind::Clicked] {
            let state = told(kind, 10, Actor::Machine);
            assert_eq!(
                (state.progress, state.engaged_at(), state.arrived()),
                (Progress::Nothing, None, false)
            );
            assert!(state.machine_at.is_some());
        }
    }

    #[test]
    fn a_late_bounce_outweighs_a_delivery_but_not_a_reader() {
        let delivered = told(DeliveryKind::Delivered, 10, Actor::Person);
        let bounced = delivered.join(told(DeliveryKind::HardBounce, 20, Actor::Person));
        assert!(delivered.arrived() && !bounced.arrived());
        assert!(
            bounced
                .join(told(DeliveryKind::Clicked, 30, Actor::Person))
                .arrived()
        );
    }

    fn events() -> impl Strategy<Value = DeliveryState> {
        let actor = prop_oneof![Just(Actor::Person), Just(Actor::Machine)];
        (prop::sample::select(&DeliveryKind::ALL[..]), 0_i64..50, actor)
            .prop_map(|(kind, at, actor)| told(kind, at, actor))
    }

    fn all(events: &[DeliveryState]) -> DeliveryState {
        events
            .iter()
            .fold(DeliveryState::default(), |state, event| state.join(*event))
    }

    proptest! {
        #[test]
        fn order_repetition_and_grouping_do_not_matter(
            events in prop::collection::vec(events(), 0..12),
            order in prop::collection::vec(any::<prop::sample::Index>(), 12),
            cut in any::<prop::sample::Index>(),
        ) {
            let whole = all(&events);
            let mut shuffled = events.clone();
            for (at, index) in order.iter().enumerate().take(events.len()) {
                shuffled.swap(at, index.index(events.len()));
            }
            prop_assert_eq!(all(&shuffled), whole);
            prop_assert_eq!(whole.join(whole), whole);
            let cut = cut.index(events.len() + 1);
            let (head, tail) = events.split_at(cut);
            prop_assert_eq!(all(head).join(all(tail)), whole);
            prop_assert_eq!(all(tail).join(all(head)), whole);
        }

        #[test]
        fn nothing_moves_back(events in prop::collection::vec(events(), 1..12)) {
            let mut state = DeliveryState::default();
            for event in events {
                let next = state.join(event);
                prop_assert!(next.progress >= state.progress && next.failure >= state.failure);
                prop_assert!(next.engaged_at().is_some() >= state.engaged_at().is_some());
                prop_assert!(next.complained_at.is_some() >= state.complained_at.is_some());
                prop_assert_eq!(next.join(state), next);
                state = next;
            }
        }
    }
}
