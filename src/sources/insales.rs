//! InSales: webhooks made by its API, in JSON. They are not signed: the address holds a token.
//!
//! Called by the registry. Source: the resources Order, Client and Webhook of <https://liquidhub.ru/collection/api>.
//! A body does not name its topic, so what it is about is told by its fields, and what happened by its states.

use super::arrival::Arrival;
use super::document::Fields;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, HOOK_TOKEN, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::event::{Event, EventKind};
use crate::domain::time::Delay;
use crate::signing;

const NAME: &str = "insales";

pub(super) const SOURCE: Source = Source {
    name: NAME,
    settings: &[HOOK_TOKEN],
    proof: "the token in the address",
    verify,
    read,
    fetching: None,
    polling: None,
};

/// A client whose two times are no further apart was just made.
const JUST_MADE: Delay = Delay::from_seconds(60);

const ORDER: Shape = Shape {
    order: "id",
    customer: "client.id",
    email: "client.email",
    first_name: "client.name",
    last_name: "client.surname",
    locale: "locale",
    country: "shipping_address.country",
    number: "number",
    currency: "currency_code",
    value: "total_price",
    codes: "discounts.code",
    referral: "cookies.ref|first_landing_page",
    lines: "order_lines",
    line: Line {
        title: "title",
        quantity: "quantity",
        price: "sale_price",
        sku: "sku",
        product: "product_id",
        variant_id: "variant_id",
        ..BLANK_LINE
    },
    ..BLANK
};

const CLIENT: Shape = Shape {
    customer: "id",
    email: "email",
    first_name: "name",
    last_name: "surname",
    locale: "locale",
    ..BLANK
};

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    delivery.verify_route_token(NAME, keys.secrets(HOOK_TOKEN)?)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let text = verified.text()?;
    if text.starts_with('<') {
        return Err(Error::unreadable(
            "it is XML; make the webhook anew with `format_type` json",
        ));
    }
    let document = Fields::parse(text)?;
    if document.has("order_lines") {
        return order(&document, arrival);
    }
    if document.has("surname") || document.has("subscribe") {
        let name = signing::content_name(&[verified.body()]);
        return client(&document, arrival, &name).map(|event| Reading::Events(vec![event]));
    }
    Ok(Reading::ignored("neither an order nor a client"))
}

/// An order is placed when it is there, paid or not: most are paid on delivery.
fn order(document: &Fields<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let now = || document.time("updated_at");
    let completed = (EventKind::OrderCompleted, document.time("created_at"));
    let transitions = match document.word("fulfillment_status").as_str() {
        "dispatched" => vec![completed, (EventKind::OrderFulfilled, now())],
        "delivered" => {
            let at = document.time("delivered_at").or_else(now);
            vec![completed, (EventKind::OrderDelivered, at)]
        }
        "declined" => vec![(EventKind::OrderCancelled, now())],
        "returned" => vec![(EventKind::OrderRefunded, now())],
        _ => vec![completed],
    };
    let events = transitions.into_iter().map(|(kind, at)| {
        ORDER
            .transition(document, arrival, kind, at)
            .map(|event| with_consent(event, &document.object("client")))
    });
    events.collect::<Result<_, _>>().map(Reading::Events)
}

fn client(document: &Fields<'_>, arrival: Arrival, name: &str) -> Result<Event, Error> {
    let (made, changed) = (document.time("created_at"), document.time("updated_at"));
    let just_made = made
        .zip(changed)
        .is_none_or(|(made, changed)| changed.since(made) <= JUST_MADE);
    let event = if just_made {
        // The webhooks of making and of changing may both tell of it.
        let id = format!("client:{}:created", document.word("id"));
        CLIENT.event(document, arrival, EventKind::SignedUp, &id, made)?
    } else {
        CLIENT.event(document, arrival, EventKind::ContactUpdated, name, changed)?
    };
    Ok(with_consent(event, document))
}

/// The client's mark has no time of its own, so it is only implied; taken away, it takes back no more than itself.
fn with_consent(mut event: Event, client: &Fields<'_>) -> Event {
    event.consent = shape::remark(&event, client, "subscribe");
    event
}
