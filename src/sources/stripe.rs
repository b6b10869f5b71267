//! Stripe: webhooks of an account, for shops that sell by Checkout, Payment Links and subscriptions.
//!
//! Called by the registry. Sources: <https://docs.stripe.com/webhooks#verify-manually>,
//! <https://docs.stripe.com/api/checkout/sessions/object>, <https://docs.stripe.com/currencies#minor-units>.

use super::arrival::Arrival;
use super::document::Fields;
use super::loose::Text;
use super::shape::{self, BLANK, BLANK_LINE, Line, Shape};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::event::{Event, EventKind};
use crate::domain::money::{Currency, Money};
use crate::signing;
use rust_decimal::Decimal;

pub(super) const SOURCE: Source = Source {
    name: "stripe",
    settings: &[SECRET],
    proof: "HMAC-SHA256 of time and body, hex; at most 300 s from our clock",
    verify,
    read,
    fetching: None,
    polling: None,
};

const SECRET: &str = "STRIPE_WEBHOOK_SECRET";

/// How old, or how far in our future, a delivery may be: Stripe's own libraries look at the age only.
const TOLERANCE_SECONDS: u64 = 300;

/// The shopper came to the end of the session.
const COMPLETED: &str = "checkout.session.completed";

/// A Checkout Session, which is the checkout and, once paid, the order.
const SESSION: Shape = Shape {
    order: "payment_intent|invoice|id",
    checkout: "id",
    resumed: "recovered_from",
    // Not `client_reference_id`, which a shop may fill with anything: one that all share would join strangers.
    cart: "metadata.cart_id",
    customer: "customer",
    email: "customer_details.email|customer_email",
    name: "customer_details.name",
    locale: "locale",
    country: "customer_details.address.country",
    currency: "currency",
    value: "amount_total",
    url: "after_expiration.recovery.url|url",
    referral: "metadata.ref",
    lines: "line_items.data",
    line: LINE,
    amount,
    ..BLANK
};

/// The session that a recovered one goes on with.
const RESUMED: Shape = Shape {
    checkout: "recovered_from",
    resumed: "id",
    ..SESSION
};

/// The invoice of a subscription, which is an order of its own each time. The first may come before the session that made
/// it, so what the session's metadata says of the referral is looked for in the subscription's too.
const INVOICE: Shape = Shape {
    order: "id",
    customer: "customer",
    email: "customer_email",
    name: "customer_name",
    country: "customer_address.country",
    number: "number",
    currency: "currency",
    value: "amount_paid",
    url: "hosted_invoice_url",
    referral: "parent.subscription_details.metadata.ref|subscription_details.metadata.ref",
    lines: "lines.data",
    line: LINE,
    amount,
    ..BLANK
};

/// A line has no price of one: its amount is that of all.
const LINE: Line = Line {
    title: "description",
    quantity: "quantity",
    price: "price.unit_amount",
    product: "price.product",
    variant_id: "price.id",
    ..BLANK_LINE
};

const CHARGE: Shape = Shape {
    order: "payment_intent|id",
    customer: "customer",
    email: "billing_details.email|receipt_email",
    currency: "currency",
    value: "amount_refunded",
    amount,
    ..BLANK
};

const CUSTOMER: Shape = Shape {
    customer: "id",
    email: "email",
    name: "name",
    locale: "preferred_locales",
    country: "address.country",
    ..BLANK
};

/// The key is the whole `whsec_…` text, not what it decodes to.
fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let secrets = keys.values(SECRET)?;
    let header = delivery.header(&["Stripe-Signature"])?;
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let signed_at = parts().find(|(name, _)| *name == "t").map(|(_, at)| at);
    let signed_at = signed_at.ok_or_else(|| Error::unauthorized("`Stripe-Signature` has no `t`"))?;
    let near = signing::unix_seconds(signed_at)
        .is_some_and(|at| at.abs_diff(keys.now.as_seconds()) <= TOLERANCE_SECONDS);
    if !near {
        let hint = format!("it was signed more than {TOLERANCE_SECONDS} s away from our clock");
        return Err(Error::unauthorized(hint));
    }
    let message = delivery.after(&format!("{signed_at}."));
    let holds = parts()
        .filter(|(name, _)| *name == "v1")
        .any(|(_, given)| signing::hmac_sha256_hex_matches(&secrets, &message, given));
    delivery.genuine_if(holds)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let document = Fields::parse(verified.text()?)?;
    let topic = document.word("type");
    let object = document.object("data.object");
    let told = Told {
        arrival,
        topic: &topic,
        document: &document,
        object: &object,
    };
    let event = match topic.as_str() {
        // It keeps a card for later and sells nothing.
        _ if object.word("mode") == "setup" => return Ok(Reading::of_status("setup")),
        COMPLETED if object.word("payment_status") == "unpaid" => {
            return told.closed().map(Reading::Events);
        }
        COMPLETED | "checkout.session.async_payment_succeeded" => {
            return told.bought().map(Reading::Events);
        }
        "checkout.session.expired" => told.checkout(EventKind::CheckoutStarted)?,
        "checkout.session.async_payment_failed" => told.checkout(EventKind::CheckoutUpdated)?,
        "invoice.paid" if object.word("billing_reason").starts_with("subscription") => {
            told.order(&INVOICE, EventKind::OrderCompleted)?
        }
        "charge.refunded" if object.is("refunded", "true") => {
            told.order(&CHARGE, EventKind::OrderRefunded)?
        }
        "customer.created" => told.of(&CUSTOMER, EventKind::SignedUp)?,
        "customer.updated" => told.of(&CUSTOMER, EventKind::ContactUpdated)?,
        _ => return Ok(Reading::ignored(&topic)),
    };
    Ok(Reading::Events(vec![event]))
}

/// A delivery with the object it is about.
struct Told<'a> {
    arrival: Arrival,
    topic: &'a str,
    document: &'a Fields<'a>,
    object: &'a Fields<'a>,
}

impl Told<'_> {
    fn of(&self, shape: &Shape, kind: EventKind) -> Result<Event, Error> {
        let id = self.document.text("id");
        let id = id
            .as_deref()
            .ok_or_else(|| Error::unreadable("the event has no `id`"))?;
        let at = self.document.time("created");
        let event = shape.event(self.object, self.arrival, kind, id, at)?;
        Ok(self.marked(event))
    }

    fn order(&self, shape: &Shape, kind: EventKind) -> Result<Event, Error> {
        let at = self.document.time("created");
        let event = shape.transition(self.object, self.arrival, kind, at)?;
        Ok(self.marked(event))
    }

    fn checkout(&self, kind: EventKind) -> Result<Event, Error> {
        let mut event = self.of(&SESSION, kind)?;
        event.consent = self.consent(&event);
        Ok(event)
    }

    /// The sessions that are left by nobody: this one, and the one it goes on with. A journey knows its checkout by one id,
    /// so each is told of by itself.
    fn closed(&self) -> Result<Vec<Event>, Error> {
        let mut events = vec![self.checkout(EventKind::CheckoutUpdated)?];
        if self.object.text("recovered_from").as_deref().is_some() {
            let id = format!("{}:recovered_from", self.document.word("id"));
            let event = RESUMED.event(
                self.object,
                self.arrival,
                EventKind::CheckoutUpdated,
                &id,
                self.document.time("created"),
            )?;
            events.push(self.marked(event));
        }
        Ok(events.into_iter().map(shape::emptied).collect())
    }

    fn bought(&self) -> Result<Vec<Event>, Error> {
        let mut order = self.order(&SESSION, EventKind::OrderCompleted)?;
        // The page to pay at is closed.
        order.data.url = None;
        if self.object.word("mode") != "subscription" {
            order.consent = self.consent(&order);
            return Ok(vec![order]);
        }
        // Its order is the first invoice's too, and of two that tell of one order the second counts for nothing: what only
        // the session says is told apart from it.
        let mut events = vec![order];
        events.extend(self.closed()?);
        Ok(events)
    }

    fn marked(&self, mut event: Event) -> Event {
        event.test = self.document.is("livemode", "false");
        event
    }

    /// The box that the session showed; `opt_out` is what Stripe writes of one that was shown and is not ticked. It has no
    /// time of its own, and the session is told of for days: it counts from when the session was made, so that nothing
    /// said since is undone. Only who completed the session has said yes in so many words.
    fn consent(&self, event: &Event) -> Option<ConsentSignal> {
        let state = match self.object.word("consent.promotions").as_str() {
            "opt_in" => ConsentState::Subscribed,
            "opt_out" => ConsentState::Unsubscribed,
            _ => return None,
        };
        let grade = match state {
            ConsentState::Subscribed if self.topic != COMPLETED => ConsentGrade::Implied,
            ConsentState::Unknown
            | ConsentState::Pending
            | ConsentState::Subscribed
            | ConsentState::Unsubscribed
            | ConsentState::Suppressed => ConsentGrade::Explicit,
        };
        let made = self.object.time("created").unwrap_or(event.occurred_at);
        let signal = shape::consent(event, state, grade, self.topic)?;
        Some(ConsentSignal {
            at: made.min(event.occurred_at),
            ..signal
        })
    }
}

/// A whole number of the currency's smallest unit, as Stripe counts it.
fn amount(text: &Text, currency: Option<Currency>) -> Option<Money> {
    let currency = currency?;
    let units: i128 = text.as_deref()?.parse().ok()?;
    // Two decimals although the currency has none: kept by Stripe for old callers.
    let decimals = match currency.as_str() {
        "ISK" | "UGX" => 2,
        "MGA" => 0,
        _ => currency.decimals(),
    };
    let amount = Decimal::try_from_i128_with_scale(units, decimals).ok()?;
    Some(Money { amount, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_in_the_smallest_unit_as_stripe_counts_it() {
        for (literal, code, shown) in [
            ("4500", "eur", Some("45.00")),
            ("5000", "jpy", Some("5000")),
            ("12345", "kwd", Some("12.345")),
            ("500", "ugx", Some("5.00")),
            ("500", "mga", Some("500")),
            ("9007199254740993", "usd", Some("90071992547409.93")),
            ("0", "usd", Some("0.00")),
            ("45.5", "usd", None),
            ("null", "usd", None),
            ("\"99999999999999999999999999999999999999\"", "usd", None),
        ] {
            let text = serde_json::from_str(literal).unwrap();
            let money = amount(&text, Currency::parse(code).ok());
            assert_eq!(
                money.map(|money| money.amount.to_string()).as_deref(),
                shown,
                "{literal} {code}"
            );
        }
    }
}
