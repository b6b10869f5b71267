//! Random histories: what happens to one person, in which order it is reported, and what becomes of each request.

use proptest::prelude::*;
use serde_json::json;
use wend::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use wend::domain::email::EmailAddress;
use wend::domain::event::{Event, EventKind, LineItem};
use wend::domain::ids::{EnrollmentId, EventId, SourceName};
use wend::domain::money::{Currency, Money};
use wend::domain::time::{Delay, Timestamp};

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Act {
    Event(Report),
    /// An earlier event is reported once more.
    Again(usize),
    /// Time passes, in minutes, and all that falls due is done.
    Pass(u32),
    /// Time passes, and nothing runs.
    Outage(u32),
    /// Another catalog is deployed, and the contact swept.
    Deploy(bool),
}

/// An event, as it will be made once it is known when.
#[derive(Debug, Clone)]
pub struct Report {
    pub pause: u32,
    pub kind: &'static str,
    /// Which checkout or order, and which address.
    pub thing: u8,
    pub email: u8,
    /// How many minutes before it is reported it happened; negative ones are in our future.
    pub late: i32,
    pub consent: Option<bool>,
    pub explicit: bool,
    pub zone: Option<&'static str>,
    pub birthday: Option<&'static str>,
    pub value: u32,
    pub test: bool,
}

/// What becomes of a request or an errand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Done,
    Refused,
    /// The provider asks for a pause.
    Later,
    /// Nobody knows for so many hours; then it turns out to be done, or not.
    Unknown(u8, bool),
    /// Nobody knows, and it goes out once more.
    Twice,
}

pub fn histories(length: usize) -> impl Strategy<Value = (Vec<Act>, Vec<Fate>)> {
    let act = prop_oneof![
        8 => report().prop_map(Act::Event),
        1 => (0_usize..6).prop_map(Act::Again),
        3 => prop::sample::select(vec![1_u32, 16, 61, 700, 1_500, 5_000, 30_000]).prop_map(Act::Pass),
        1 => prop::sample::select(vec![30_u32, 600, 3_000]).prop_map(Act::Outage),
        1 => any::<bool>().prop_map(Act::Deploy),
    ];
    let fate = prop_oneof![
        6 => Just(Fate::Done),
        1 => Just(Fate::Refused),
        1 => Just(Fate::Later),
        2 => (1_u8..30, any::<bool>()).prop_map(|(hours, done)| Fate::Unknown(hours, done)),
        1 => Just(Fate::Twice),
    ];
    (
        prop::collection::vec(act, 1..length),
        prop::collection::vec(fate, 1..6),
    )
}

fn report() -> impl Strategy<Value = Report> {
    let kinds = vec![
        "Checkout Started",
        "Checkout Started",
        "Checkout Updated",
        "Checkout Updated",
        "Order Completed",
        "Order Completed",
        "Order Fulfilled",
        "Order Delivered",
        "Order Cancelled",
        "Signed Up",
        "Signed Up",
        "Contact Updated",
        "Unsubscribed",
        "Product Viewed",
        "Product Added",
        "Email Opened",
        "Email Clicked",
        "Quiz Taken",
    ];
    let zones = vec!["Asia/Tokyo", "America/New_York", "Pacific/Apia", "Nowhere/Land"];
    let birthdays = vec!["1990-03-04", "--02-29", "2026-03-20", "no date", "2026-02-31"];
    (
        prop::sample::select(vec![0_u32, 0, 1, 20, 600]),
        prop::sample::select(kinds),
        (0_u8..3, 0_u8..2),
        prop::sample::select(vec![0_i32, 0, 0, 1, 90, 1_500, -3, -600]),
        prop::option::weighted(0.3, proptest::bool::weighted(0.7)),
        any::<bool>(),
        (
            prop::option::weighted(0.15, prop::sample::select(zones)),
            prop::option::weighted(0.2, prop::sample::select(birthdays)),
        ),
        prop::sample::select(vec![0_u32, 20, 20, 90]),
        proptest::bool::weighted(0.05),
    )
        .prop_map(
            |(pause, kind, (thing, email), late, consent, explicit, (zone, birthday), value, test)| Report {
                pause,
                kind,
                thing,
                email,
                late,
                consent,
                explicit,
                zone,
                birthday,
                value,
                test,
            },
        )
}

impl Report {
    /// The event at `now`, the `number`th of its history; `last` is the message that opens and clicks are about.
    pub fn event(&self, number: usize, now: Timestamp, last: Option<(&str, &EnrollmentId)>) -> Event {
        let minutes = |late: i32| Delay::from_minutes(i64::from(late));
        let happened = if self.late < 0 {
            now.plus(minutes(-self.late))
        } else {
            now.minus(minutes(self.late))
        };
        let kind = EventKind::from(self.kind.to_owned());
        let id = match kind.order_status() {
            Some(status) => format!("shopify:order:{}:{}", self.thing, status.as_str()),
            None => format!("shopify:{number}"),
        };
        let source = SourceName::parse("shopify").unwrap();
        let id = EventId::parse(&id).unwrap();
        let mut event = Event::new(id, kind, source, happened.clamped_to(now), now);
        event.test = self.test;
        event.email = EmailAddress::parse(&format!("ada{}@example.com", self.email)).ok();
        event.profile.timezone = self.zone.map(str::to_owned);
        if let Some(birthday) = self.birthday {
            let attributes = &mut event.profile.attributes;
            attributes.insert("birthday".to_owned(), json!(birthday));
            attributes.insert("score".to_owned(), json!(self.value));
        }
        self.fill(&mut event, last);
        let state = match (&event.kind, self.consent) {
            (EventKind::Unsubscribed, _) | (_, Some(false)) => Some(ConsentState::Unsubscribed),
            (_, Some(true)) => Some(ConsentState::Subscribed),
            (_, None) => None,
        };
        event.consent = state.map(|state| ConsentSignal {
            state,
            grade: if self.explicit {
                ConsentGrade::Explicit
            } else {
                ConsentGrade::Implied
            },
            at: event.occurred_at,
            method: None,
            text: None,
            ip: None,
            agent: None,
            actor: None,
        });
        event
    }

    fn fill(&self, event: &mut Event, last: Option<(&str, &EnrollmentId)>) {
        let data = &mut event.data;
        let checkout = self.kind.starts_with("Checkout");
        let order = self.kind.starts_with("Order");
        if checkout || self.kind == "Quiz Taken" || (order && self.value > 0) {
            data.checkout_id = Some(format!("T{}", self.thing));
        }
        if checkout && self.value == 90 || order && self.value == 0 {
            data.cart_id = Some(format!("C{}", self.thing));
        }
        if order {
            data.order_id = Some(self.thing.to_string());
        }
        if self.kind.starts_with("Email") {
            data.message_id = last.map(|(message, _)| message.to_owned());
            data.enrollment_id = last.map(|(_, run)| run.clone());
        }
        if self.value > 0 {
            let text = self.value.to_string();
            data.value = Money::parse(&text, Currency::parse("GBP").unwrap()).ok();
            data.items = vec![item("Ceramic mug", 1)].into();
        }
        if let Some(birthday) = self.birthday {
            data.properties.insert("renewal".to_owned(), json!(birthday));
        }
    }
}

pub fn item(title: &str, quantity: u32) -> LineItem {
    LineItem {
        title: title.to_owned(),
        variant: None,
        quantity,
        price: None,
        sku: None,
        product_id: None,
        variant_id: None,
        image_url: None,
        url: None,
    }
}
