//! Two contacts that turn out to be one: what the winner becomes.
//!
//! The loser's rows (events, orders, ended enrollments, settled messages) move as rows; this joins the documents.

use super::decision::{Change, ConsentChange, Settlement};
use super::intake::{make_room, purchases_of};
use super::state::{
    Address, Contact, EndReason, Ended, Engagement, Enrollment, MAX_ENROLLMENTS, MAX_IDENTIFIERS, Mailed,
    Position, Sending, Standings,
};
use super::{ids, progress};
use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId};
use crate::domain::message::{DropReason, Message, MessageState};
use crate::domain::order::Order;
use crate::domain::time::Timestamp;
use crate::journey::catalog::Catalog;

/// Joins `loser` into `winner`, keeping the stricter consent for an address both knew.
///
/// An enrollment both are in (same journey, same key) goes on once: the one that is the further on, so that no mail of it
/// goes twice, and of two that stand on one step the one that began first. It learns what the other had heard of. The loser's
/// other enrollments come along; a message of theirs that has not gone out is written anew under the winner's id, and the old intent ends.
///
/// `orders` are those of both, `intents` the loser's messages that have not gone out.
pub fn absorb(
    winner: &mut Contact,
    loser: &Contact,
    (orders, catalog): (&[Order], &Catalog),
    intents: &[Message],
    now: Timestamp,
) -> Vec<Change> {
    let mut changes = Vec::new();
    winner.archived = winner.archived.plus(&loser.archived);
    winner.purchases = purchases_of(orders.iter(), catalog.store.currency).plus(&winner.archived);
    winner.since = winner.since.min(loser.since);
    // What happened before the one was erased is not the other's either.
    winner.erased_at = winner.erased_at.max(loser.erased_at);
    if loser.profile_at > winner.profile_at {
        let mut profile = loser.profile.clone();
        profile.fill_from(&winner.profile);
        winner.profile = profile;
        winner.profile_at = loser.profile_at;
    } else {
        winner.profile.fill_from(&loser.profile);
    }
    winner.own_tags.join(&loser.own_tags);
    for address in &loser.addresses {
        changes.extend(join_address(winner, address, now));
    }
    winner.preferences = std::mem::take(&mut winner.preferences).stricter(loser.preferences.clone());
    for identifier in &loser.identifiers {
        if !winner.identifiers.contains(identifier) && winner.identifiers.len() < MAX_IDENTIFIERS {
            winner.identifiers.push(identifier.clone());
        }
    }
    for (journey, at) in &loser.starts {
        let held = winner.starts.entry(journey.clone()).or_insert(*at);
        *held = (*held).max(*at);
    }
    for (journey, at) in &loser.fired {
        let held = winner.fired.entry(journey.clone()).or_insert(*at);
        *held = (*held).max(*at);
    }
    for (journey, at) in &loser.armed {
        let held = winner.armed.entry(journey.clone()).or_insert(*at);
        *held = (*held).min(*at);
    }
    // Their fate is told under the loser's ids: here they count as mails that went.
    winner.mailed.extend(loser.mailed.iter().map(|mailed| Mailed {
        open: None,
        ..mailed.clone()
    }));
    winner.mailed.sort_by_key(|mailed| mailed.at);
    join_mail(&mut winner.engagement, &loser.engagement);
    join_standings(&mut winner.segments, &loser.segments, now);
    winner.referrals = winner.referrals.saturating_add(loser.referrals);
    winner.referred_as = winner.referred_as.take().or_else(|| loser.referred_as.clone());
    let held: Vec<Enrollment> = winner.enrollments.clone();
    for enrollment in &loser.enrollments {
        bring(
            winner,
            loser,
            enrollment,
            (intents, &held, catalog),
            &mut changes,
            now,
        );
    }
    changes
}

fn join_mail(winner: &mut Engagement, loser: &Engagement) {
    winner.opened_at = winner.opened_at.max(loser.opened_at);
    winner.clicked_at = winner.clicked_at.max(loser.clicked_at);
    winner.mailed_at = winner.mailed_at.max(loser.mailed_at);
    winner.mails = winner.mails.saturating_add(loser.mails);
}

/// Who was in a segment stays in it, so that nothing starts again; whether the two together still belong there is asked
/// at once.
fn join_standings(winner: &mut Standings, loser: &Standings, now: Timestamp) {
    for (name, standing) in &loser.of {
        let held = winner.of.entry(name.clone()).or_insert_with(|| standing.clone());
        held.since = [held.since, standing.since].into_iter().flatten().min();
    }
    for (journey, at) in &loser.starting {
        let held = winner.starting.entry(journey.clone()).or_insert(*at);
        *held = (*held).min(*at);
    }
    winner.ask_again(now);
}

/// What only the two together say of an address is a line of its ledger: that a remark told to the one took back the yes of the
/// other.
fn join_address(winner: &mut Contact, address: &Address, now: Timestamp) -> Option<Change> {
    let Some(held) = winner.address_mut(&address.email) else {
        make_room(winner);
        winner.addresses.push(address.clone());
        return None;
    };
    let states = [held.consent.state, address.consent.state];
    held.consent = std::mem::take(&mut held.consent).stricter(address.consent.clone());
    held.health = std::mem::take(&mut held.health).worse(address.health.clone());
    held.seen_at = held.seen_at.max(address.seen_at);
    let (signal, event) = held.consent.evidence.clone()?;
    let is_news = !states.contains(&held.consent.state);
    is_news.then(|| {
        Change::RecordConsent(Box::new(ConsentChange {
            email: held.email.clone(),
            state: held.consent.state,
            signal,
            event,
            at: now,
        }))
    })
}

/// Ends a run of the winner's; a mail of it that has not gone out does not go any more.
fn end(winner: &mut Contact, run: &Enrollment, changes: &mut Vec<Change>, now: Timestamp) {
    winner.enrollments.retain(|held| held.id != run.id);
    changes.extend(dropped(run, now));
    changes.push(Change::EndEnrollment(progress::ended(
        run,
        EndReason::Merged,
        now,
    )));
}

/// Ends the runs of `winner` that one of the two had been through before, where once is once.
pub fn end_repeated(
    winner: &mut Contact,
    ended: &[Ended],
    once: impl Fn(&JourneyId) -> bool,
    changes: &mut Vec<Change>,
    now: Timestamp,
) {
    for run in winner.enrollments.clone() {
        let is_same = |before: &Ended| {
            before.journey == run.journey && before.key == run.key && before.reason != EndReason::Merged
        };
        if once(&run.journey) && !is_out(&run) && ended.iter().any(is_same) {
            end(winner, &run, changes, now);
        }
    }
}

/// Whether a request of the run is out.
fn is_out(run: &Enrollment) -> bool {
    run.sending().is_some_and(|sending| sending.dispatched)
}

fn bring(
    winner: &mut Contact,
    loser: &Contact,
    enrollment: &Enrollment,
    (intents, held, catalog): (&[Message], &[Enrollment], &Catalog),
    changes: &mut Vec<Change>,
    now: Timestamp,
) {
    let mut moved = enrollment.clone();
    moved.key = key_of(&moved.key, &loser.id, &winner.id);
    // Runs that the loser had beside each other stay so.
    let same = || {
        held.iter()
            .filter(|run| run.journey == moved.journey && run.key == moved.key)
    };
    let gives_way = |run: &Enrollment| !is_out(run) && ahead(catalog, run) < ahead(catalog, &moved);
    let both = same().next().is_some() && !same().all(gives_way);
    if both {
        for run in winner
            .enrollments
            .iter_mut()
            .filter(|run| same().any(|held| held.id == run.id))
        {
            learn(run, &moved);
        }
    } else {
        let others: Vec<&Enrollment> = same().collect();
        for run in others {
            end(winner, run, changes, now);
            learn(&mut moved, run);
        }
    }
    let reason = if both {
        Some(EndReason::Merged)
    } else {
        (winner.enrollments.len() >= MAX_ENROLLMENTS).then_some(EndReason::TooManyEnrollments)
    };
    if let Some(reason) = reason {
        let row = progress::ended(&moved, reason, now);
        changes.push(Change::EndEnrollment(row));
        return;
    }
    let round = moved.rounds();
    if let Position::Sending(sending) = &mut moved.position {
        let before = sending.message.clone();
        rename_message(winner, (&enrollment.id, round), sending, intents, changes);
        if let Some(last) = moved.last.as_mut().filter(|last| last.message == before) {
            last.message = sending.message.clone();
        }
    }
    winner.enrollments.push(moved);
}

/// How far a run has come; the greater is the further on.
fn ahead(catalog: &Catalog, run: &Enrollment) -> (u32, usize, std::cmp::Reverse<Timestamp>) {
    let journey = catalog.journey(&run.journey);
    let place = journey.and_then(|journey| {
        let here = journey.resolve(&run.step)?;
        journey.steps.iter().position(|step| step.id == here.id)
    });
    let place = place.unwrap_or_default();
    (run.rounds(), place, std::cmp::Reverse(run.started_at))
}

/// The run that goes on remembers what the other had heard of since it began itself.
fn learn(run: &mut Enrollment, other: &Enrollment) {
    for (kind, at) in other.seen.iter().filter(|(_, at)| **at >= run.started_at) {
        run.seen.entry(kind.clone()).or_insert(*at);
    }
}

/// An ended enrollment of `loser` as a row of `winner`: re-entry rules must find it there.
pub fn ended_of(ended: &Ended, loser: &ContactId, winner: &ContactId) -> Ended {
    Ended {
        key: key_of(&ended.key, loser, winner),
        ..ended.clone()
    }
}

/// The key of an enrollment about the contact itself changes with the contact.
fn key_of(key: &EnrollmentKey, loser: &ContactId, winner: &ContactId) -> EnrollmentKey {
    if key.as_str() == loser.as_str() {
        EnrollmentKey::parse(winner.as_str()).unwrap_or_else(|_| key.clone())
    } else {
        key.clone()
    }
}

/// A message id names its contact, so an intent that moves gets a new one.
fn rename_message(
    winner: &Contact,
    (enrollment, round): (&EnrollmentId, u32),
    sending: &mut Sending,
    intents: &[Message],
    changes: &mut Vec<Change>,
) {
    let Some(intent) = intents.iter().find(|intent| intent.id == sending.message) else {
        return;
    };
    let id = ids::message(&winner.id, &intent.journey, enrollment, &intent.step, round);
    changes.push(Change::PutMessage(Message {
        id: id.clone(),
        state: MessageState::Intended,
        ..intent.clone()
    }));
    sending.message = id;
}

/// What ends in the loser's own shard: its unsent intents, which live on under the winner.
pub fn release(loser: &Contact, now: Timestamp) -> Vec<Change> {
    loser
        .enrollments
        .iter()
        .filter_map(|enrollment| dropped(enrollment, now))
        .collect()
}

/// The end of a run's intent, if it has one that is not out.
fn dropped(run: &Enrollment, now: Timestamp) -> Option<Change> {
    match &run.position {
        Position::Sending(Sending {
            message,
            generation,
            dispatched: false,
            ..
        }) => Some(Change::SettleMessage {
            message: message.clone(),
            how: Settlement::Dropped(DropReason::Exited).of_generation(*generation),
            at: now,
        }),
        Position::Sending(_) | Position::Waiting { .. } | Position::Asking(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::consent::ConsentState;
    use crate::engine::fixtures::{at, catalog, contact, contact_id, enrollment};

    fn waiting(key: &str) -> Enrollment {
        let position = Position::Waiting { until: at(60) };
        enrollment("welcome", key, "before-welcome-story", position)
    }

    fn loser(state: ConsentState) -> Contact {
        Contact {
            id: contact_id("9999"),
            ..contact(state)
        }
    }

    fn joined(winner: &mut Contact, loser: &Contact) -> Vec<EndReason> {
        let changes = absorb(winner, loser, (&[], &catalog()), &[], at(0));
        changes
            .into_iter()
            .filter_map(|change| match change {
                Change::EndEnrollment(ended) => Some(ended.reason),
                Change::RecordEvent(_)
                | Change::PutOrder(_)
                | Change::RecordConsent(_)
                | Change::ReachGoal { .. }
                | Change::PutMessage(_)
                | Change::MoveStream { .. }
                | Change::SettleMessage { .. } => None,
            })
            .collect()
    }

    #[test]
    fn the_stricter_consent_stays() {
        use ConsentState::{Pending, Subscribed, Suppressed, Unknown, Unsubscribed};
        for (one, other, left) in [
            (Subscribed, Unsubscribed, Unsubscribed),
            (Unsubscribed, Subscribed, Unsubscribed),
            (Subscribed, Pending, Subscribed),
            (Pending, Unknown, Pending),
            (Subscribed, Unknown, Subscribed),
            (Unknown, Subscribed, Subscribed),
            (Unknown, Unsubscribed, Unsubscribed),
            (Unsubscribed, Suppressed, Suppressed),
        ] {
            let mut winner = contact(one);
            joined(&mut winner, &loser(other));
            let states: Vec<ConsentState> = winner.addresses.iter().map(|held| held.consent.state).collect();
            assert_eq!(states, [left], "{one:?} with {other:?}");
        }
    }

    #[test]
    fn a_run_both_are_in_goes_on_once_and_the_bound_holds() {
        let (mut winner, mut loser) = (contact(ConsentState::Subscribed), loser(ConsentState::Subscribed));
        winner.enrollments.push(waiting(winner.id.clone().as_str()));
        loser.enrollments.push(waiting(loser.id.clone().as_str()));
        assert_eq!(joined(&mut winner, &loser), [EndReason::Merged]);
        loser.enrollments = (0..MAX_ENROLLMENTS)
            .map(|number| waiting(&format!("shopify:{number}")))
            .collect();
        assert_eq!(joined(&mut winner, &loser), [EndReason::TooManyEnrollments]);
        assert_eq!(winner.enrollments.len(), MAX_ENROLLMENTS);
    }
}
