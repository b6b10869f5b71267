//! What the public key may say. It stands in a page, so anybody may send anything with it, about anybody.
//!
//! Called by [`super::read`]. So an event of a page goes by its browser's own id alone, tells what was looked at and put
//! into a cart, by the ids of the catalogue, and brings no word and no link of the sender's into a mail. What is not named
//! here is not taken over.

use super::Kind;
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::identity::{Identifier, IdentifierKind};
use std::sync::Arc;

/// Shortest id of a browser: a shorter one could be somebody else's, found by trying.
const MIN_VISITOR_BYTES: usize = 16;
/// Longest id of a product. Shops' own are numbers, or short words in capitals.
const MAX_ID_BYTES: usize = 64;

/// What it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    #[error("who somebody is, only the store's own server may say, by SEGMENT_WRITE_KEY")]
    Identity,
    #[error(
        "of the built-in events it knows Product Viewed, Product Added, Checkout Started and Checkout Updated"
    )]
    Event,
    #[error("`anonymousId` must be one that nobody can guess, of {MIN_VISITOR_BYTES} characters or more")]
    Guessable,
}

/// Whether a call of this kind and name is for browsers at all.
pub fn allow(kind: Kind, name: &EventKind) -> Result<(), Forbidden> {
    match kind {
        Kind::Identify | Kind::Alias | Kind::Group => return Err(Forbidden::Identity),
        // Nobody's word but that they were there.
        Kind::Page | Kind::Screen => return Ok(()),
        Kind::Track => {}
    }
    match name {
        EventKind::ProductViewed
        | EventKind::ProductAdded
        | EventKind::CheckoutStarted
        | EventKind::CheckoutUpdated => Ok(()),
        EventKind::SignedUp
        | EventKind::ContactUpdated
        | EventKind::Unsubscribed
        | EventKind::OrderCompleted
        | EventKind::OrderFulfilled
        | EventKind::OrderDelivered
        | EventKind::OrderCancelled
        | EventKind::OrderRefunded
        | EventKind::EmailOpened
        | EventKind::EmailClicked
        | EventKind::EmailBounced
        | EventKind::EmailComplained
        | EventKind::JourneyRequested
        | EventKind::ReferralCredited
        | EventKind::PreferencesUpdated
        | EventKind::ConsentConfirmed
        | EventKind::QuestionAnswered
        | EventKind::QuestionCommented
        | EventKind::GiftRevealed
        | EventKind::Custom(_) => Err(Forbidden::Event),
    }
}

/// The event with no more than a page may tell. Checkouts and carts stay names of runs, but lead to nobody: their ids may
/// be numbers that can be counted through.
pub fn only_what_it_may(event: Event, origins: &[String]) -> Result<Event, Forbidden> {
    let is_visitor = |identifier: &Identifier| identifier.kind == IdentifierKind::Anonymous;
    let visitors: Vec<Identifier> = event
        .identifiers
        .iter()
        .filter(|id| is_visitor(id))
        .cloned()
        .collect();
    if visitors
        .iter()
        .any(|visitor| visitor.value.len() < MIN_VISITOR_BYTES)
    {
        return Err(Forbidden::Guessable);
    }
    let own = |url: Option<&String>| url.filter(|url| is_on_own_page(url, origins)).cloned();
    let items = event.data.items.iter().map(|item| LineItem {
        url: own(item.url.as_ref()),
        ..by_ids(item)
    });
    let data = EventData {
        checkout_id: event.data.checkout_id.clone(),
        cart_id: event.data.cart_id.clone(),
        value: event.data.value,
        items: Arc::new(items.collect()),
        url: own(event.data.url.as_ref()),
        ..EventData::default()
    };
    let bare = Event::new(
        event.id,
        event.kind,
        event.source,
        event.occurred_at,
        event.received_at,
    );
    Ok(Event {
        identifiers: visitors,
        data,
        ..bare
    })
}

/// A line that says which product it is; what that is called, the catalogue says.
fn by_ids(item: &LineItem) -> LineItem {
    let id = |id: &Option<String>| id.clone().filter(|id| is_catalogue_id(id));
    LineItem {
        title: String::new(),
        variant: None,
        quantity: item.quantity,
        price: item.price,
        sku: id(&item.sku),
        product_id: id(&item.product_id),
        variant_id: id(&item.variant_id),
        image_url: None,
        url: None,
    }
}

/// Nothing that a mail program would show as a link or as words.
fn is_catalogue_id(id: &str) -> bool {
    id.len() <= MAX_ID_BYTES
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_on_own_page(url: &str, origins: &[String]) -> bool {
    // What follows the origin begins the path, or it would be another host: `https://shop.example.evil`.
    let rest = |own: &String| {
        url.get(..own.len())
            .filter(|start| start.eq_ignore_ascii_case(own))
            .and(url.get(own.len()..))
    };
    origins
        .iter()
        .filter_map(rest)
        .any(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}
