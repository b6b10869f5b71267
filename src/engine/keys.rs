//! What a run is about, and which runs an event is about.
//!
//! Called wherever an event meets runs: starts, waits, exits, goals. Ids of a source mean nothing elsewhere, so keys bear
//! the source's name.

use super::decide::Turn;
use super::state::Enrollment;
use crate::domain::event::{Event, EventData, LineItem};
use crate::domain::ids::{ContactId, EnrollmentKey};
use crate::journey::definition::{Journey, Key};
use std::borrow::Cow;
use std::sync::Arc;

/// Most products of one event that get a run of their own.
pub(super) const MAX_PRODUCTS: usize = 20;

/// The keys of the one thing that an event is about, as each kind of journey sees it. Made once in a decision: the
/// rules of all its runs ask for them.
pub(super) struct Named {
    contact: Option<EnrollmentKey>,
    checkout: Option<EnrollmentKey>,
    order: Option<EnrollmentKey>,
    /// Checkout and cart.
    carts: Vec<EnrollmentKey>,
}

impl Named {
    pub fn by(event: &Event, contact: &ContactId) -> Self {
        let scoped = |id: &Option<String>| id.as_deref().and_then(|id| scoped_key(event, id));
        let (checkout, cart) = (scoped(&event.data.checkout_id), scoped(&event.data.cart_id));
        Self {
            contact: EnrollmentKey::parse(contact.as_str()).ok(),
            order: scoped(&event.data.order_id),
            carts: checkout.iter().cloned().chain(cart).collect(),
            checkout,
        }
    }
}

/// The keys under which an event starts runs: one, or for products one each.
pub(super) fn keys_of(turn: &Turn<'_>, key: Key, event: &Event) -> Vec<EnrollmentKey> {
    match key {
        Key::Contact => turn.named(event).contact.iter().cloned().collect(),
        Key::Checkout => turn.named(event).checkout.iter().cloned().collect(),
        Key::Order => turn.named(event).order.iter().cloned().collect(),
        Key::Product => {
            let mut keys: Vec<EnrollmentKey> = Vec::new();
            for key in event
                .data
                .items
                .iter()
                .filter_map(|line| scoped_key(event, line.product_id.as_deref()?))
            {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            keys
        }
    }
}

/// The event as a run of this key sees it: of several products its own, and what that one cost.
pub(super) fn about<'e>(key: Key, of: &EnrollmentKey, event: &'e Event) -> Cow<'e, Event> {
    match key {
        Key::Product if event.data.items.len() > 1 => {
            let id = of.as_str().split_once(':').map(|(_, id)| id);
            let items = event.data.items.iter();
            let own: Vec<LineItem> = items
                .filter(|line| line.product_id.as_deref() == id)
                .cloned()
                .collect();
            let prices = own.iter().map(|line| Some(line.price?.times(line.quantity)));
            let mut event = event.clone();
            event.data.value = prices.reduce(|sum, price| Some(sum?.plus(price?))).flatten();
            event.data.items = Arc::new(own);
            Cow::Owned(event)
        }
        Key::Contact | Key::Checkout | Key::Order | Key::Product => Cow::Borrowed(event),
    }
}

/// What a run keeps of the event that [`about`] gave it.
pub(super) fn data_for(turn: &mut Turn<'_>, key: Key, event: &Event) -> Arc<EventData> {
    match key {
        // Each run's own.
        Key::Product => Arc::new(event.data.clone()),
        Key::Contact | Key::Checkout | Key::Order => turn.data_of(event),
    }
}

/// Whether an event is about what a run of the journey is about. Every run of a journey about the contact is about all
/// that the contact does, also one that a date started and that bears its name.
pub(super) fn concerns(turn: &Turn<'_>, journey: &Journey, key: &EnrollmentKey, event: &Event) -> bool {
    match journey.trigger.key {
        Key::Contact => true,
        // An order of five products is about each of them.
        Key::Product => names_product(event, key),
        Key::Checkout => turn.named(event).checkout.as_ref() == Some(key),
        Key::Order => turn.named(event).order.as_ref() == Some(key),
    }
}

/// Whether an event can have started or refreshed a run of this key, by what it names.
pub(super) fn is_of(key: Key, of: &EnrollmentKey, contact: &ContactId, event: &Event) -> bool {
    let named = Named::by(event, contact);
    match key {
        Key::Contact => true,
        Key::Checkout => named.checkout.as_ref() == Some(of),
        Key::Order => named.order.as_ref() == Some(of),
        Key::Product => names_product(event, of),
    }
}

fn names_product(event: &Event, key: &EnrollmentKey) -> bool {
    event.data.items.iter().any(|line| {
        let id = line.product_id.as_deref();
        id.and_then(|id| scoped_key(event, id)).as_ref() == Some(key)
    })
}

/// This checkout's own token and cart always; and every cart that is older than the event.
pub(super) fn concerns_checkout(turn: &Turn<'_>, enrollment: &Enrollment, event: &Event) -> bool {
    let is_older = enrollment.data_at <= event.occurred_at && !planted!(OlderCartStays);
    is_older || is_about(enrollment, &turn.named(event).carts)
}

/// Whether an enrollment for a checkout is about one of these: by its own key, or by the cart of its checkout, since an
/// order may name only that.
pub(super) fn is_about(enrollment: &Enrollment, keys: &[EnrollmentKey]) -> bool {
    let cart = || {
        let (source, _) = enrollment.key.as_str().split_once(':')?;
        let cart = enrollment.data.cart_id.as_deref()?;
        EnrollmentKey::parse(&format!("{source}:{cart}")).ok()
    };
    keys.contains(&enrollment.key) || cart().is_some_and(|cart| keys.contains(&cart))
}

/// Enrollment keys of the checkout and cart that an event names.
pub fn checkout_keys(event: &Event) -> Vec<EnrollmentKey> {
    [&event.data.checkout_id, &event.data.cart_id]
        .into_iter()
        .flatten()
        .filter_map(|token| scoped_key(event, token))
        .collect()
}

fn scoped_key(event: &Event, token: &str) -> Option<EnrollmentKey> {
    EnrollmentKey::parse(&format!("{}:{token}", event.source)).ok()
}
