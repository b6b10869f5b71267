//! The gate every message passes in the turn that claims it: consent, suppression, checkout, lateness, allow-list.
//!
//! Exit rules need no look here: an event that meets one ends the enrollment, and with it the message, in its own turn.
//! One that failed at run time left a doubt, and holds the mail.
//! Called by the delivery loop; the only maker of a [`Clearance`].

use super::ask;
use super::defer::DeferReason;
use super::enroll::leaves_when_bought;
use super::pace::{self, Hold};
use super::pausing;
use super::sight::{Topic, View};
use super::state::{Address, Contact, Counted, Enrollment, Sending};
use crate::domain::clearance::Clearance;
use crate::domain::consent::{Consent, ConsentGrade, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::message::{DropReason, Lane, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Journey, Status};
use crate::journey::region::{Regime, Region};
use crate::journey::step::{Late, Recipient, Send};
use std::sync::Arc;

/// How long a cart mail waits when it cannot be told whether the cart was bought.
pub const UNREADABLE_CHECKOUT_PAUSE: Delay = Delay::from_minutes(1);

/// How long a mail waits for an exit rule that failed to be decided after all; then it is dropped.
pub const UNDECIDED_EXIT_PAUSE: Delay = Delay::from_hours(6);

/// When a mail is looked at again whose journey was paused while it was on its way to the gate. Whoever goes on after a
/// pause is woken by the sweep.
const PAUSED_LOOK: Delay = Delay::from_minutes(5);

/// The gate's verdict. Each no is stored with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Allow(Clearance),
    Defer { until: Timestamp, reason: DeferReason },
    Drop(DropReason),
}

/// What the gate must know besides the contact.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The address is on the suppression list.
    pub suppressed: bool,
    pub checkout: CheckoutFact,
    /// Times of the events that conditions count.
    pub counted: Arc<Counted>,
    /// Lanes of the contact's other marketing mails that are on their way.
    pub in_flight: Vec<Lane>,
    /// `SEND_ONLY_TO` and the operator's list, as far as they are set: mail may only go to addresses or domains on each.
    pub only_to: Vec<Vec<String>>,
    /// The same bytes were on their way before, in time and with room in the caps: those two ask no more.
    pub repeats: bool,
    /// To whom the bytes go that are written already; without them, the contact's address of now.
    pub addressee: Option<EmailAddress>,
}

impl Facts {
    /// The address that the mail goes to.
    pub fn address<'a>(&self, contact: &'a Contact) -> Option<&'a Address> {
        match &self.addressee {
            Some(email) => contact.address_of(email),
            None => contact.address(),
        }
    }
}

/// Whether the enrollment's checkout was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckoutFact {
    #[default]
    Open,
    Closed,
    /// The shard that knows did not answer.
    Unreadable,
}

/// Whether `sending`, a message of `enrollment`, may go out now.
pub fn check(
    catalog: &Catalog,
    contact: &Contact,
    enrollment: &Enrollment,
    sending: &Sending,
    facts: &Facts,
    now: Timestamp,
) -> Verdict {
    let journey = catalog.journey(&enrollment.journey);
    let Some((journey, send)) =
        journey.and_then(|journey| Some((journey, journey.resolve(&enrollment.step)?.kind.as_send()?)))
    else {
        return Verdict::Drop(DropReason::Exited);
    };
    // The sweep may not have come here yet.
    if journey.status == Status::Retired {
        return Verdict::Drop(DropReason::Exited);
    }
    let stream = stream_of(sending, send);
    if pausing::holds(catalog, &journey.id, stream) {
        return Verdict::Defer {
            until: now.plus(PAUSED_LOOK),
            reason: DeferReason::Paused,
        };
    }
    if let Some(refused) = refused_by_step(contact, journey, enrollment, send, (facts, now)) {
        return refused;
    }
    // The step may have gone to the team when the mail was written.
    if enrollment.held_out && send.to == Recipient::Contact {
        return Verdict::Drop(DropReason::HeldOut);
    }
    if send.to == Recipient::Team {
        // The team is told nothing about a cart that was bought, either.
        let left = may_have_left(journey, enrollment, sending, facts, now);
        return left.unwrap_or_else(|| to_team(catalog, sending, facts));
    }
    let Some(address) = facts.address(contact) else {
        return Verdict::Drop(DropReason::NoAddress);
    };
    if facts.suppressed || address.consent.state == ConsentState::Suppressed {
        return Verdict::Drop(DropReason::Suppressed);
    }
    if let Some(reason) = unwanted(
        catalog.store.region,
        (contact, address),
        (journey, send),
        sending,
        now,
    ) {
        return Verdict::Drop(reason);
    }
    if let Some(refused) = may_have_left(journey, enrollment, sending, facts, now) {
        return refused;
    }
    if let Late::SkipAfter(limit) = send.late
        && !facts.repeats
        && now.since(ready_since(enrollment, sending)) > limit
    {
        return Verdict::Drop(DropReason::TooLate);
    }
    if let Some(refused) = paced(catalog, (journey, send), contact, sending, facts, now) {
        return refused;
    }
    if !listed(&facts.only_to, &address.email) {
        return Verdict::Drop(DropReason::NotListed);
    }
    let (to, message) = (address.email.clone(), sending.message.clone());
    Verdict::Allow(Clearance::grant(to, message, stream))
}

/// From when a mail is late.
fn ready_since(enrollment: &Enrollment, sending: &Sending) -> Timestamp {
    if planted!(LateSinceTheStart) {
        return enrollment.started_at;
    }
    sending.ready_since()
}

/// Where the step's stream changed since the mail was written, the stricter of the two asks.
pub(super) fn stream_of(sending: &Sending, send: &Send) -> Stream {
    match (sending.stream, send.stream) {
        (Stream::Transactional, Stream::Transactional) => Stream::Transactional,
        (Stream::Marketing, _) | (_, Stream::Marketing) => Stream::Marketing,
    }
}

/// The cart may be bought, or an exit rule met, and nobody knows for sure.
fn may_have_left(
    journey: &Journey,
    enrollment: &Enrollment,
    sending: &Sending,
    facts: &Facts,
    now: Timestamp,
) -> Option<Verdict> {
    if leaves_when_bought(journey) {
        match facts.checkout {
            CheckoutFact::Open => {}
            CheckoutFact::Closed => return Some(Verdict::Drop(DropReason::CheckoutClosed)),
            CheckoutFact::Unreadable => {
                let until = now.plus(UNREADABLE_CHECKOUT_PAUSE);
                return Some(Verdict::Defer {
                    until,
                    reason: DeferReason::CheckoutUnreadable,
                });
            }
        }
    }
    let doubt = enrollment.doubt.as_ref()?;
    let until = doubt.at.max(sending.first_due).plus(UNDECIDED_EXIT_PAUSE);
    if now >= until {
        return Some(Verdict::Drop(DropReason::Undecided));
    }
    Some(Verdict::Defer {
        until,
        reason: DeferReason::ExitUndecided,
    })
}

/// What the pace of marketing says of it: of a repeat its hours alone.
fn paced(
    catalog: &Catalog,
    (journey, send): (&Journey, &Send),
    contact: &Contact,
    sending: &Sending,
    facts: &Facts,
    now: Timestamp,
) -> Option<Verdict> {
    if stream_of(sending, send) != Stream::Marketing {
        return None;
    }
    let hold = if facts.repeats {
        pace::hours(catalog, journey, contact, now)
    } else {
        pace::hold(catalog, journey, contact, sending, &facts.in_flight, now)
    };
    hold.map(|hold| held(hold, sending, send.late, now))
}

/// A mail waits for its hours as long as they take, but for room in a cap only until it is too late.
fn held(hold: Hold, sending: &Sending, late: Late, now: Timestamp) -> Verdict {
    match (hold, late) {
        // It would wait for ever, and its run with it.
        (Hold::Never, _) => Verdict::Drop(DropReason::TooLate),
        (Hold::Hours(until), _) => Verdict::Defer {
            until,
            reason: DeferReason::Hours,
        },
        (Hold::Cap { free, .. }, late) if is_too_long(free, sending, late, now) => {
            Verdict::Drop(DropReason::Capped)
        }
        (Hold::Cap { until, .. }, _) => Verdict::Defer {
            until,
            reason: DeferReason::Capped,
        },
    }
}

/// The verdict on a mail that the gate lets through and the warm-up of the sending domain does not, before `until`. It waits
/// as one does for room in a cap: a welcome three weeks late is none.
pub fn warming_up(
    catalog: &Catalog,
    enrollment: &Enrollment,
    sending: &Sending,
    until: Timestamp,
    now: Timestamp,
) -> Verdict {
    let journey = catalog.journey(&enrollment.journey);
    let send = journey.and_then(|journey| journey.resolve(&enrollment.step)?.kind.as_send());
    if send.is_some_and(|send| is_too_long(until, sending, send.late, now)) {
        return Verdict::Drop(DropReason::TooLate);
    }
    Verdict::Defer {
        until,
        reason: DeferReason::WarmUp,
    }
}

/// Whether a mail that waits for room until `free` has then waited longer than its step allows.
fn is_too_long(free: Timestamp, sending: &Sending, late: Late, now: Timestamp) -> bool {
    match late {
        Late::SkipAfter(limit) => free.since(sending.capped_since.unwrap_or(now)) > limit,
        Late::Send => false,
    }
}

/// The step's own `when:`, asked as late as can be.
fn refused_by_step(
    contact: &Contact,
    journey: &Journey,
    enrollment: &Enrollment,
    send: &Send,
    (facts, now): (&Facts, Timestamp),
) -> Option<Verdict> {
    let condition = send.when.as_ref()?;
    let view = View {
        contact,
        counted: &facts.counted,
        now,
    };
    let before = Enrollment {
        last: enrollment.earlier.clone(),
        ..enrollment.clone()
    };
    match ask::answer(condition, &view.on(Topic::step(journey, &before))) {
        Ok(true) => None,
        // One that fails at run time does not hold.
        Ok(false) | Err(_) => Some(Verdict::Drop(DropReason::Condition)),
    }
}

/// A mail to the store's own people: no shopper's consent is asked, but the allow-lists hold for them too.
fn to_team(catalog: &Catalog, sending: &Sending, facts: &Facts) -> Verdict {
    let Some(team) = &catalog.store.team else {
        return Verdict::Drop(DropReason::NoAddress);
    };
    if !listed(&facts.only_to, team) {
        return Verdict::Drop(DropReason::NotListed);
    }
    let message = sending.message.clone();
    Verdict::Allow(Clearance::grant(team.clone(), message, Stream::Transactional))
}

/// Whether marketing could go to the contact by their consent.
pub(super) fn may_get_marketing(region: Region, contact: &Contact, now: Timestamp) -> bool {
    let address = contact.address();
    address.is_some_and(|address| marketing_refusal(region, contact, address, now).is_none())
}

/// Why the contact does not want a mail to them, or may not be sent it; none when nothing speaks against it.
pub(super) fn unwanted(
    region: Region,
    (contact, address): (&Contact, &Address),
    (journey, send): (&Journey, &Send),
    sending: &Sending,
    now: Timestamp,
) -> Option<DropReason> {
    if stream_of(sending, send) != Stream::Marketing || send.to != Recipient::Contact {
        return None;
    }
    let topic = journey.topic_of(send);
    let refused = marketing_refusal(region, contact, address, now);
    let preferences = &contact.preferences;
    refused
        .or_else(|| preferences.is_paused(now).then_some(DropReason::Paused))
        .or_else(|| {
            let mut off = preferences.off.iter();
            off.any(|off| off.as_str() == topic)
                .then_some(DropReason::TopicOff)
        })
}

/// Why marketing may not go to this address; none when it may.
fn marketing_refusal(
    region: Region,
    contact: &Contact,
    address: &Address,
    now: Timestamp,
) -> Option<DropReason> {
    let regime = region.preset().regime;
    let bought_within = |limit: Delay| {
        let last = contact.purchases.last_at;
        last.is_some_and(|at| now.since(at) < limit)
    };
    let no = || Some(DropReason::NoConsent);
    if contact.objects_to(address) && !planted!(ConsentAskedOnce) {
        return match address.consent.state {
            ConsentState::Suppressed => Some(DropReason::Suppressed),
            ConsentState::Pending => no(),
            ConsentState::Unknown | ConsentState::Subscribed | ConsentState::Unsubscribed => {
                Some(DropReason::Unsubscribed)
            }
        };
    }
    match (address.consent.state, regime) {
        (ConsentState::Unsubscribed, _) if planted!(ConsentAskedOnce) => None,
        (ConsentState::Subscribed, _) if planted!(TickedYesIsNone) && !address.consent.is_explicit_yes() => {
            no()
        }
        (ConsentState::Unsubscribed, _) => Some(DropReason::Unsubscribed),
        (ConsentState::Suppressed, _) => Some(DropReason::Suppressed),
        (ConsentState::Pending, _) | (ConsentState::Unknown, Regime::OptIn) => no(),
        (ConsentState::Subscribed, Regime::Implied { purchase, inquiry }) => {
            if lapsed(&address.consent, inquiry, now) && !bought_within(purchase) {
                no()
            } else {
                None
            }
        }
        (ConsentState::Subscribed, Regime::OptIn | Regime::SoftOptIn | Regime::OptOut)
        | (ConsentState::Unknown, Regime::OptOut) => None,
        (ConsentState::Unknown, Regime::SoftOptIn) if contact.purchases.orders > 0 => None,
        (ConsentState::Unknown, Regime::Implied { purchase, .. }) if bought_within(purchase) => None,
        (ConsentState::Unknown, Regime::SoftOptIn | Regime::Implied { .. }) => no(),
    }
}

/// Whether a yes was only implied, and that too long ago.
pub(super) fn lapsed(consent: &Consent, inquiry: Delay, now: Timestamp) -> bool {
    // Without evidence nothing says that it was only implied.
    let signal = consent.evidence.as_ref().map(|(signal, _)| signal);
    signal.is_some_and(|signal| signal.grade == ConsentGrade::Implied && now.since(signal.at) >= inquiry)
}

/// Whether each of the lists holds the address.
fn listed(lists: &[Vec<String>], address: &EmailAddress) -> bool {
    let (email, domain) = (address.canonical(), address.domain());
    let names = |entry: &String| {
        let entry = entry.to_lowercase();
        entry == email || entry.trim_start_matches('@') == domain
    };
    lists.iter().all(|list| list.iter().any(names))
}

#[cfg(test)]
mod tests;
