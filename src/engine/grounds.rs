//! Why a marketing mail reaches its reader, by what is known of them: a customer who never subscribed is not told that they did.
//!
//! Called when a mail is composed, and when it is shown again. Whether it may go at all is the gate's to say.

use super::guard::lapsed;
use super::state::{Address, Contact};
use crate::domain::consent::{Consent, ConsentState};
use crate::domain::event::EventData;
use crate::domain::grounds::Grounds;
use crate::domain::message::Stream;
use crate::domain::time::Timestamp;
use crate::journey::region::{Regime, Region};

/// On what a mail of `stream` about `data` rests that goes to this address of the contact.
pub fn grounds(
    region: Region,
    (contact, address): (&Contact, Option<&Address>),
    (stream, data): (Stream, &EventData),
    now: Timestamp,
) -> Grounds {
    let (Stream::Marketing, Some(Address { consent, .. })) = (stream, address) else {
        return Grounds::Unsaid;
    };
    match consent.state {
        ConsentState::Subscribed if is_yes(region, consent, now) => Grounds::Subscribed,
        ConsentState::Subscribed | ConsentState::Unknown => {
            if contact.purchases.orders > 0 {
                Grounds::Bought
            } else if data.checkout_id.is_some() {
                Grounds::BeganOrder
            } else {
                Grounds::Unsaid
            }
        }
        // A mail shown again to somebody who has left since.
        ConsentState::Pending | ConsentState::Unsubscribed | ConsentState::Suppressed => Grounds::Unsaid,
    }
}

/// An implied yes that has lapsed is none, though an order may still permit the mail.
fn is_yes(region: Region, consent: &Consent, now: Timestamp) -> bool {
    match region.preset().regime {
        Regime::Implied { inquiry, .. } => !lapsed(consent, inquiry, now),
        Regime::OptIn | Regime::SoftOptIn | Regime::OptOut => true,
    }
}

#[cfg(test)]
mod tests;
