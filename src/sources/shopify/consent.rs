//! What a Shopify payload says about marketing consent, and about whose address.
//!
//! Called by the Shopify mappings. A signal is only ever about the event's own address.

use super::wire::{Customer, MarketingConsent, Sale};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::email::EmailAddress;
use crate::domain::time::Timestamp;
use crate::sources::{arrival, clean};

/// The times that a consent without one of its own may be of.
#[derive(Clone, Copy)]
pub struct Times {
    /// When what the payload tells happened: the record of consent is as it was then.
    pub occurred_at: Timestamp,
    /// When the shopper was last asked: an order shows for ever the box as it was when it was placed.
    pub asked_at: Timestamp,
    pub now: Timestamp,
}

/// The shop's consent record of the address of an event that happened at `occurred_at`.
///
/// A consent without its own time is only implied: the record may be older than an unsubscribe that the shop does not
/// know of, and must not lift it. A withdrawal counts in full with or without a time.
pub fn recorded(record: &MarketingConsent, occurred_at: Timestamp, now: Timestamp) -> Option<ConsentSignal> {
    let own_time = arrival::rfc3339(&record.consent_updated_at);
    let (state, grade) = match record.state.as_deref()? {
        "unsubscribed" => (ConsentState::Unsubscribed, ConsentGrade::Explicit),
        "subscribed" => (ConsentState::Subscribed, grade_of(own_time)),
        "pending" => (ConsentState::Pending, grade_of(own_time)),
        // `not_subscribed`, `redacted`, `invalid`, and whatever comes: no answer of the person.
        _ => return None,
    };
    let at = own_time.unwrap_or(occurred_at).clamped_to(now);
    let method = record.opt_in_level.as_deref().and_then(clean::line);
    Some(signal(state, grade, at, method))
}

/// The consent that a checkout or order carries for its address.
///
/// The customer's record speaks only for the customer's own address; it outranks the checkbox. The checkbox
/// (`buyer_accepts_marketing`) may be a copy of an old one, so it is only implied, and unticked it says nothing.
pub fn of_sale(sale: &Sale, address: &EmailAddress, times: Times) -> Option<ConsentSignal> {
    let record = sale
        .customer
        .as_ref()
        .filter(|customer| is_own_address(customer, address))
        .and_then(|customer| customer.email_marketing_consent.as_ref())
        .filter(|record| record.state.as_deref().is_some());
    if let Some(record) = record {
        return recorded(record, times.occurred_at, times.now);
    }
    if !sale.buyer_accepts_marketing.0 {
        return None;
    }
    let client = sale.client_details.as_ref();
    let method = Some("buyer_accepts_marketing".to_owned());
    Some(ConsentSignal {
        ip: sale.browser_ip.as_deref().and_then(clean::line),
        agent: client.and_then(|client| client.user_agent.as_deref().and_then(clean::line)),
        ..signal(
            ConsentState::Subscribed,
            ConsentGrade::Implied,
            times.asked_at.clamped_to(times.now),
            method,
        )
    })
}

fn is_own_address(customer: &Customer, address: &EmailAddress) -> bool {
    arrival::email(&customer.email).is_some_and(|own| own.same_as(address))
}

fn grade_of(own_time: Option<Timestamp>) -> ConsentGrade {
    own_time.map_or(ConsentGrade::Implied, |_| ConsentGrade::Explicit)
}

fn signal(state: ConsentState, grade: ConsentGrade, at: Timestamp, method: Option<String>) -> ConsentSignal {
    ConsentSignal {
        state,
        grade,
        at,
        method,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    }
}
