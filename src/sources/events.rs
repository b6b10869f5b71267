//! Our own JSON at `/hooks/events`, signed by the Standard Webhooks specification: for any shop, app or script that has
//! no source of its own here. The format is documented in `docs/sources.md`.
//!
//! Called by the registry with a delivery as it came. Property names are those of Segment's e-commerce specification.

use super::arrival::{self, Arrival};
use super::loose::{List, Object, Text};
use super::{Error, Keys, Proof, Reading, Source, Unverified, Verified, clean};
use crate::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventKind, LineItem, Unread};
use crate::domain::identity::IdentifierKind;
use crate::domain::money::{Currency, Money};
use crate::domain::time::Timestamp;
use crate::signing::standard_webhooks;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Longest name of an event, in bytes.
pub(super) const MAX_TYPE_BYTES: usize = 100;
/// Most properties kept besides those that we know, and most bytes of their JSON.
const MAX_PROPERTIES: usize = 100;
const MAX_PROPERTIES_BYTES: usize = 16_384;
/// Deepest property kept. It travels inside calls between objects and inside rows, and what reads those stops at 128
/// levels in all (<https://docs.rs/serde_json/latest/serde_json/struct.Deserializer.html#method.disable_recursion_limit>).
const MAX_PROPERTY_DEPTH: usize = 16;
/// What is said of an amount that is none.
const AMOUNT: &str = "is no amount of money";
/// Most fields named that could not be read.
const MAX_UNREAD: usize = 20;

/// Fields of a product that an event about one product carries at its top level.
const PRODUCT_FIELDS: [&str; 9] = [
    "product_id",
    "variant_id",
    "sku",
    "name",
    "title",
    "variant",
    "price",
    "quantity",
    "image_url",
];

#[derive(Deserialize, Default)]
#[serde(default)]
struct Envelope<'a> {
    #[serde(rename = "type")]
    kind: Text,
    timestamp: Text,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Product {
    name: Text,
    title: Text,
    variant: Text,
    quantity: Text,
    price: Text,
    sku: Text,
    product_id: Text,
    variant_id: Text,
    image_url: Text,
    url: Text,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Consent {
    marketing: Text,
    method: Text,
    text: Text,
    at: Text,
    ip: Text,
}

/// What is left of `data`: each field is taken out as it is understood, the rest become properties. What is there and
/// cannot be read is noted with the reason.
pub(super) struct Fields<'a> {
    left: BTreeMap<String, &'a RawValue>,
    unread: Vec<Unread>,
}

pub(super) const SOURCE: Source = Source {
    name: "events",
    settings: &[SECRET],
    proof: "Standard Webhooks",
    verify,
    read,
    fetching: None,
    polling: None,
};

const SECRET: &str = "EVENTS_WEBHOOK_SECRET";

fn verify<'a>(delivery: Unverified<'a>, keys: &Keys<'_>) -> Result<Proof<'a>, Error> {
    let signed_with = standard_webhooks::keys(keys.secrets(SECRET)?);
    delivery.verify_standard_webhooks(SECRET, &signed_with, keys)
}

fn read(verified: &Verified<'_>, arrival: Arrival) -> Result<Reading, Error> {
    let delivered = verified
        .signed()
        .ok_or_else(|| Error::unauthorized("it is not signed by Standard Webhooks"))?;
    let envelope: Envelope<'_> = verified.json()?;
    let mut fields = Fields::parse(envelope.data)?;
    let kind = kind(&envelope.kind)?;
    // The moment of signing stands in for a missing time: it is signed, and near.
    let at = arrival::rfc3339(&envelope.timestamp);
    if at.is_none() && envelope.timestamp.as_deref().is_some() {
        fields.note("timestamp", "is no time; the moment of signing stands in for it");
    }
    let at = at.unwrap_or(delivered.sent_at);
    let id = format!("events:{}", delivered.id);
    let event = event(arrival, kind, &id, at, envelope.data, fields)?;
    Ok(Reading::Events(vec![event]))
}

/// The event that these fields of `data` tell, with an id of its own unless it is a transition of an order.
pub(super) fn event(
    arrival: Arrival,
    kind: EventKind,
    id: &str,
    at: Timestamp,
    data: Option<&RawValue>,
    mut fields: Fields<'_>,
) -> Result<Event, Error> {
    let order_id = fields.text("order_id");
    let mut event = match order_id.as_deref().filter(|_| kind.order_status().is_some()) {
        Some(order_id) => arrival.order_event(kind, order_id, Some(at))?,
        None => arrival.event(kind, id, Some(at))?,
    };
    set_person(&mut event, arrival, &mut fields, &order_id);
    set_data(&mut event, data, &mut fields);
    event.consent = consent(&event, &mut fields);
    event.unread = fields.into_properties(&mut event.data.properties);
    Ok(event)
}

/// A name that is not built in is an event of the store's own.
fn kind(name: &Text) -> Result<EventKind, Error> {
    let name = name.as_deref().and_then(clean::line).unwrap_or_default();
    if name.is_empty() || name.len() > MAX_TYPE_BYTES {
        let hint =
            format!("`type` must name the event, as \"Order Completed\", in 1 to {MAX_TYPE_BYTES} bytes");
        return Err(Error::unreadable(hint));
    }
    Ok(EventKind::from(name))
}

fn set_person(event: &mut Event, arrival: Arrival, fields: &mut Fields<'_>, order_id: &Text) {
    let address = |text: &str| EmailAddress::parse(text).ok();
    event.email = fields.read("email", address, "is no address that can be written to");
    let line = |text: Text| text.as_deref().and_then(clean::line);
    event.profile = Profile {
        first_name: line(fields.text("first_name")),
        last_name: line(fields.text("last_name")),
        locale: fields.read("locale", clean::locale, "is no language tag"),
        timezone: fields.read("timezone", clean::timezone, "is no zone of the IANA database"),
        country: fields.read("country", clean::country, "is no code of two letters"),
        ..Profile::default()
    };
    event.data.checkout_id = line(fields.text("checkout_id"));
    event.data.cart_id = line(fields.text("cart_id"));
    event.data.order_id = order_id.as_deref().and_then(clean::line);
    event.identifiers = arrival
        .identifiers()
        .email(event.email.as_ref())
        .own(IdentifierKind::Customer, fields.text("customer_id").as_deref())
        .own(IdentifierKind::Customer, fields.text("user_id").as_deref())
        .own(IdentifierKind::Order, event.data.order_id.as_deref())
        .own(IdentifierKind::Checkout, event.data.checkout_id.as_deref())
        .own(IdentifierKind::Cart, event.data.cart_id.as_deref())
        .own(IdentifierKind::Anonymous, fields.text("anonymous_id").as_deref())
        .into_list();
}

fn set_data(event: &mut Event, data: Option<&RawValue>, fields: &mut Fields<'_>) {
    event.data.order_number = fields.text("order_number").as_deref().and_then(clean::line);
    // Segment knows several sums; the first that can be read is ours, the others stay properties. An amount without a
    // currency is no money: it stays a property too.
    let code = |text: &str| Currency::parse(text).ok();
    let currency = fields.read("currency", code, "is no currency code");
    event.data.value = currency.and_then(|_| {
        ["value", "total", "revenue"]
            .into_iter()
            .find_map(|name| fields.money(name, currency))
    });
    event.data.url = fields.read("url", clean::url, "is no link for an email, or too long");
    event.data.discount_codes = fields
        .text("coupon")
        .as_deref()
        .and_then(clean::line)
        .into_iter()
        .collect();
    if event.kind.order_status().is_some() {
        // It stays a property: `ref` may be anything of the sender's own.
        let noted = fields.left.get("ref").map(|raw| Text::from_raw(raw));
        let redeemed = event.data.discount_codes.iter().map(String::as_str);
        event.data.referral = clean::referral(redeemed.chain(noted.as_ref().and_then(Text::as_deref)));
    }
    let mut products = fields.list::<Product>("products").0;
    if event.kind.is_browsing() && products.is_empty() {
        products.extend(data.and_then(|data| Object::from_raw(data).0));
        for name in PRODUCT_FIELDS {
            fields.left.remove(name);
        }
    }
    for product in &products {
        if product.price.as_deref().is_some() && currency.is_some() && product.item(currency).price.is_none()
        {
            fields.note("products.price", AMOUNT);
        }
        if !clean::is_quantity(&product.quantity) {
            fields.note("products.quantity", "is no number; it counts as one");
        }
    }
    arrival::set_lines(
        &mut event.data,
        products.iter().map(|product| product.item(currency)),
    );
}

/// The person's own act, as the sender reports it. It is about the event's address; without one it is about nobody.
fn consent(event: &Event, fields: &mut Fields<'_>) -> Option<ConsentSignal> {
    let given = fields.object::<Consent>("consent");
    event.email.as_ref()?;
    let none = Consent::default();
    let given = given.as_ref().unwrap_or(&none);
    let state = match given.marketing.as_deref() {
        _ if event.kind == EventKind::Unsubscribed => ConsentState::Unsubscribed,
        Some("subscribed") => ConsentState::Subscribed,
        Some("unsubscribed") => ConsentState::Unsubscribed,
        Some(_) => {
            fields.note("consent.marketing", "is neither `subscribed` nor `unsubscribed`");
            return None;
        }
        None => return None,
    };
    let at = arrival::rfc3339(&given.at);
    if at.is_none() && given.at.as_deref().is_some() {
        fields.note("consent.at", "is no time; that of the event stands in for it");
    }
    let line = |text: &Text| text.as_deref().and_then(clean::line);
    Some(ConsentSignal {
        state,
        grade: ConsentGrade::Explicit,
        at: at.unwrap_or(event.occurred_at).clamped_to(event.received_at),
        method: line(&given.method),
        text: line(&given.text),
        ip: line(&given.ip),
        agent: None,
        actor: None,
    })
}

impl Product {
    fn item(&self, currency: Option<Currency>) -> LineItem {
        let line = |text: &Text| text.as_deref().and_then(clean::line);
        LineItem {
            title: line(&self.name).or_else(|| line(&self.title)).unwrap_or_default(),
            variant: line(&self.variant),
            quantity: clean::quantity(&self.quantity),
            price: clean::money(&self.price, currency),
            sku: line(&self.sku),
            product_id: line(&self.product_id),
            variant_id: line(&self.variant_id),
            image_url: self.image_url.as_deref().and_then(clean::url),
            url: self.url.as_deref().and_then(clean::url),
        }
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of(left: BTreeMap<String, &'a RawValue>) -> Self {
        Self {
            left,
            unread: Vec::new(),
        }
    }

    fn parse(data: Option<&'a RawValue>) -> Result<Self, Error> {
        data.and_then(|raw| serde_json::from_str(raw.get()).ok())
            .map(Self::of)
            .ok_or_else(|| Error::unreadable("`data` must be an object"))
    }

    fn text(&mut self, name: &str) -> Text {
        let Some(raw) = self.left.remove(name) else {
            return Text::default();
        };
        let text = Text::from_raw(raw);
        // An empty text says nothing, and nothing is wrong with that.
        let says_nothing = raw.get() == "null" || raw.get().starts_with('"');
        if text.as_deref().is_none() && !says_nothing {
            self.note(name, "is neither a text nor a number");
        }
        text
    }

    /// What `read` makes of a field; noted where it makes nothing of what is there.
    fn read<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, reason: &str) -> Option<T> {
        let text = self.text(name);
        let value = text.as_deref().and_then(read);
        if value.is_none() && text.as_deref().is_some() {
            self.note(name, reason);
        }
        value
    }

    fn money(&mut self, name: &str, currency: Option<Currency>) -> Option<Money> {
        let text = self.text(name);
        let money = clean::money(&text, currency);
        if money.is_none() && text.as_deref().is_some() {
            self.note(name, AMOUNT);
        }
        money
    }

    pub(super) fn note(&mut self, field: &str, reason: &str) {
        let noted = self.unread.iter().any(|unread| unread.field == field);
        if !noted && self.unread.len() < MAX_UNREAD {
            self.unread.push(Unread {
                field: field.to_owned(),
                reason: reason.to_owned(),
            });
        }
    }

    fn object<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> Object<T> {
        self.left.remove(name).map(Object::from_raw).unwrap_or_default()
    }

    fn list<T: serde::de::DeserializeOwned>(&mut self, name: &str) -> List<T> {
        self.left.remove(name).map(List::from_raw).unwrap_or_default()
    }

    /// Keeps what is left, up to the bounds, in the order of names. What does not fit is counted. Returns what was noted.
    fn into_properties(mut self, properties: &mut BTreeMap<String, Value>) -> Vec<Unread> {
        if properties.contains_key(arrival::LEFT_OUT) {
            self.note("products", "are too many or too large");
        }
        let (mut bytes, mut left_out) = (0, 0_u64);
        for (name, raw) in std::mem::take(&mut self.left) {
            let size = name.len() + raw.get().len();
            match property(raw) {
                Some(value) if properties.len() < MAX_PROPERTIES && bytes + size <= MAX_PROPERTIES_BYTES => {
                    bytes += size;
                    properties.insert(name, value);
                }
                Some(_) | None => left_out += 1,
            }
        }
        if left_out > 0 {
            let before = properties
                .get(arrival::LEFT_OUT)
                .and_then(Value::as_u64)
                .unwrap_or(0);
            properties.insert(arrival::LEFT_OUT.to_owned(), (before + left_out).into());
            self.note(
                "properties",
                "are too many, too large or too deep, or no JSON that can be kept",
            );
        }
        self.unread
    }
}

/// A whole number that does not fit into 64 bits is an id: it stays text instead of becoming a float.
fn property(raw: &RawValue) -> Option<Value> {
    let literal = raw.get();
    let digits = literal.strip_prefix('-').unwrap_or(literal);
    if digits.bytes().all(|byte| byte.is_ascii_digit())
        && literal.parse::<i64>().is_err()
        && literal.parse::<u64>().is_err()
    {
        return Some(Value::String(literal.to_owned()));
    }
    let value = serde_json::from_str(literal).ok()?;
    within_depth(&value, MAX_PROPERTY_DEPTH).then_some(value)
}

fn within_depth(value: &Value, levels: usize) -> bool {
    let inside = |value| levels > 0 && within_depth(value, levels - 1);
    match value {
        Value::Array(elements) => levels > 0 && elements.iter().all(inside),
        Value::Object(fields) => levels > 0 && fields.values().all(inside),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}
