//! How often and at which hours a contact may get marketing: send windows, quiet hours, frequency caps.
//!
//! Asked by the gate, which holds the mail until it may go: nothing is skipped silently. The contact's document counts
//! what went out; what is on its way at this moment the gate is told.

use super::civil::Calendar;
use super::state::{Contact, Enrollment, Mailed, Position, Sending};
use crate::domain::ids::MessageId;
use crate::domain::message::{Lane, Stream};
use crate::domain::preferences::Frequency;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::Journey;
use crate::journey::store_file::{Cap, StoreFile, WEEK};

/// How long a mail waits when only others that are on their way fill the cap: they may yet fail.
const IN_FLIGHT_PAUSE: Delay = Delay::from_minutes(15);
/// Rounds between quiet hours and windows until both are open; more means that they leave no time at all.
const ROUNDS: usize = 16;

/// Why a mail is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// Quiet hours, or outside of the journey's window.
    Hours(Timestamp),
    /// As many mails as the cap allows went out lately: until when, and when the hours allow it after that.
    Cap { free: Timestamp, until: Timestamp },
    /// Quiet hours and the window leave no time at all.
    Never,
}

/// Whether a marketing mail must wait, and until when. `in_flight` are the lanes of this contact's other marketing
/// mails whose fate is not known yet.
pub(super) fn hold(
    catalog: &Catalog,
    journey: &Journey,
    contact: &Contact,
    sending: &Sending,
    in_flight: &[Lane],
    now: Timestamp,
) -> Option<Hold> {
    let fewer = match contact.preferences.frequency {
        Frequency::All => None,
        Frequency::LessOften => Some(catalog.store.fewer()),
    };
    let free = catalog
        .store
        .caps
        .iter()
        .chain(&fewer)
        .filter(|cap| !cap.except.contains(&sending.lane))
        .filter_map(|cap| full_until(cap, &contact.mailed, in_flight, now))
        .max();
    let Some(free) = free else {
        return hours(catalog, journey, contact, now);
    };
    let calendar = Calendar::new(&catalog.store, Some(journey), contact);
    let opening = opening(catalog, journey, calendar, free);
    Some(opening.map_or(Hold::Never, |until| Hold::Cap { free, until }))
}

/// Whether a mail must wait for its hours alone, and until when.
pub(super) fn hours(catalog: &Catalog, journey: &Journey, contact: &Contact, now: Timestamp) -> Option<Hold> {
    let calendar = Calendar::new(&catalog.store, Some(journey), contact);
    match opening(catalog, journey, calendar, now) {
        None => Some(Hold::Never),
        Some(open) => (open > now).then_some(Hold::Hours(open)),
    }
}

/// The first moment at `now` or later that is in the window and not in quiet hours; none when there is none.
fn opening(catalog: &Catalog, journey: &Journey, calendar: Calendar, now: Timestamp) -> Option<Timestamp> {
    let zone = if planted!(HoursOfTheStore) {
        calendar.store
    } else {
        calendar.contact
    };
    let mut at = now;
    for _ in 0..ROUNDS {
        let quiet = catalog.store.quiet_hours.and_then(|quiet| quiet.until(at, zone));
        let later = quiet.unwrap_or(at);
        let open = journey
            .window
            .map_or(later, |window| window.next_open(later, zone));
        if open == at {
            return Some(at);
        }
        at = open;
    }
    None
}

/// Until when a cap is full; none when it has room.
fn full_until(cap: &Cap, mailed: &[Mailed], in_flight: &[Lane], now: Timestamp) -> Option<Timestamp> {
    let counts = |lane: &Lane| *lane != Lane::Transactional && !cap.except.contains(lane);
    let since = now.minus(cap.per);
    let recent: Vec<Timestamp> = mailed
        .iter()
        .filter(|mailed| counts(&mailed.lane) && mailed.open.is_none() && mailed.at > since)
        .map(|mailed| mailed.at)
        .collect();
    let left = mailed.iter().filter(|mailed| mailed.open.is_some());
    let left = left.filter(|mailed| counts(&mailed.lane)).count();
    let flying = left + in_flight.iter().filter(|lane| counts(lane)).count();
    let flying = if planted!(CapForgetsWhatIsOut) { 0 } else { flying };
    let most = usize::from(cap.mails);
    if recent.len() + flying < most {
        return None;
    }
    // The mail whose leaving the window makes room.
    let oldest = recent.len().checked_sub(most).and_then(|at| recent.get(at));
    Some(oldest.map_or(now.plus(IN_FLIGHT_PAUSE), |oldest| oldest.plus(cap.per)))
}

/// Remembers a mail that was accepted, for as long as the longest cap looks back.
pub(super) fn count(contact: &mut Contact, enrollment: &Enrollment, store: &StoreFile, now: Timestamp) {
    let Position::Sending(sending) = &enrollment.position else {
        return;
    };
    if sending.stream != Stream::Marketing {
        return;
    }
    remember(contact, sending.lane, None, store, now);
}

/// A run leaves a mail whose request is out: the caps must not forget it, nor whoever counts mails.
pub(super) fn leave(contact: &mut Contact, enrollment: &Enrollment, store: &StoreFile, now: Timestamp) {
    if let Some(sending) = enrollment.sending().filter(|sending| sending.dispatched) {
        let message = sending.message.clone();
        remember(contact, sending.lane, Some(message), store, now);
    }
}

/// What became of a mail that no run waits for any more; false when there is no such mail.
pub(super) fn learn_fate(contact: &mut Contact, message: &MessageId, accepted: bool, now: Timestamp) -> bool {
    let mut open = contact.mailed.iter();
    let Some(at) = open.position(|mailed| mailed.open.as_ref() == Some(message)) else {
        return false;
    };
    let mut mailed = contact.mailed.remove(at);
    if accepted && mailed.lane != Lane::Transactional {
        (mailed.at, mailed.open) = (now, None);
        contact.mailed.push(mailed);
    }
    true
}

fn remember(contact: &mut Contact, lane: Lane, open: Option<MessageId>, store: &StoreFile, now: Timestamp) {
    // Who asks for fewer mails today is told by what came in the week before.
    let longest = store.caps.iter().map(|cap| cap.per).chain([WEEK]).max();
    let longest = longest.unwrap_or(WEEK);
    let since = now.minus(longest);
    contact
        .mailed
        .retain(|mailed| mailed.at > since || mailed.open.is_some());
    contact.mailed.push(Mailed { at: now, lane, open });
}
