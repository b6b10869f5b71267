//! Looks at the whole world once a story is over: nothing may be left, nothing missing, and nothing twice.

use super::super::error::Failure;
use super::super::world::World;
use super::broken::{Broken, Promise, keep};
use super::check::Eyes;
use super::plan::{Fault, Trouble};
use super::play::Play;
use crate::domain::event::Event;
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, EventId, JourneyId, OrderKey, StepId};
use crate::domain::message::{DropReason, MessageState, Stream};
use crate::domain::order::Order;
use crate::engine::state::{Contact, EndReason, Ended};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Key, Reenter, Status};
use crate::journey::step::{Code, Exhausted, StepKind, Target, Wait};
use crate::store::directory;
use crate::store::message::Stored;
use std::collections::{BTreeMap, BTreeSet};

/// Rows of all tables of all shards: what each input may leave behind, what a shopper's first one does beyond that, whose journeys
/// send several mails each, and what a shard holds of itself, its version and its journeys.
const ROWS_AN_INPUT: usize = 5;
const ROWS_A_SHOPPER: usize = 4;
const ROWS_A_SHARD: usize = 3;

/// The world as it is at the end.
struct End {
    contacts: BTreeMap<ContactId, Contact>,
    /// Who has an event's row.
    events: BTreeMap<EventId, BTreeSet<ContactId>>,
    orders: Vec<Order>,
    runs: BTreeSet<(ContactId, JourneyId, EnrollmentKey)>,
    /// The runs that came to an end.
    ended: BTreeMap<EnrollmentId, Ended>,
    rows: usize,
}

impl Eyes {
    /// # Errors
    /// With the promise that was not kept.
    pub fn all_is_over(&self, play: &Play<'_>) -> Result<(), Broken> {
        let end = End::of(&play.world)?;
        for contact in end.contacts.values() {
            let left = contact.enrollments.first();
            keep(Promise::Ends, left.is_none(), || {
                format!("{left:?} goes on for ever")
            })?;
        }
        self.ledger_is_right(play)?;
        let (dispatches, forwards) = (play.world.dispatches()?.len(), play.world.forwards()?);
        keep(Promise::NotLost, dispatches == 0, || {
            format!("{dispatches} requests are still open")
        })?;
        let waiting = play.world.forwards_in_words()?;
        keep(Promise::ReflectedOnce, forwards == 0, || {
            format!("{forwards} forwards never arrived: {waiting:?}")
        })?;
        let letters = play.world.letters()?;
        keep(Promise::Answered, letters.is_empty(), || format!("{letters:?}"))?;
        events_are_reflected(play, &end)?;
        orders_are_as_told(play, &end)?;
        runs_began(play, &end)?;
        order_mails_are_told(play, &end)?;
        straight_runs_sent_all(play, &end)?;
        mails_are_counted(play, &end)?;
        play.nothing_came_back()?;
        let inputs = play.truth.accepted.len() + play.plan.replies.len() + 1;
        let shoppers: BTreeSet<usize> = play.plan.acts.iter().map(|act| act.shopper).collect();
        let of_all = ROWS_AN_INPUT * inputs + ROWS_A_SHOPPER * shoppers.len();
        let most = of_all + ROWS_A_SHARD * play.world.indices().len();
        keep(Promise::Bounds, end.rows <= most, || {
            format!("{} rows are left of {inputs} inputs", end.rows)
        })
    }

    fn ledger_is_right(&self, play: &Play<'_>) -> Result<(), Broken> {
        for stored in play.world.messages()? {
            let message = stored.message;
            let (step, state) = (&message.step, message.state);
            let taken = self.taken.contains_key(message.id.as_str());
            keep(Promise::NotLost, state.is_final(), || {
                format!("{step} ({}) is still {}", message.id, state.as_str())
            })?;
            let of_this_row = taken && !play.truth.erasures.may_be_another(&message.id);
            keep(
                Promise::Ledger,
                !of_this_row || matches!(state, MessageState::Accepted | MessageState::GivenUp),
                || {
                    format!(
                        "the provider took {step} ({}), and the ledger says {}",
                        message.id,
                        state.as_str()
                    )
                },
            )?;
            keep(Promise::Ledger, taken || state != MessageState::Accepted, || {
                format!(
                    "the ledger says that {step} ({}) was accepted, and nobody took it",
                    message.id
                )
            })?;
        }
        Ok(())
    }
}

impl End {
    fn of(world: &World) -> Result<Self, Failure> {
        let live = world.live()?.into_iter();
        let contacts: BTreeMap<ContactId, Contact> =
            live.map(|contact| (contact.id.clone(), contact)).collect();
        let mut end = Self {
            events: BTreeMap::new(),
            orders: Vec::new(),
            runs: BTreeSet::new(),
            ended: BTreeMap::new(),
            rows: 0,
            contacts: BTreeMap::new(),
        };
        for shard in world.indices() {
            end.rows += world.count_rows(shard)?;
            let sql = world.tables_of(shard)?;
            for row in sql.query("SELECT contact_id, event_id FROM event", &[])? {
                let contact = row.parsed("contact_id", ContactId::parse)?;
                let event = row.parsed("event_id", EventId::parse)?;
                if contacts.contains_key(&contact) {
                    end.events.entry(event).or_default().insert(contact);
                }
            }
        }
        for id in contacts.keys() {
            let (orders, ended) = (world.orders(id)?, world.ended(id)?);
            end.orders.extend(orders);
            for run in ended {
                end.runs
                    .insert((id.clone(), run.journey.clone(), run.key.clone()));
                end.ended.insert(run.id.clone(), run);
            }
        }
        end.contacts = contacts;
        Ok(end)
    }

    /// Who has the event, when somebody has it.
    fn owner(&self, event: &Event) -> Option<&ContactId> {
        self.events.get(&event.id)?.first()
    }
}

fn events_are_reflected(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    for event in play.truth.accepted.values() {
        let owners = end.events.get(&event.id).map_or(0, BTreeSet::len);
        // An event of a browser whose person never came stays without one.
        let missing =
            owners == 0 && !play.truth.erasures.may_lack(event) && leads_to_somebody(&play.world, event)?;
        keep(Promise::ReflectedOnce, owners <= 1 && !missing, || {
            format!(
                "{} ({}) was answered with 200, and {owners} contacts have it",
                event.kind, event.id
            )
        })?;
    }
    Ok(())
}

fn leads_to_somebody(world: &World, event: &Event) -> Result<bool, Failure> {
    for identifier in &event.identifiers {
        let hash = world.settings.hash(identifier);
        let shard = world.settings.shards.of_identifier(&hash);
        let rows = directory::lookup(world.tables_of(shard)?, &[hash])?;
        for owner in rows.iter().filter_map(directory::Entry::owner) {
            // A tombstone is nobody.
            if world.owner(owner)?.is_some() {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn orders_are_as_told(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    // What a clock that is behind makes of the times of events differs from one delivery to the next.
    let was_behind = play.plan.faults.iter().any(|fault| match fault {
        Fault::Platform {
            how: Trouble::Clock(by, _),
            ..
        } => by.as_millis() < 0,
        Fault::Platform { .. } | Fault::Webhook { .. } => false,
    });
    let erased: BTreeSet<OrderKey> = play
        .truth
        .accepted
        .values()
        .filter(|event| play.truth.erasures.may_lack(event))
        .filter_map(Event::order_key)
        .collect();
    for (key, told) in play
        .truth
        .orders
        .iter()
        .filter(|(key, _)| !was_behind && !erased.contains(key))
    {
        let held = end.orders.iter().find(|order| order.key == *key);
        let held = held.map(|order| (order.status_at, order.status));
        keep(Promise::ReflectedOnce, held == Some(*told), || {
            format!("order {key} was told to be {told:?}, and is {held:?}")
        })?;
    }
    Ok(())
}

/// Whether every run of the journey begins with the plain event, whatever was deployed.
fn begins(journey: &Journey, event: &Event) -> bool {
    let trigger = &journey.trigger;
    let plain = trigger.when.is_none() && journey.cooldown.is_none() && journey.reenter == Reenter::Once;
    let known = matches!(trigger.key, Key::Contact | Key::Order);
    plain && known && journey.status == Status::Active && trigger.on.contains(&event.kind)
}

fn runs_began(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    let all = || std::iter::once(&play.stage.before).chain(&play.stage.after);
    let begins_in = |catalog: &Catalog, id: &JourneyId, event: &Event| {
        catalog.journey(id).is_some_and(|journey| begins(journey, event))
    };
    for event in play.truth.accepted.values() {
        let Some(owner) = end.owner(event).filter(|_| !play.truth.erasures.may_lack(event)) else {
            continue;
        };
        for journey in &play.stage.before.journeys {
            if !all().all(|catalog| begins_in(catalog, &journey.id, event))
                || left_before(play, end, owner, journey)
            {
                continue;
            }
            let key = match journey.trigger.key {
                Key::Order => event
                    .order_key()
                    .and_then(|key| EnrollmentKey::parse(key.as_str()).ok()),
                Key::Contact | Key::Checkout | Key::Product => EnrollmentKey::parse(owner.as_str()).ok(),
            };
            let Some(key) = key else { continue };
            let run = (owner.clone(), journey.id.clone(), key);
            keep(Promise::RunsStart, end.runs.contains(&run), || {
                format!(
                    "{} ({}) never started {} for {owner}",
                    event.kind, event.id, journey.id
                )
            })?;
        }
    }
    Ok(())
}

/// Whether the same person did what would end the journey: told before, it keeps it from starting.
fn left_before(play: &Play<'_>, end: &End, owner: &ContactId, journey: &Journey) -> bool {
    let theirs = play
        .truth
        .accepted
        .values()
        .filter(|event| end.owner(event) == Some(owner));
    let mut kinds = theirs.map(|event| &event.kind);
    kinds.any(|kind| journey.exit.iter().any(|rule| rule.on == *kind))
}

/// The first mail of whatever begins with the order itself was taken, or something speaks against it: what, was asked when it
/// ended.
fn order_mails_are_told(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    let messages = play.world.messages()?;
    for event in play.truth.accepted.values() {
        let of_order = event
            .order_key()
            .and_then(|key| EnrollmentKey::parse(key.as_str()).ok());
        let owner = end.owner(event).filter(|_| !play.truth.erasures.may_lack(event));
        let (Some(key), Some(owner)) = (of_order, owner) else {
            continue;
        };
        for journey in &play.stage.before.journeys {
            let Some(step) = first_order_mail(play, journey, event) else {
                continue;
            };
            if ends_first(play, journey, event) {
                continue;
            }
            let mut theirs = messages.iter().filter(|stored| {
                let of = &stored.message;
                let run = end.ended.get(&of.enrollment);
                of.journey == journey.id && of.step == *step && run.is_some_and(|run| run.key == key)
            });
            let told = theirs.any(|stored| is_told(stored, owner, end));
            keep(Promise::NotLost, told, || {
                format!(
                    "{} ({}) was answered with 200, and {step} never left",
                    event.kind, event.id
                )
            })?;
        }
    }
    Ok(())
}

/// The send that the journey begins with, of order mail, wherever the event begins it.
fn first_order_mail<'j>(play: &Play<'_>, journey: &'j Journey, event: &Event) -> Option<&'j StepId> {
    let mut all = std::iter::once(&play.stage.before).chain(&play.stage.after);
    let begins = all.all(|catalog| {
        let now = catalog.journey(&journey.id);
        now.is_some_and(|journey| begins(journey, event))
    });
    let step = journey.steps.first()?;
    let send = step.kind.as_send()?;
    let is_meant = begins && journey.trigger.key == Key::Order && send.stream == Stream::Transactional;
    is_meant.then_some(&step.id)
}

/// Whether what ends the run for this order may have come before it.
fn ends_first(play: &Play<'_>, journey: &Journey, event: &Event) -> bool {
    let mut came = play.truth.came.values();
    came.any(|other| {
        other.order_key() == event.order_key() && journey.exit.iter().any(|rule| rule.on == other.kind)
    })
}

/// Whether the row says what became of the mail. One that its run left because two contacts became one has another in its
/// place.
fn is_told(stored: &Stored, owner: &ContactId, end: &End) -> bool {
    let run = end.ended.get(&stored.message.enrollment);
    let merged = run.is_some_and(|run| run.reason == EndReason::Merged) || stored.contact != *owner;
    let left = stored.message.reason.as_deref() == Some(DropReason::Exited.as_str());
    match stored.message.state {
        MessageState::Accepted | MessageState::Failed | MessageState::GivenUp => true,
        MessageState::Dropped => !(merged && left),
        MessageState::Intended | MessageState::Unknown | MessageState::Shadowed => false,
    }
}

/// Who came to the end of a journey that only sends and waits has a row of each of its mails.
fn straight_runs_sent_all(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    let stored = play.world.messages()?;
    let told: BTreeSet<(&EnrollmentId, &StepId)> = stored
        .iter()
        .map(|stored| (&stored.message.enrollment, &stored.message.step))
        .collect();
    for (run, ended) in end
        .ended
        .iter()
        .filter(|(_, ended)| ended.reason == EndReason::Completed)
    {
        let Some(journey) = unedited(play, &ended.journey).filter(|journey| is_straight(journey)) else {
            continue;
        };
        for step in journey.steps.iter().filter(|step| step.kind.as_send().is_some()) {
            keep(Promise::NotLost, told.contains(&(run, &step.id)), || {
                format!(
                    "a run of {} came to its end, and no row tells of {}",
                    journey.id, step.id
                )
            })?;
        }
    }
    Ok(())
}

/// The journey, where no deploy of the store changes its steps.
fn unedited<'p>(play: &Play<'p>, id: &JourneyId) -> Option<&'p Journey> {
    let journey = play.stage.before.journey(id)?;
    let mut after = play.stage.after.iter();
    let same = |catalog: &Catalog| catalog.journey(id).is_some_and(|now| now.steps == journey.steps);
    after.all(same).then_some(journey)
}

fn is_straight(journey: &Journey) -> bool {
    let goes_on = |target: &Target| match target {
        // Who leaves by a wait has not come to the end.
        Target::Next | Target::Leave => true,
        Target::Step(_) => false,
    };
    journey.steps.iter().all(|step| match &step.kind {
        StepKind::Send(_)
        | StepKind::Wait(Wait::Delay(_) | Wait::Calendar(_) | Wait::Until { .. })
        | StepKind::Set(_)
        | StepKind::Notify(_)
        | StepKind::Start(_)
        | StepKind::Stop(_) => true,
        StepKind::Coupon(coupon) => match &coupon.code {
            Code::Shared(_) => true,
            Code::Pool { exhausted, .. } => match exhausted {
                Exhausted::Shared(_) => true,
                Exhausted::Go(target) => goes_on(target),
            },
        },
        StepKind::Wait(Wait::Date { otherwise, .. }) => goes_on(otherwise),
        StepKind::Wait(Wait::Event { then, otherwise, .. }) => goes_on(then) && goes_on(otherwise),
        StepKind::Branch(_) | StepKind::Split(_) | StepKind::Goto(_) | StepKind::Exit => false,
    })
}

fn mails_are_counted(play: &Play<'_>, end: &End) -> Result<(), Broken> {
    let mut sent: BTreeMap<ContactId, u32> = BTreeMap::new();
    for stored in play.world.messages()? {
        if stored.message.state == MessageState::Accepted {
            let count = sent.entry(stored.contact).or_default();
            *count = count.saturating_add(1);
        }
    }
    let merged: BTreeSet<&ContactId> = end
        .events
        .iter()
        .filter(|(event, _)| event.as_str().starts_with("absorbed:"))
        .flat_map(|(_, contacts)| contacts)
        .collect();
    for contact in end
        .contacts
        .values()
        .filter(|contact| !merged.contains(&contact.id))
    {
        let (counted, sent) = (
            contact.engagement.mails,
            sent.get(&contact.id).copied().unwrap_or(0),
        );
        keep(Promise::ReflectedOnce, counted == sent, || {
            format!("{} counts {counted} mails, and the ledger has {sent}", contact.id)
        })?;
    }
    Ok(())
}
