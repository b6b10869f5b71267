//! The gate every message passes in the turn that claims it: consent, suppression, checkout, lateness, allow-list.
//!
//! Exit rules need no look here: an event that meets one ends the enrollment, and with it the message, in its own turn.
//! One that failed at run time left a doubt, and holds the mail.
//! Called by the delivery loop; the only maker of a [`Clearance`].

use super::enroll::leaves_when_bought;
use super::state::{Address, Contact, Enrollment, Sending};
use crate::domain::clearance::Clearance;
use crate::domain::consent::ConsentState;
use crate::domain::message::{DropReason, Stream};
use crate::domain::time::{Delay, Timestamp};
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Late, StepKind};
use crate::journey::store_file::Region;

/// How long a cart mail waits when it cannot be told whether the cart was bought.
pub const UNREADABLE_CHECKOUT_PAUSE: Delay = Delay::from_minutes(1);

/// How long a mail waits for an exit rule that failed to be decided after all; then it is dropped.
pub const UNDECIDED_EXIT_PAUSE: Delay = Delay::from_hours(6);

/// The gate's verdict. Each no is stored with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Allow(Clearance),
    Defer { until: Timestamp, reason: DeferReason },
    Drop(DropReason),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeferReason {
    CheckoutUnreadable,
    /// An exit rule failed at run time: the contact may have left the journey.
    ExitUndecided,
}

impl DeferReason {
    pub const ALL: [Self; 2] = [Self::CheckoutUnreadable, Self::ExitUndecided];

    /// The word stored with the message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CheckoutUnreadable => "checkout_unreadable",
            Self::ExitUndecided => "exit_undecided",
        }
    }

    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::CheckoutUnreadable => "it could not be told whether the cart was bought",
            Self::ExitUndecided => "a condition of an exit failed, so it waits until that is decided",
        }
    }
}

/// What the gate must know besides the contact.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The address is on the suppression list.
    pub suppressed: bool,
    pub checkout: CheckoutFact,
    /// `SEND_ONLY_TO`, when set: the only addresses or domains that mail may go to.
    pub send_only_to: Option<Vec<String>>,
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
    let Some(address) = contact.address() else {
        return Verdict::Drop(DropReason::NoAddress);
    };
    if facts.suppressed || address.consent.state == ConsentState::Suppressed {
        return Verdict::Drop(DropReason::Suppressed);
    }
    let journey = catalog.journey(&enrollment.journey);
    let Some(step) = journey.and_then(|journey| journey.resolve(&enrollment.step)) else {
        return Verdict::Drop(DropReason::Exited);
    };
    let StepKind::Send(send) = &step.kind else {
        return Verdict::Drop(DropReason::Exited);
    };
    if sending.stream == Stream::Marketing
        && let Some(reason) = marketing_refusal(catalog.store.region, contact, address)
    {
        return Verdict::Drop(reason);
    }
    if journey.is_some_and(leaves_when_bought) {
        match facts.checkout {
            CheckoutFact::Open => {}
            CheckoutFact::Closed => return Verdict::Drop(DropReason::CheckoutClosed),
            CheckoutFact::Unreadable => {
                let until = now.plus(UNREADABLE_CHECKOUT_PAUSE);
                return Verdict::Defer {
                    until,
                    reason: DeferReason::CheckoutUnreadable,
                };
            }
        }
    }
    if let Some(doubt) = &enrollment.doubt {
        let until = doubt.at.max(sending.first_due).plus(UNDECIDED_EXIT_PAUSE);
        if now >= until {
            return Verdict::Drop(DropReason::Undecided);
        }
        return Verdict::Defer {
            until,
            reason: DeferReason::ExitUndecided,
        };
    }
    if let Late::SkipAfter(limit) = send.late
        && now.since(sending.first_due) > limit
    {
        return Verdict::Drop(DropReason::TooLate);
    }
    if !listed(facts.send_only_to.as_deref(), address) {
        return Verdict::Drop(DropReason::NotListed);
    }
    Verdict::Allow(Clearance::grant(
        address.email.clone(),
        sending.message.clone(),
        sending.stream,
    ))
}

/// Why marketing may not go to this address; none when it may.
fn marketing_refusal(region: Region, contact: &Contact, address: &Address) -> Option<DropReason> {
    match (address.consent.state, region) {
        (ConsentState::Subscribed, _) => None,
        (ConsentState::Unsubscribed, _) => Some(DropReason::Unsubscribed),
        (ConsentState::Suppressed, _) => Some(DropReason::Suppressed),
        (ConsentState::Unknown, Region::OptOut) => None,
        (ConsentState::Unknown, Region::SoftOptIn) if contact.purchases.orders > 0 => None,
        (ConsentState::Pending, _) | (ConsentState::Unknown, Region::Strict | Region::SoftOptIn) => {
            Some(DropReason::NoConsent)
        }
    }
}

fn listed(allowed: Option<&[String]>, address: &Address) -> bool {
    let Some(allowed) = allowed else { return true };
    let (email, domain) = (address.email.canonical(), address.email.domain());
    allowed.iter().any(|entry| {
        let entry = entry.to_lowercase();
        entry == email || entry.trim_start_matches('@') == domain
    })
}

#[cfg(test)]
mod tests;
