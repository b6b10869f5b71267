//! What a condition can see at a trigger, an exit rule, a branch and a send: the fields of `journey::shape`, each read
//! from where it lies and only when it is asked for.

use super::state::{Contact, Counted, Enrollment, LastMail, Purchases};
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::ids::EnrollmentKey;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::definition::Journey;
use crate::journey::segment::{Moment, NEVER_DAYS};
use crate::journey::shape::Record;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every condition of a decision sees: the contact at this moment.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub contact: &'a Contact,
    pub counted: &'a Arc<Counted>,
    pub now: Timestamp,
}

/// What one condition sees.
#[derive(Clone, Copy)]
pub struct Sight<'a> {
    pub view: View<'a>,
    pub topic: Topic<'a>,
}

/// What a condition is asked about, besides the contact.
#[derive(Clone, Copy)]
pub struct Topic<'a> {
    /// Of which journey and key; none in the condition of a segment.
    about: Option<(&'a Journey, &'a EnrollmentKey)>,
    event: Seen<'a>,
    run: Option<&'a Enrollment>,
}

/// What stands for the event.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Nothing,
    Event(&'a Event),
    /// The data of the event that started or last refreshed a run.
    Data(&'a EventData),
}

/// The value of one field. A field that is absent has its kind's empty value.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    Texts(Vec<&'a str>),
    Items(&'a [LineItem]),
    /// Names and values that the store chose itself.
    Map(&'a BTreeMap<String, serde_json::Value>),
}

static EMPTY: BTreeMap<String, serde_json::Value> = BTreeMap::new();

impl<'a> View<'a> {
    pub const fn on(self, topic: Topic<'a>) -> Sight<'a> {
        Sight { view: self, topic }
    }
}

impl<'a> Topic<'a> {
    /// Of a segment: the contact alone.
    pub const CONTACT: Self = Self {
        about: None,
        event: Seen::Nothing,
        run: None,
    };

    /// Of a trigger that a time or a segment pulls: there is neither an event nor a run.
    pub const fn trigger(journey: &'a Journey, key: &'a EnrollmentKey) -> Self {
        Self {
            about: Some((journey, key)),
            ..Self::CONTACT
        }
    }

    /// Of a trigger that an event pulls: there is no run yet.
    pub const fn event(journey: &'a Journey, event: &'a Event, key: &'a EnrollmentKey) -> Self {
        Self {
            event: Seen::Event(event),
            ..Self::trigger(journey, key)
        }
    }

    /// Of an exit rule or a goal: the event that came, and the run it is about.
    pub const fn exit(journey: &'a Journey, event: &'a Event, run: &'a Enrollment) -> Self {
        Self {
            run: Some(run),
            ..Self::event(journey, event, &run.key)
        }
    }

    /// Of a step: the data of the event that started or last refreshed the run.
    pub fn step(journey: &'a Journey, run: &'a Enrollment) -> Self {
        Self {
            event: Seen::Data(&run.data),
            run: Some(run),
            ..Self::trigger(journey, &run.key)
        }
    }

    fn of_event(&self, name: &str) -> Option<Datum<'a>> {
        let (kind, test, data) = match self.event {
            Seen::Nothing => (None, false, None),
            Seen::Event(event) => (Some(&event.kind), event.test, Some(&event.data)),
            Seen::Data(data) => {
                let only = self.about.and_then(|(journey, _)| journey.trigger.on.first());
                let kind = self.run.and_then(|run| run.kind.as_ref()).or(only);
                (kind, false, Some(data))
            }
        };
        let text_of = |pick: fn(&'a EventData) -> Option<&'a String>| text(data.and_then(pick));
        let value = data.and_then(|data| data.value);
        Some(match name {
            "name" => Datum::Text(kind.map_or("", EventKind::as_str).into()),
            "value" => Datum::Double(value.map_or(0.0, |money| money.as_f64())),
            "currency" => {
                Datum::Text(value.map_or(Cow::Borrowed(""), |money| Cow::Owned(money.currency.to_string())))
            }
            "items" => Datum::Items(data.map_or(&[], |data| data.items.as_slice())),
            "checkout_id" => text_of(|data| data.checkout_id.as_ref()),
            "order_id" => text_of(|data| data.order_id.as_ref()),
            "order_number" => text_of(|data| data.order_number.as_ref()),
            "discount_codes" => texts(data.map_or(&[], |data| data.discount_codes.as_slice())),
            "url" => text_of(|data| data.url.as_ref()),
            "test" => Datum::Bool(test),
            "properties" => Datum::Map(data.map_or(&EMPTY, |data| &data.properties)),
            _ => return None,
        })
    }

    fn of_enrollment(&self, name: &str) -> Option<Datum<'a>> {
        Some(match name {
            "key" => Datum::Text(self.about.map_or("", |(_, key)| key.as_str()).into()),
            "journey" => Datum::Text(self.about.map_or("", |(journey, _)| journey.id.as_str()).into()),
            "answers" => Datum::Map(self.run.map_or(&EMPTY, |run| &run.answers)),
            _ => return None,
        })
    }
}

impl<'a> Sight<'a> {
    /// A field of one of the roots; none when the shape has no such field, which the build has ruled out.
    pub fn field(&self, record: Record, name: &str) -> Option<Datum<'a>> {
        match record {
            Record::Contact => of_contact(self.view, name),
            Record::Event if name == "asks_consent" => Some(Datum::Bool(self.asks_consent())),
            Record::Event => self.topic.of_event(name),
            Record::Enrollment => self.topic.of_enrollment(name),
            Record::Last => of_last(self.topic.run.and_then(|run| run.last.as_ref()), name),
            Record::Item => None,
        }
    }
}

impl Sight<'_> {
    /// Whether it is this very event by which somebody asked for marketing that has to be confirmed. What a source tells
    /// of that again, with every order, asks for nothing.
    fn asks_consent(&self) -> bool {
        let Seen::Event(event) = self.topic.event else {
            return false;
        };
        let consent = self.view.contact.address().map(|address| &address.consent);
        consent.is_some_and(|consent| {
            let evidence = consent.evidence.as_ref();
            consent.is_unconfirmed(self.view.now) && evidence.is_some_and(|(_, by)| *by == event.id)
        })
    }
}

/// `spend` counts the store's currency; `subscribed` and `unconfirmed` are about the address in `email`.
fn of_contact<'a>(view: View<'a>, name: &str) -> Option<Datum<'a>> {
    let contact = view.contact;
    let (profile, purchases) = (&contact.profile, &contact.purchases);
    let spend = || purchases.spend.map_or(0.0, |spend| spend.as_f64());
    Some(match name {
        "email" => {
            let email = contact.address().map(|address| address.email.as_str());
            email.map_or(Datum::Null, |email| Datum::Text(email.into()))
        }
        "first_name" => text(profile.first_name.as_ref()),
        "last_name" => text(profile.last_name.as_ref()),
        "locale" => text(profile.locale.as_ref()),
        "country" => text(profile.country.as_ref()),
        "timezone" => text(profile.timezone.as_ref()),
        "tags" => Datum::Texts(contact.tags()),
        "subscribed" => Datum::Bool(contact.is_subscribed()),
        "unconfirmed" => Datum::Bool(
            contact
                .address()
                .is_some_and(|address| address.consent.is_unconfirmed(view.now)),
        ),
        "orders" => Datum::Int(i64::from(purchases.orders)),
        "spend" => Datum::Double(spend()),
        "average_order" => Datum::Double(share(spend(), purchases.orders)),
        "average_interval" => Datum::Double(average_interval(purchases)),
        "mails" => Datum::Int(i64::from(contact.engagement.mails)),
        "referrals" => Datum::Int(i64::from(contact.referrals)),
        "segments" => Datum::Texts(contact.segments.names().map(|name| name.as_str()).collect()),
        "attributes" => Datum::Map(&profile.attributes),
        _ => {
            let since = moment(contact, Moment::of_field(name)?);
            Datum::Int(since.map_or(NEVER_DAYS, |at| days_between(at, view.now)))
        }
    })
}

/// `last.…`: the last mail of this run.
fn of_last<'a>(last: Option<&LastMail>, name: &str) -> Option<Datum<'a>> {
    let said = |pick: fn(&LastMail) -> bool| Datum::Bool(last.is_some_and(pick));
    Some(match name {
        "sent" => said(|last| last.sent),
        "opened" => said(|last| last.opened),
        "clicked" => said(|last| last.clicked),
        _ => return None,
    })
}

/// A field of one of the things in `event.items`.
pub fn of_item<'a>(item: &'a LineItem, name: &str) -> Option<Datum<'a>> {
    Some(match name {
        "title" => Datum::Text(item.title.as_str().into()),
        "quantity" => Datum::Int(i64::from(item.quantity)),
        "price" => Datum::Double(item.price.map_or(0.0, |money| money.as_f64())),
        "sku" => text(item.sku.as_ref()),
        "product_id" => text(item.product_id.as_ref()),
        "variant_id" => text(item.variant_id.as_ref()),
        _ => return None,
    })
}

/// How many of the counted events lie in the last `days`.
pub fn count(counted: &Counted, now: Timestamp, event: &str, days: i64) -> i64 {
    let times = counted.get(&EventKind::from(event.to_owned()));
    let times = times.map_or(&[][..], Vec::as_slice);
    let inside = times.iter().filter(|at| at.plus(Delay::from_days(days)) > now);
    i64::try_from(inside.count()).unwrap_or(i64::MAX)
}

/// The moment that days are counted from; none when it never came.
pub(super) fn moment(contact: &Contact, moment: Moment) -> Option<Timestamp> {
    match moment {
        Moment::LastOrder => contact.purchases.last_at,
        Moment::FirstOrder => contact.purchases.first_at,
        Moment::Signup => Some(contact.since),
        Moment::LastOpen => contact.engagement.opened_at,
        Moment::LastClick => contact.engagement.clicked_at,
        Moment::LastMail => contact.engagement.mailed_at,
    }
}

/// Whole days from one moment to another.
pub(super) const fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    to.since(from).as_millis() / Delay::from_days(1).as_millis()
}

/// Days between two orders, on average; 0 with less than two.
#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn average_interval(purchases: &Purchases) -> f64 {
    let (Some(first), Some(last)) = (purchases.first_at, purchases.last_at) else {
        return 0.0;
    };
    let days = last.since(first).as_millis() as f64 / Delay::from_days(1).as_millis() as f64;
    share(days, purchases.orders.saturating_sub(1))
}

fn share(whole: f64, parts: u32) -> f64 {
    if parts == 0 { 0.0 } else { whole / f64::from(parts) }
}

fn text(text: Option<&String>) -> Datum<'_> {
    Datum::Text(text.map_or("", String::as_str).into())
}

fn texts(texts: &[String]) -> Datum<'_> {
    Datum::Texts(texts.iter().map(String::as_str).collect())
}
