//! What the tests of `store` stand on: fresh databases and one example of everything stored, with every field set.

use super::Error;
use super::migrate::{SHARD, STORE, migrate};
use super::rusqlite::Sqlite;
use super::sql::Sql;
use crate::domain::consent::{Consent, ConsentGrade, ConsentSignal, ConsentState};
use crate::domain::contact::Profile;
use crate::domain::delivery_event::DeliveryKind;
use crate::domain::delivery_state::Actor;
use crate::domain::email::EmailAddress;
use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::{
    ContactId, EmailName, EnrollmentId, EnrollmentKey, EventId, IdentifierHash, JourneyId, MessageId,
    OrderKey, SegmentName, SourceName, StepId,
};
use crate::domain::message::{HeldCoupon, Lane, Message, MessageState, Stream};
use crate::domain::money::{Currency, Money};
use crate::domain::order::{Order, OrderStatus};
use crate::domain::referral::ReferralCode;
use crate::domain::time::Timestamp;
use crate::engine::address_health::AddressHealth;
use crate::engine::state::{
    Address, Asking, Contact, EndReason, Ended, Engagement, Enrollment, LastMail, Mailed, Position,
    Purchases, Sending, Standing, Standings,
};
use std::collections::BTreeMap;

pub fn shard() -> Sqlite {
    let sql = Sqlite::in_memory().unwrap();
    migrate(&sql, &SHARD).unwrap();
    sql
}

pub fn store() -> Sqlite {
    let sql = Sqlite::in_memory().unwrap();
    migrate(&sql, &STORE).unwrap();
    sql
}

impl Sqlite {
    /// Table rows that `work` writes; it must succeed.
    pub fn written_by<T>(&self, work: impl FnOnce(&dyn Sql) -> Result<T, Error>) -> u64 {
        let before = self.rows_written();
        work(self).unwrap();
        self.rows_written() - before
    }
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

/// The contact whose id repeats two hex digits.
pub fn contact_id(digits: &str) -> ContactId {
    ContactId::parse(&digits.repeat(16)).unwrap()
}

pub fn hash(digits: &str) -> IdentifierHash {
    IdentifierHash::parse(&digits.repeat(16)).unwrap()
}

pub fn journey() -> JourneyId {
    JourneyId::parse("abandoned-checkout").unwrap()
}

pub fn money() -> Money {
    Money::parse("57.50", Currency::parse("EUR").unwrap()).unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

pub fn line_item() -> LineItem {
    LineItem {
        title: "Tea, 'first flush'".to_owned(),
        variant: some("100 g"),
        quantity: 2,
        price: Some(money()),
        sku: some("T-1"),
        product_id: some("900719925474099312"),
        variant_id: some("12"),
        image_url: some("https://shop.example/t.jpg"),
        url: some("https://shop.example/t"),
    }
}

pub fn event_data() -> EventData {
    EventData {
        checkout_id: some("c-1"),
        cart_id: some("k-1"),
        order_id: some("6120"),
        order_number: some("#1042"),
        value: Some(money()),
        items: vec![line_item()].into(),
        url: some("https://shop.example/c/1"),
        discount_codes: vec!["TEA".to_owned()],
        referral: Some(ReferralCode::of(&contact_id("9d"))),
        message_id: some("8c7f"),
        enrollment_id: None,
        properties: BTreeMap::from([("gift".to_owned(), serde_json::json!(true))]),
    }
}

pub fn profile() -> Profile {
    Profile {
        first_name: some("Nadia"),
        last_name: some("Okafor"),
        locale: some("en-GB"),
        timezone: some("Europe/Warsaw"),
        country: some("PL"),
        tags: Some(vec!["vip".to_owned()]),
        attributes: BTreeMap::from([("size".to_owned(), serde_json::json!("M"))]),
    }
}

pub fn consent_signal() -> ConsentSignal {
    ConsentSignal {
        state: ConsentState::Subscribed,
        grade: ConsentGrade::Explicit,
        at: at(1),
        method: some("footer-form"),
        text: some("v3"),
        ip: some("192.0.2.1"),
        agent: some("Firefox"),
        actor: some("person"),
    }
}

pub fn email() -> EmailAddress {
    EmailAddress::parse("Nadia@Example.com").unwrap()
}

pub fn identifier() -> Identifier {
    let source = SourceName::parse("shopify").unwrap();
    Identifier::of_source(IdentifierKind::Checkout, &source, "c-1").unwrap()
}

/// An event with every field set.
pub fn event(id: &str) -> Event {
    Event {
        id: EventId::parse(id).unwrap(),
        kind: EventKind::CheckoutStarted,
        source: SourceName::parse("shopify").unwrap(),
        occurred_at: at(0),
        starts_at: None,
        received_at: at(2),
        test: true,
        imported: None,
        polled: false,
        identifiers: vec![Identifier::email(&email()), identifier()],
        email: Some(email()),
        profile: profile(),
        consent: Some(consent_signal()),
        preferences: None,
        data: event_data(),
        unread: Vec::new(),
    }
}

pub fn message_id(contact: &ContactId, digits: &str) -> MessageId {
    let prefix = &contact.as_str()[..MessageId::CONTACT_BITS];
    MessageId::parse(&format!("{prefix}{}", digits.repeat(12))).unwrap()
}

/// An intent, for the contact.
pub fn message(contact: &ContactId, digits: &str) -> Message {
    Message {
        id: message_id(contact, digits),
        journey: journey(),
        enrollment: EnrollmentId::from_digest("e1"),
        step: StepId::parse("checkout-nudge").unwrap(),
        email: EmailName::parse("checkout-nudge").unwrap(),
        variant: "b".to_owned(),
        stream: Stream::Marketing,
        lane: Lane::Cart,
        state: MessageState::Intended,
        attempt: 0,
        due_at: at(3600),
        reason: None,
        provider: None,
        provider_id: None,
        settled_at: None,
    }
}

pub fn order(key: &str, placed: i64) -> Order {
    Order {
        key: OrderKey::parse(key).unwrap(),
        status: OrderStatus::Fulfilled,
        status_at: at(placed + 60),
        placed_at: at(placed),
        number: some("#1042"),
        total: Some(money()),
        items: vec![line_item()].into(),
        attributed_to: Some(message_id(&contact_id("8c"), "01")),
    }
}

pub fn ended(digits: &str, reason: EndReason) -> Ended {
    Ended {
        id: EnrollmentId::from_digest(digits),
        journey: journey(),
        key: EnrollmentKey::parse("c-1").unwrap(),
        started_at: at(0),
        ended_at: at(9),
        step: StepId::parse("checkout-nudge").unwrap(),
        reason,
        arms: arms(),
        held_out: true,
        goal_at: Some(at(7)),
    }
}

pub fn enrollment(contact: &ContactId, digits: &str, position: Position) -> Enrollment {
    Enrollment {
        id: EnrollmentId::from_digest(digits),
        journey: journey(),
        key: EnrollmentKey::parse(&format!("{contact}-{digits}")).unwrap(),
        started_at: at(0),
        step: StepId::parse("checkout-nudge").unwrap(),
        since: at(0),
        reached: Some(at(2)),
        position,
        kind: Some(EventKind::CheckoutStarted),
        data: event_data().into(),
        data_at: at(0),
        earlier: None,
        seen: BTreeMap::from([(EventKind::OrderFulfilled, at(5))]),
        doubt: None,
        last: Some(LastMail {
            message: message_id(contact, "02"),
            sent: true,
            opened: true,
            clicked: true,
        }),
        arms: arms(),
        coupon: Some(HeldCoupon {
            code: "A1".to_owned(),
            percent: Some(10),
            expires_at: Some(at(9)),
        }),
        answers: BTreeMap::from([("stock".to_owned(), serde_json::json!({"left": 2}))]),
        jumps: BTreeMap::from([(StepId::parse("goto-4").unwrap(), 2)]),
        held_out: true,
        goal_at: Some(at(7)),
        frozen_at: Some(at(8)),
    }
}

fn arms() -> BTreeMap<StepId, String> {
    BTreeMap::from([(StepId::parse("length").unwrap(), "short".to_owned())])
}

/// A contact with every field set.
pub fn contact(digits: &str) -> Contact {
    let id = contact_id(digits);
    let sending = Sending {
        message: message_id(&id, "01"),
        lane: Lane::Cart,
        stream: Stream::Marketing,
        due: at(3700),
        first_due: at(3600),
        held_until: Some(at(3650)),
        capped_since: Some(at(3640)),
        bound_to: None,
        generation: 2,
        dispatched: true,
    };
    let mut contact = Contact::new(id.clone(), at(0));
    contact.profile = profile();
    contact.profile_at = at(1);
    contact.addresses = vec![held_address()];
    (contact.referrals, contact.referred_as) = (2, Some(contact_id("7b")));
    contact.engagement = Engagement {
        opened_at: Some(at(9)),
        clicked_at: Some(at(10)),
        mailed_at: Some(at(8)),
        mails: 3,
    };
    let standing = Standing {
        version: "1f2e3d4c".to_owned(),
        since: Some(at(11)),
    };
    contact.segments = Standings {
        of: BTreeMap::from([(SegmentName::parse("vip").unwrap(), standing)]),
        look_again: Some(at(12)),
        starting: BTreeMap::from([(journey(), at(13))]),
    };
    contact.identifiers = vec![identifier()];
    contact.purchases = Purchases {
        orders: 1,
        spend: Some(money()),
        last_at: Some(at(1)),
        first_at: Some(at(0)),
    };
    contact.enrollments = vec![
        enrollment(&id, "e1", Position::Sending(sending)),
        enrollment(&id, "e2", Position::Waiting { until: at(3600) }),
        enrollment(
            &id,
            "e3",
            Position::Asking(Asking {
                errand: "e".to_owned(),
                due: at(2),
                since: at(1),
                attempts: 3,
            }),
        ),
    ];
    contact.own_tags.set("unhappy");
    contact.starts = BTreeMap::from([(journey(), at(0))]);
    contact.fired = BTreeMap::from([(JourneyId::parse("birthday").unwrap(), at(4))]);
    contact.armed = BTreeMap::from([(JourneyId::parse("birthday").unwrap(), at(6))]);
    contact.mailed = vec![Mailed {
        at: at(5),
        lane: Lane::Marketing,
        open: None,
    }];
    contact
}

/// An address that bounced once.
fn held_address() -> Address {
    let mut health = AddressHealth::default();
    health.hear(DeliveryKind::SoftBounce, at(6), Actor::Machine);
    Address {
        email: email(),
        seen_at: at(1),
        consent: Consent {
            refused_at: None,
            declined: None,
            state: ConsentState::Subscribed,
            evidence: Some((consent_signal(), EventId::parse("e-1").unwrap())),
        },
        health,
    }
}
