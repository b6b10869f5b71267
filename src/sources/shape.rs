//! Where a source's documents say what an event wants: one table a document, and the one function that reads by it.
//!
//! Called by the sources whose documents differ in names rather than in sense. It does not know what happened: that a
//! source decides by its topic and the order's status.

use super::arrival::{self, Arrival};
use super::document::Fields;
use super::loose::Text;
use super::{Error, clean};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::event::{Event, EventKind, LineItem};
use crate::domain::identity::IdentifierKind;
use crate::domain::money::{Currency, Money};
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// Paths of a document (`document.rs`); an empty one leads nowhere.
pub struct Shape {
    pub order: &'static str,
    /// What the order must repeat to close its checkout.
    pub checkout: &'static str,
    /// A checkout that this one goes on with.
    pub resumed: &'static str,
    pub cart: &'static str,
    pub customer: &'static str,
    pub email: &'static str,
    pub first_name: &'static str,
    pub last_name: &'static str,
    /// Both names in one text: the first word is the first name.
    pub name: &'static str,
    pub locale: &'static str,
    pub country: &'static str,
    pub number: &'static str,
    /// Where it says nothing, amounts are in the store's own currency, of sources that name none.
    pub currency: &'static str,
    pub value: &'static str,
    pub url: &'static str,
    pub codes: &'static str,
    /// What else may hold the code of a referral link, or the page that it led to.
    pub referral: &'static str,
    pub lines: &'static str,
    pub line: Line,
    pub amount: Amount,
}

/// Paths of a line.
pub struct Line {
    pub title: &'static str,
    pub variant: &'static str,
    pub quantity: &'static str,
    pub price: &'static str,
    pub sku: &'static str,
    pub product: &'static str,
    pub variant_id: &'static str,
    pub image: &'static str,
    pub url: &'static str,
}

/// What an amount means.
pub type Amount = fn(&Text, Option<Currency>) -> Option<Money>;

/// The shape of a document that says nothing.
pub const BLANK: Shape = Shape {
    order: "",
    checkout: "",
    resumed: "",
    cart: "",
    customer: "",
    email: "",
    first_name: "",
    last_name: "",
    name: "",
    locale: "",
    country: "",
    number: "",
    currency: "",
    value: "",
    url: "",
    codes: "",
    referral: "",
    lines: "",
    line: BLANK_LINE,
    amount: clean::money,
};

pub const BLANK_LINE: Line = Line {
    title: "",
    variant: "",
    quantity: "",
    price: "",
    sku: "",
    product: "",
    variant_id: "",
    image: "",
    url: "",
};

impl Shape {
    /// An event that is no transition of an order; `id` is the source's own.
    pub fn event(
        &self,
        document: &Fields<'_>,
        arrival: Arrival,
        kind: EventKind,
        id: &str,
        at: Option<Timestamp>,
    ) -> Result<Event, Error> {
        let event = arrival.event(kind, &format!("{}:{id}", arrival.source), at)?;
        Ok(self.filled(document, arrival, event))
    }

    /// A transition of the document's order.
    pub fn transition(
        &self,
        document: &Fields<'_>,
        arrival: Arrival,
        kind: EventKind,
        at: Option<Timestamp>,
    ) -> Result<Event, Error> {
        let id = document.text(self.order);
        let id = id
            .nonzero()
            .ok_or_else(|| Error::unreadable("the order has no id"))?;
        let event = arrival.order_event(kind, id, at)?;
        Ok(self.filled(document, arrival, event))
    }

    /// The transitions that one document of an order tells of, in their order.
    pub fn transitions(
        &self,
        document: &Fields<'_>,
        arrival: Arrival,
        transitions: Vec<(EventKind, Option<Timestamp>)>,
    ) -> Result<Vec<Event>, Error> {
        let events = transitions.into_iter();
        events
            .map(|(kind, at)| self.transition(document, arrival, kind, at))
            .collect()
    }

    fn filled(&self, document: &Fields<'_>, arrival: Arrival, mut event: Event) -> Event {
        let line = |path: &str| document.text(path).as_deref().and_then(clean::line);
        let is_order = event.kind.order_status().is_some();
        event.email = arrival::email(&document.text(self.email));
        event.profile = self.profile(document);
        event.data.checkout_id = line(self.checkout);
        event.data.cart_id = line(self.cart);
        event.data.order_id = line(self.order).filter(|_| is_order);
        event.data.order_number = line(self.number);
        event.identifiers = arrival
            .identifiers()
            .email(event.email.as_ref())
            .own(IdentifierKind::Customer, document.text(self.customer).nonzero())
            .own(IdentifierKind::Order, event.data.order_id.as_deref())
            .own(IdentifierKind::Checkout, event.data.checkout_id.as_deref())
            .own(IdentifierKind::Checkout, document.text(self.resumed).as_deref())
            .own(IdentifierKind::Cart, event.data.cart_id.as_deref())
            .into_list();
        let named = document.text(self.currency);
        let currency = clean::currency(&named).or(arrival.currency.filter(|_| self.currency.is_empty()));
        event.data.value = (self.amount)(&document.text(self.value), currency);
        event.data.url = document.text(self.url).as_deref().and_then(clean::url);
        let codes = document.texts(self.codes);
        let codes = || codes.iter().filter_map(Text::as_deref);
        event.data.discount_codes = codes().filter_map(clean::line).collect();
        if is_order {
            let noted = document.text(self.referral);
            let noted = noted.as_deref();
            let page = noted.and_then(clean::ref_of_page);
            event.data.referral = clean::referral(codes().chain(noted).chain(page));
        }
        let lines = document.objects(self.lines);
        arrival::set_lines(
            &mut event.data,
            lines.iter().map(|line| self.item(line, currency)),
        );
        event
    }

    fn profile(&self, document: &Fields<'_>) -> Profile {
        let line = |path: &str| document.text(path).as_deref().and_then(clean::line);
        let name = line(self.name);
        let words = name
            .as_deref()
            .map(|name| name.split_once(' ').unwrap_or((name, "")));
        Profile {
            first_name: line(self.first_name).or_else(|| words.and_then(|(first, _)| clean::line(first))),
            last_name: line(self.last_name).or_else(|| words.and_then(|(_, last)| clean::line(last))),
            locale: document.text(self.locale).as_deref().and_then(clean::locale),
            country: document.text(self.country).as_deref().and_then(clean::country),
            ..Profile::default()
        }
    }

    fn item(&self, line: &Fields<'_>, currency: Option<Currency>) -> LineItem {
        let text = |path: &str| line.text(path).as_deref().and_then(clean::line);
        let id = |path: &str| line.text(path).nonzero().and_then(clean::line);
        let link = |path: &str| line.text(path).as_deref().and_then(clean::url);
        LineItem {
            title: text(self.line.title).unwrap_or_default(),
            variant: text(self.line.variant),
            quantity: clean::quantity(&line.text(self.line.quantity)),
            price: (self.amount)(&line.text(self.line.price), currency),
            sku: text(self.line.sku),
            product_id: id(self.line.product),
            variant_id: id(self.line.variant_id),
            image_url: link(self.line.image),
            url: link(self.line.url),
        }
    }
}

/// A checkout of which nothing is left to buy: it cannot start an abandoned-checkout journey, and ends one that runs by the
/// rule for emptied carts, even when the order's own delivery is late or lost.
pub fn emptied(mut event: Event) -> Event {
    event.data.items = Arc::default();
    event.data.value = event.data.value.map(|value| Money::zero(value.currency));
    event.data.url = None;
    event
}

/// What a box of the shop's says, which has no time of its own and may be a copy of an old one: ticked it is an implied yes,
/// not ticked it withdraws the yes that the same box gave.
pub fn remark(event: &Event, document: &Fields<'_>, name: &str) -> Option<ConsentSignal> {
    let state = if document.is(name, "true") {
        ConsentState::Subscribed
    } else if document.is(name, "false") {
        ConsentState::Unsubscribed
    } else {
        return None;
    };
    consent(event, state, ConsentGrade::Implied, name)
}

/// What an event says of the consent of its own address; without one it says nothing.
pub fn consent(
    event: &Event,
    state: ConsentState,
    grade: ConsentGrade,
    method: &str,
) -> Option<ConsentSignal> {
    event.email.as_ref().map(|_| ConsentSignal {
        state,
        grade,
        at: event.occurred_at,
        method: Some(method.to_owned()),
        text: None,
        ip: None,
        agent: None,
        actor: None,
    })
}
