//! Looks at every mail that came to an end without being taken, at the moment it did: does what people and platform had done
//! by then, as seen from outside, bear its reason out?
//!
//! What arrived and was not answered may have been taken in, so it bears out a reason as well: only what nothing at all
//! speaks for is a mail that was lost.

use super::super::error::Failure;
use super::broken::{Broken, Promise, keep};
use super::check::Eyes;
use super::erasures;
use super::plan::{Fault, Trouble};
use super::play::Play;
use crate::domain::consent::{ConsentGrade, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::domain::ids::{EnrollmentKey, EventId, MessageId};
use crate::domain::message::{DropReason, Message, MessageState, Stream};
use crate::domain::shard::ShardIndex;
use crate::domain::time::{Delay, Timestamp};
use crate::engine::state::{Contact, EndReason};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Reenter};
use crate::journey::step::Late;
use crate::providers::ProviderKind;
use crate::simulation::provider;
use crate::store::message::Stored;
use std::collections::BTreeSet;

/// Of the providers of the stories the one that knows keys.
const KEYED: ProviderKind = ProviderKind::Resend;
/// How long the request of unknown fate is repeated to a provider that knows its key: a day, less what its clock may differ by
/// and a last pause.
pub(super) const REPEATED_FOR: Delay = Delay::from_hours(21);
/// How a second request begins to say why it was not made.
const NO_SECOND: &str = "the first request's fate is unknown, and the second was not sent: ";
const LEFT_UNKNOWN: &str = "the contact left the journey while its fate was unknown";
const TRIED_IN_VAIN: &str = "given up after ";

/// One mail that was not taken, and what is known of its person.
struct Case<'c> {
    play: &'c Play<'c>,
    stored: &'c Stored,
    owner: &'c Contact,
    /// Who of the plan they are: more than one where the contacts of two became one.
    shoppers: BTreeSet<usize>,
    /// Events that the contact has a row of, and of before the end: what another one has which will be found to be the same person is
    /// not known yet, and what came at that very moment may have come after.
    recorded: BTreeSet<EventId>,
    /// All marketing to them, under whichever id it was written down.
    marketing: Vec<Stored>,
    /// How its run ended; none while it goes on.
    ended: Option<EndReason>,
    key: Option<EnrollmentKey>,
}

impl Eyes {
    /// Looks at what ended in a shard since the last time.
    ///
    /// # Errors
    /// With the mail that was lost.
    pub(super) fn look_at_ends(&mut self, play: &Play<'_>, shard: ShardIndex) -> Result<(), Broken> {
        let ended = "SELECT message_id FROM message WHERE state NOT IN ('intended', 'unknown', 'accepted')";
        for row in play
            .world
            .tables_of(shard)?
            .query(ended, &[])
            .map_err(Failure::from)?
        {
            let id = row
                .parsed("message_id", MessageId::parse)
                .map_err(Failure::from)?;
            if self.ended.contains(&id) {
                continue;
            }
            let Some(stored) = play.world.message(&id)? else {
                continue;
            };
            // That the ledger contradicts the provider is for the end.
            if self.taken.contains_key(id.as_str()) {
                continue;
            }
            // Of somebody who was erased nothing tells whether their mails were due.
            let Some(owner) = play.world.owner(&stored.contact)? else {
                continue;
            };
            let case = Case::new(play, &stored, &owner)?;
            keep(Promise::NotLost, case.is_borne_out(), || {
                let message = &stored.message;
                format!(
                    "{} of {} ({id}) is {}, and nothing speaks for that: {}",
                    message.step,
                    message.journey,
                    message.state.as_str(),
                    message.reason.as_deref().unwrap_or("no reason")
                )
            })?;
            self.ended.insert(id);
        }
        Ok(())
    }
}

impl<'c> Case<'c> {
    fn new(play: &'c Play<'c>, stored: &'c Stored, owner: &'c Contact) -> Result<Self, Failure> {
        let run = &stored.message.enrollment;
        let (mut ended, mut key) = (None, None);
        for of in [&owner.id, &stored.contact] {
            let row = play.world.ended(of)?.into_iter().find(|ended| ended.id == *run);
            if let Some(row) = row.filter(|_| key.is_none()) {
                (ended, key) = (Some(row.reason), Some(row.key));
            }
        }
        let running = owner.enrollments.iter().find(|running| running.id == *run);
        if let Some(running) = running {
            (ended, key) = (None, Some(running.key.clone()));
        }
        let mut marketing = Vec::new();
        for other in play.world.messages()? {
            let is_theirs = play
                .world
                .owner(&other.contact)?
                .is_some_and(|of| of.id == owner.id);
            if is_theirs && other.message.stream == Stream::Marketing {
                marketing.push(other);
            }
        }
        let before = |id: &EventId| {
            let event = play.truth.accepted.get(id);
            let ended = stored.message.settled_at;
            event.is_none_or(|event| ended.is_none_or(|ended| event.received_at < ended))
        };
        let recorded = play.world.events_of(&owner.id)?.into_iter().filter(before);
        Ok(Self {
            marketing,
            play,
            stored,
            owner,
            shoppers: erasures::shoppers_of(owner),
            recorded: recorded.collect(),
            ended,
            key,
        })
    }

    fn is_borne_out(&self) -> bool {
        let reason = self.stored.message.reason.as_deref().unwrap_or_default();
        match self.stored.message.state {
            MessageState::Dropped => self.dropped(reason),
            MessageState::Failed => self.failed(reason),
            MessageState::GivenUp => self.given_up(reason),
            // No store of a story is in shadow mode.
            MessageState::Shadowed => false,
            MessageState::Intended | MessageState::Unknown | MessageState::Accepted => true,
        }
    }

    fn dropped(&self, word: &str) -> bool {
        let mut known = DropReason::ALL.into_iter();
        let Some(reason) = known.find(|reason| reason.as_str() == word) else {
            return false;
        };
        match reason {
            DropReason::NoConsent => self.is_marketing() && self.lacks_a_yes(),
            DropReason::Unsubscribed => self.is_marketing() && self.said_no(),
            DropReason::Suppressed => self.has_dead_address(),
            DropReason::NoAddress => self.has_no_address(),
            DropReason::CheckoutClosed => self.bought(),
            DropReason::Exited => self.left(),
            DropReason::TooLate => self.was_late(),
            DropReason::Capped => self.is_marketing() && self.had_as_many_as_allowed(),
            // Stories have no allow-list, no holdout, no step that asks a condition which they could fail, and no page of
            // preferences.
            DropReason::NotListed
            | DropReason::EmailGone
            | DropReason::Undecided
            | DropReason::HeldOut
            | DropReason::Condition
            | DropReason::TopicOff
            | DropReason::Paused => false,
        }
    }

    /// Nothing refuses a mail for good in a story: it can only have been tried for days, at a provider that was busy.
    fn failed(&self, reason: &str) -> bool {
        let busy = |trouble: Trouble| matches!(trouble, Trouble::Provider(provider::Fault::Busy, _));
        reason.starts_with(TRIED_IN_VAIN) && self.troubles().any(busy)
    }

    /// A request was left open: for as long as the provider knows its key, or without one.
    fn given_up(&self, reason: &str) -> bool {
        if !self.was_left_open() {
            return false;
        }
        let asked = self.play.first_asked(&self.stored.message.id);
        let repeated = asked.is_some_and(|asked| self.settled_at().since(asked) >= REPEATED_FOR);
        let repeats = self.play.plan.provider != KEYED || repeated;
        if let Some(word) = reason.strip_prefix(NO_SECOND) {
            return repeats && (self.dropped(word) || self.failed(word));
        }
        if reason == LEFT_UNKNOWN {
            return repeats && self.left();
        }
        repeats
    }

    fn is_marketing(&self) -> bool {
        self.stored.message.stream == Stream::Marketing
    }

    /// From when it was due first to its end, by the Worker's clock.
    fn waited(&self) -> Delay {
        self.settled_at().since(self.stored.message.due_at)
    }

    fn settled_at(&self) -> Timestamp {
        self.stored.message.settled_at.unwrap_or(self.play.world.now)
    }

    fn addresses(&self) -> impl Iterator<Item = String> {
        let addresses = self.owner.addresses.iter();
        addresses.map(|address| address.email.canonical())
    }

    /// All that came of them, answered or not.
    fn events(&self) -> impl Iterator<Item = &Event> {
        let all = self.play.truth.came.values();
        all.filter(|event| erasures::shopper(event).is_some_and(|shopper| self.shoppers.contains(&shopper)))
    }

    /// Which of their addresses is written to is the engine's to say: one without a yes bears it out.
    fn lacks_a_yes(&self) -> bool {
        let truth = &self.play.truth;
        let mut addresses = self.addresses();
        addresses.any(|address| !truth.surely_said_yes(&address, &self.recorded)) || self.said_no()
    }

    /// Whether a no came that was not lifted by an express yes to each of their addresses. A yes that is repeated is not kept, so
    /// that a no of between the two which comes after both counts: a yes lifts one only if it came later as well.
    fn said_no(&self) -> bool {
        // A complaint by one address is a no for the others, and so is an erasure for whoever comes back.
        if self.has_dead_address() {
            return true;
        }
        let truth = &self.play.truth;
        let by_event = self.events().filter_map(|event| {
            let signal = event.consent.as_ref()?;
            let email = event.email.as_ref()?;
            let is_word = signal.grade == ConsentGrade::Explicit || truth.may_be_ticked(&email.canonical());
            let is_no = signal.state == ConsentState::Unsubscribed && is_word;
            is_no.then_some((signal.at, event.received_at))
        });
        let otherwise = self
            .addresses()
            .filter_map(|address| truth.may_have_refused(&address));
        let all: Vec<(Timestamp, Timestamp)> = by_event.chain(otherwise.map(|at| (at, at))).collect();
        let said = all.iter().map(|(said, _)| *said).max();
        let came = all.iter().map(|(_, came)| *came).max();
        let (Some(said), Some(came)) = (said, came) else {
            return false;
        };
        // A merge keeps the stricter of two records, whichever is the newer.
        if self.was_merged() || self.has_absorbed() {
            return true;
        }
        let lifts = |(yes, yes_came): (Timestamp, Timestamp)| yes > said && yes_came > came;
        let mut addresses = self.addresses();
        addresses.any(|address| {
            !truth
                .surely_said_yes_expressly(&address, &self.recorded)
                .is_some_and(lifts)
        })
    }

    fn has_dead_address(&self) -> bool {
        let truth = &self.play.truth;
        self.addresses()
            .any(|address| truth.may_be_dead(&address) || truth.erasures.concern(&address))
    }

    /// Whether none of the events of the contact that were answered named one, or it was another's until a moment ago.
    fn has_no_address(&self) -> bool {
        if self.play.overtaken && (self.was_merged() || self.has_absorbed()) {
            return true;
        }
        let truth = &self.play.truth;
        let answered = self.recorded.iter().filter_map(|id| truth.accepted.get(id));
        let mut kept = answered.filter(|event| !truth.erasures.may_lack(event));
        !kept.any(|event| event.email.is_some())
    }

    /// Whether an order came that names the cart, or is theirs and not older than it.
    fn bought(&self) -> bool {
        let Some(key) = &self.key else { return true };
        let all = || self.play.truth.came.values();
        let names = |event: &&Event| names(event, key);
        if all().filter(names).any(|event| event.closes_at().is_some()) {
            return true;
        }
        let touched = all().filter(names).map(|event| event.occurred_at).min();
        let mut orders = self
            .events()
            .filter(|event| event.kind == EventKind::OrderCompleted);
        orders.any(|order| touched.is_none_or(|touched| order.occurred_at >= touched))
    }

    /// Whether the person left the journey, as its run's end tells it, or the step went.
    fn left(&self) -> bool {
        if self.is_edited() || self.was_merged() {
            return true;
        }
        let Some(reason) = &self.ended else { return false };
        match reason {
            EndReason::Exited(kind) => self.has_exit_by(kind),
            EndReason::CheckoutTaken => self.handed_round() || self.bought(),
            EndReason::Restarted => self.journeys().any(|journey| journey.reenter == Reenter::Restart),
            // Told by the two lines above: of a merge and of a deploy.
            EndReason::Merged
            | EndReason::StepRemoved
            | EndReason::JourneyRemoved
            | EndReason::Retired
            // Whoever comes to the end of a run, or out of time, has no mail that waits.
            | EndReason::Completed
            | EndReason::TimedOut
            // No journey of a story has segments, goals that end it, or steps that lead out or stop others.
            | EndReason::EnteredSegment(_)
            | EndReason::LeftSegment(_)
            | EndReason::Left
            | EndReason::GoalReached
            | EndReason::Stopped
            // Nobody is in so many.
            | EndReason::TooManyEnrollments
            | EndReason::StepLimit => false,
        }
    }

    fn has_exit_by(&self, kind: &EventKind) -> bool {
        let mut rules = self.journeys().flat_map(|journey| &journey.exit);
        rules.any(|rule| rule.on == *kind) && self.events().any(|event| event.kind == *kind)
    }

    /// Whether somebody else had the cart in hand.
    fn handed_round(&self) -> bool {
        let Some(key) = &self.key else { return true };
        let all = self.play.truth.came.values().filter(|event| names(event, key));
        let hands: BTreeSet<Option<usize>> = all.map(erasures::shopper).collect();
        hands.len() > 1
    }

    /// Whether their contacts became one, so that the mail goes on under another id.
    fn was_merged(&self) -> bool {
        self.stored.contact != self.owner.id || self.ended == Some(EndReason::Merged)
    }

    /// Whether another contact became one with theirs.
    fn has_absorbed(&self) -> bool {
        let mut recorded = self.recorded.iter();
        recorded.any(|id| id.as_str().starts_with("absorbed:"))
    }

    fn is_edited(&self) -> bool {
        let mut begun = self.troubles();
        begun.any(|trouble| matches!(trouble, Trouble::Deploy(_)))
    }

    /// What has gone wrong so far, but with webhooks.
    fn troubles(&self) -> impl Iterator<Item = Trouble> {
        let has_begun = |at: Delay| self.play.plan.start.plus(at) <= self.play.now;
        let faults = self.play.plan.faults.iter();
        faults.filter_map(move |fault| match fault {
            Fault::Platform { at, how } => has_begun(*at).then_some(*how),
            Fault::Webhook { .. } => None,
        })
    }

    /// Whether anything has gone wrong so far. A webhook that comes late makes late what it starts.
    fn has_trouble(&self) -> bool {
        let plan = self.play.plan;
        let mut acts = plan.acts.iter();
        let is_told_badly = acts.any(|act| {
            let has_begun = plan.start.plus(act.at) <= self.play.now;
            has_begun && plan.deliveries(act.id).next().is_some()
        });
        is_told_badly || self.troubles().next().is_some()
    }

    /// The journey, before and after each deploy.
    fn journeys(&self) -> impl Iterator<Item = &Journey> {
        let stage = self.play.stage;
        let all = std::iter::once(&stage.before).chain(&stage.after);
        all.filter_map(|catalog: &Catalog| catalog.journey(&self.stored.message.journey))
    }

    /// Whether it waited for longer than its step allows, after something had gone wrong.
    fn was_late(&self) -> bool {
        let step = &self.stored.message.step;
        let sends = self
            .journeys()
            .filter_map(|journey| journey.resolve(step)?.kind.as_send());
        let limits = sends.filter_map(|send| match send.late {
            Late::SkipAfter(limit) => Some(limit),
            Late::Send => None,
        });
        let waited = self.waited();
        limits.min().is_some_and(|limit| waited > limit) && self.has_trouble()
    }

    /// Whether other marketing to them filled a cap when this was given up: what was taken within the cap's time, and what was asked
    /// for and had no fate yet.
    fn had_as_many_as_allowed(&self) -> bool {
        let settled = self.settled_at();
        let others = || {
            let marketing = self.marketing.iter().map(|of| &of.message);
            marketing.filter(|other| other.id != self.stored.message.id)
        };
        let caps = self.play.world.catalog.store.caps.iter();
        let mut caps = caps.filter(|cap| !cap.except.contains(&self.stored.message.lane));
        caps.any(|cap| {
            let since = settled.minus(cap.per);
            let counted =
                others().filter(|other| !cap.except.contains(&other.lane) && self.counted(other, since));
            counted.count() >= usize::from(cap.mails)
        })
    }

    fn counted(&self, other: &Message, since: Timestamp) -> bool {
        let asked = || self.play.first_asked(&other.id).is_some();
        match other.state {
            MessageState::Accepted => other.settled_at.is_none_or(|at| at > since),
            MessageState::Intended | MessageState::Unknown => asked(),
            // Until its fate was known. Of one that came along with another contact it is not asked again.
            MessageState::Failed | MessageState::Dropped | MessageState::GivenUp => {
                let later = other.settled_at.is_some_and(|at| at >= self.settled_at());
                asked() && (later || self.was_merged() || self.has_absorbed())
            }
            MessageState::Shadowed => false,
        }
    }

    /// Whether a request for it was left without an answer, by the provider or by a process that no longer waited.
    fn was_left_open(&self) -> bool {
        let id = &self.stored.message.id;
        self.play.left_open.contains_key(id)
            || self.play.world.provider.borrow().left_open.contains(id.as_str())
    }
}

/// Whether the event names the cart that a run is about.
fn names(event: &Event, key: &EnrollmentKey) -> bool {
    let cart = event.data.checkout_id.as_ref();
    cart.is_some_and(|token| format!("{}:{token}", event.source) == key.as_str())
}
