//! What people did, seen from outside: what no mail and no row may contradict. An event is known when its webhook was answered
//! with 200; what came and was not answered is kept beside it, as it may have been taken in.

use super::erasures::Erasures;
use crate::domain::consent::{ConsentGrade, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{EventId, OrderKey};
use crate::domain::order::OrderStatus;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::address_health::SOFT_BOUNCE_DAYS;
use std::collections::{BTreeMap, BTreeSet};

/// A no that is repeated within this says nothing new.
const REPEATED: Delay = Delay::from_hours(1);

#[derive(Default)]
pub(super) struct Truth {
    pub accepted: BTreeMap<EventId, Event>,
    /// All that came, answered or not: it may have been taken in.
    pub came: BTreeMap<EventId, Event>,
    /// Addresses that a provider called dead, heard or not.
    doomed: BTreeSet<String>,
    /// When addresses bounced softly, heard or not.
    softened: BTreeMap<String, BTreeSet<Timestamp>>,
    /// When a link was last used that takes an address back, heard or not.
    clicked: BTreeMap<String, Timestamp>,
    /// Addresses that said yes; when they last did so expressly.
    yes: BTreeMap<String, Option<Timestamp>>,
    no: BTreeMap<String, Timestamp>,
    dead: BTreeSet<String>,
    /// Checkouts that were bought, as keys of runs, each with the events that told of it.
    bought: BTreeMap<String, BTreeSet<EventId>>,
    /// When an address last ordered, and when a checkout was last touched, by their own time.
    ordered: BTreeMap<String, Timestamp>,
    touched: BTreeMap<String, Timestamp>,
    pub orders: BTreeMap<OrderKey, (Timestamp, OrderStatus)>,
    /// What was said and is on its way to another shard.
    pending: Vec<Said>,
    pub erasures: Erasures,
}

/// What a reader said by a link, or a provider of an address.
#[derive(Debug, Clone)]
pub(super) enum Said {
    No { address: String, at: Timestamp },
    Dead { address: String },
}

impl Truth {
    pub fn accept(&mut self, event: &Event) {
        if self.accepted.contains_key(&event.id) {
            return;
        }
        self.attempt(event);
        self.withdraw(event);
        let key = |token: &String| format!("{}:{token}", event.source);
        let cart = event.data.checkout_id.as_ref().map(key);
        // That a parcel leaves says nothing of a cart, unless it names it.
        if let (EventKind::OrderCompleted, Some(address)) = (&event.kind, &event.email) {
            latest(&mut self.ordered, address.canonical(), event.occurred_at);
        }
        if let (Some(_), Some(cart)) = (event.closes_at(), cart.clone()) {
            self.bought.entry(cart).or_default().insert(event.id.clone());
        }
        let touches = matches!(
            event.kind,
            EventKind::CheckoutStarted | EventKind::CheckoutUpdated
        );
        if let (true, Some(cart)) = (touches, cart) {
            latest(&mut self.touched, cart, event.occurred_at);
        }
        if let (Some(status), Some(key)) = (event.kind.order_status(), event.order_key()) {
            let told = (event.occurred_at, status);
            let held = self.orders.entry(key).or_insert(told);
            *held = (*held).max(told);
        }
        self.accepted.insert(event.id.clone(), event.clone());
    }

    /// A webhook came. It may have been taken in though nobody was told so, and what it allows is allowed then.
    pub fn attempt(&mut self, event: &Event) {
        self.erasures.attempt(event);
        self.came.entry(event.id.clone()).or_insert_with(|| event.clone());
        let (Some(email), Some(signal)) = (&event.email, &event.consent) else {
            return;
        };
        if signal.state == ConsentState::Subscribed {
            let expressly = (signal.grade == ConsentGrade::Explicit).then_some(signal.at);
            let held = self.yes.entry(email.canonical()).or_default();
            *held = (*held).max(expressly);
        }
    }

    fn withdraw(&mut self, event: &Event) {
        let (Some(email), Some(signal)) = (&event.email, &event.consent) else {
            return;
        };
        // A box that is not ticked says no to nothing but what it said before.
        if (signal.state, signal.grade) == (ConsentState::Unsubscribed, ConsentGrade::Explicit) {
            latest(&mut self.no, email.canonical(), signal.at);
        }
    }

    /// Whether the event must come to nothing. Of an address that bounced or complained only that is kept, and not when it
    /// was erased.
    pub fn forbids(&self, event: &Event) -> bool {
        let dead = event
            .email
            .as_ref()
            .is_some_and(|email| self.is_dead(&email.canonical()));
        !dead && self.erasures.forbid(event)
    }

    /// Nobody may write to the address before its reader says yes again.
    pub fn refuse(&mut self, address: String, at: Timestamp) {
        latest(&mut self.no, address, at);
    }

    pub fn hear(&mut self, said: Said) {
        self.pending.push(said);
    }

    /// Whether something was said that is still on its way.
    pub fn awaits(&self) -> bool {
        !self.pending.is_empty()
    }

    /// What was said has arrived: nothing is on its way between shards.
    pub fn arrive(&mut self) {
        for said in std::mem::take(&mut self.pending) {
            match said {
                Said::No { address, at } => {
                    let repeated = self
                        .no
                        .get(&address)
                        .is_some_and(|held| at.since(*held) < REPEATED);
                    if !repeated {
                        latest(&mut self.no, address, at);
                    }
                }
                Said::Dead { address } => {
                    self.dead.insert(address);
                }
            }
        }
    }

    /// A provider calls the address dead, whether it is heard or not.
    pub fn doom(&mut self, address: &str) {
        self.doomed.insert(address.to_owned());
    }

    /// A mail to the address bounces softly, whether it is heard or not.
    pub fn soften(&mut self, address: &str, at: Timestamp) {
        let bounces = self.softened.entry(address.to_owned()).or_default();
        bounces.insert(at);
    }

    /// A link that takes the address back is used, whether that is heard or not.
    pub fn click(&mut self, address: String, at: Timestamp) {
        latest(&mut self.clicked, address, at);
    }

    pub fn may_be_dead(&self, address: &str) -> bool {
        let softly = self.softened.get(address).map_or(0, BTreeSet::len);
        self.is_dead(address) || self.doomed.contains(address) || softly >= SOFT_BOUNCE_DAYS
    }

    /// Whether the address said yes by one of these events, and that was answered and is not gone.
    pub fn surely_said_yes(&self, address: &str, by: &BTreeSet<EventId>) -> bool {
        self.yeses(address, by).next().is_some()
    }

    /// When it last did so expressly, and when that came.
    pub fn surely_said_yes_expressly(
        &self,
        address: &str,
        by: &BTreeSet<EventId>,
    ) -> Option<(Timestamp, Timestamp)> {
        let expressly = self
            .yeses(address, by)
            .filter(|(grade, ..)| *grade == ConsentGrade::Explicit);
        expressly.map(|(_, at, came)| (at, came)).max()
    }

    /// Each with its grade, when it was said, and when it came.
    fn yeses(
        &self,
        address: &str,
        by: &BTreeSet<EventId>,
    ) -> impl Iterator<Item = (ConsentGrade, Timestamp, Timestamp)> {
        let told = by
            .iter()
            .filter_map(|id| self.accepted.get(id))
            .filter(|event| !self.erasures.may_lack(event));
        told.filter_map(move |event| {
            let (email, signal) = (event.email.as_ref()?, event.consent.as_ref()?);
            let is_theirs = email.canonical() == address && signal.state == ConsentState::Subscribed;
            let is_sure = signal.grade == ConsentGrade::Explicit || !self.may_be_declined(address);
            (is_theirs && is_sure).then_some((signal.grade, signal.at, event.received_at))
        })
    }

    /// What boxes said of the address: when, and whether it was certainly taken in.
    fn boxes(&self, address: &str, state: ConsentState) -> impl Iterator<Item = (Timestamp, bool)> {
        self.came.values().filter_map(move |event| {
            let (email, signal) = (event.email.as_ref()?, event.consent.as_ref()?);
            let said = (signal.state, signal.grade) == (state, ConsentGrade::Implied);
            let is_kept = self.accepted.contains_key(&event.id) && !self.erasures.may_lack(event);
            (said && email.canonical() == address).then_some((signal.at, is_kept))
        })
    }

    /// Whether a box for the address may have been seen that was not ticked.
    fn may_be_declined(&self, address: &str) -> bool {
        self.boxes(address, ConsentState::Unsubscribed).next().is_some()
    }

    /// Whether a box may have been seen that was ticked.
    pub fn may_be_ticked(&self, address: &str) -> bool {
        self.boxes(address, ConsentState::Subscribed).next().is_some()
    }

    /// Whether only a box ever said yes for the address, and it has certainly been seen without its tick since.
    pub fn is_declined(&self, address: &str) -> bool {
        let by_box_alone = self.yes.get(address) == Some(&None);
        let kept = |state| {
            self.boxes(address, state)
                .filter(|(_, is_kept)| *is_kept)
                .map(|(at, _)| at)
        };
        let declined = kept(ConsentState::Unsubscribed).max();
        let ticked = self
            .boxes(address, ConsentState::Subscribed)
            .map(|(at, _)| at)
            .max();
        by_box_alone && kept(ConsentState::Subscribed).next().is_some() && declined >= ticked
    }

    /// When the address last said no, as far as that is known.
    pub fn may_have_refused(&self, address: &str) -> Option<Timestamp> {
        let clicked = self.clicked.get(address).copied();
        clicked.max(self.no.get(address).copied())
    }

    pub fn is_dead(&self, address: &str) -> bool {
        self.dead.contains(address)
    }

    pub fn said_yes(&self, address: &str) -> bool {
        self.yes.contains_key(address)
    }

    /// Whether a no stands.
    pub fn said_no(&self, address: &str) -> bool {
        let lifted = |no: &Timestamp| self.yes.get(address).is_some_and(|yes| *yes > Some(*no));
        self.no.get(address).is_some_and(|no| !lifted(no))
    }

    /// Whether somebody bought the checkout, and nobody had what told of it erased.
    pub fn was_bought(&self, key: &str) -> bool {
        let mut told = self.bought.get(key).into_iter().flatten();
        told.any(|id| {
            self.accepted
                .get(id)
                .is_some_and(|event| !self.erasures.may_lack(event))
        })
    }

    /// Whether somebody ordered after they had last touched that cart.
    pub fn ordered_after(&self, address: &str, key: &str) -> bool {
        let (ordered, touched) = (self.ordered.get(address), self.touched.get(key));
        matches!((ordered, touched), (Some(ordered), Some(touched)) if ordered > touched)
    }
}

fn latest(all: &mut BTreeMap<String, Timestamp>, key: String, at: Timestamp) {
    let held = all.entry(key).or_insert(at);
    *held = (*held).max(at);
}
