//! Conditions as journeys write them, against scopes as events make them.

use super::*;
use crate::domain::contact::Profile;
use crate::domain::event::{EventData, EventKind};
use crate::domain::ids::{ContactId, SegmentName};
use crate::domain::money::{Currency, Money};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::fixtures::{catalog, enrollment};
use crate::engine::sight::{Topic, View};
use crate::engine::state::{Contact, Counted, Enrollment, Position, Purchases, Standing};
use crate::journey::condition::{self, About};
use crate::journey::definition::Journey;
use crate::journey::shape::{Carries, Kind, ROOTS, Record};
use serde_json::json;

fn day(days: i64) -> Timestamp {
    Timestamp::default().plus(Delay::from_days(days))
}

/// Somebody of whom much is known, and their event.
struct Scene {
    contact: Contact,
    counted: Arc<Counted>,
    journey: Journey,
    run: Enrollment,
}

fn scene() -> Scene {
    let money = |amount: &str| Money::parse(amount, Currency::parse("GBP").unwrap()).unwrap();
    let line =
        json!({"title": "Ceramic mug", "quantity": 2, "price": {"amount": "12.50", "currency": "GBP"}});
    let data = EventData {
        checkout_id: Some("c1".to_owned()),
        value: Some(money("25.00")),
        items: vec![serde_json::from_value(line).unwrap()],
        properties: serde_json::from_value(json!({"gift": true, "age": 42, "score": 0.5, "none": null}))
            .unwrap(),
        ..EventData::default()
    };
    let mut contact = Contact::new(ContactId::parse(&"8c7f".repeat(8)).unwrap(), day(0));
    contact.profile = Profile {
        first_name: Some("Ada".to_owned()),
        tags: Some(vec!["vip".to_owned()]),
        ..Profile::default()
    };
    contact.purchases = Purchases {
        orders: 3,
        spend: Some(money("120.00")),
        first_at: Some(day(10)),
        last_at: Some(day(40)),
    };
    contact.engagement.opened_at = Some(day(90));
    let member = |name: &str, since| {
        let version = "v".to_owned();
        (SegmentName::parse(name).unwrap(), Standing { version, since })
    };
    contact.segments.of = [member("lapsed", Some(day(70))), member("vip", None)].into();
    let views = vec![day(99), day(80), day(70)];
    let waiting = Position::Waiting { until: day(101) };
    let journey = catalog()
        .journeys
        .into_iter()
        .find(|journey| journey.id.as_str() == "abandoned-checkout");
    Scene {
        contact,
        counted: Arc::new([(EventKind::ProductViewed, views)].into()),
        journey: journey.unwrap(),
        run: Enrollment {
            data,
            ..enrollment("abandoned-checkout", "c1", "nudge", waiting)
        },
    }
}

impl Scene {
    fn sight(&self) -> Sight<'_> {
        let view = View {
            contact: &self.contact,
            counted: &self.counted,
            now: day(100),
        };
        view.on(Topic::step(&self.journey, &self.run))
    }
}

fn ask(text: &str) -> Result<bool, Error> {
    Compiled::of(&Condition(text.to_owned()))?.holds(&scene().sight())
}

#[test]
fn what_the_build_accepts_has_an_answer() {
    let cases = [
        ("event.value > 0", true),
        ("event.value >= 25.0 && contact.spend + event.value > 100.0", true),
        ("size(event.items) == 0", false),
        ("event.items.size() + 1 == 2", true),
        (
            "event.items.exists(item, item.price > 10 && item.quantity == 2)",
            true,
        ),
        ("event.items.all(item, item.sku == \"\")", true),
        ("event.items.exists_one(item, item.title.contains('mug'))", true),
        ("event.items.map(item, item.price)[0] == 12.5", true),
        ("event.items.filter(item, item.quantity > 5).size() > 0", false),
        ("contact.email == null", true),
        (
            "contact.email != null && contact.email.endsWith('.example')",
            false,
        ),
        ("'vip' in contact.tags && !('new' in contact.tags)", true),
        ("contact.orders == 0 ? event.test : !contact.subscribed", true),
        (
            "event.properties.age >= 18 && event.properties.age + 1 == 43",
            true,
        ),
        (
            "has(event.properties.gift) && event.properties.gift == true",
            true,
        ),
        ("has(event.properties.other)", false),
        ("'age' in event.properties", true),
        ("event.properties['score'] < 1", true),
        ("event.properties.none == null", true),
        (
            "enrollment.key == event.checkout_id && enrollment.journey.startsWith('abandoned')",
            true,
        ),
        ("double(contact.orders) * 1.5 > 4.0 && int(\"2\") == 2", true),
        ("string(contact.orders) + 'x' == '3x'", true),
        ("event.name in ['Checkout Started', 'Checkout Updated']", true),
        ("-event.value < 0", true),
        ("contact.country == ''", true),
        ("event.discount_codes == []", true),
    ];
    answers(&cases);
}

#[test]
fn days_counts_and_segments_have_an_answer() {
    let cases = [
        (
            "contact.days_since_order == 60 && contact.days_since_first_order == 90",
            true,
        ),
        (
            "contact.days_since_open == 10 && contact.days_since_signup == 100",
            true,
        ),
        (
            "contact.days_since_click == 100000 && contact.days_since_mail > 36500",
            true,
        ),
        (
            "contact.average_order == 40.0 && contact.average_interval == 15.0",
            true,
        ),
        ("contact.mails == 0", true),
        (
            "'lapsed' in contact.segments && !('vip' in contact.segments)",
            true,
        ),
        // The third is thirty days old to the second, and out.
        (
            "count('Product Viewed', 30) == 2 && count('Product Viewed', 31) == 3",
            true,
        ),
        ("count('Product Added', 30) == 0", true),
    ];
    answers(&cases);
}

fn answers(cases: &[(&str, bool)]) {
    let segments = ["lapsed".to_owned(), "vip".to_owned()];
    let carries = Carries {
        checkout: true,
        order: true,
        goods: true,
    };
    let about = About::events(carries, &segments, &[]);
    for (text, answer) in cases {
        assert_eq!(condition::check(text, about), vec![], "{text}");
        assert_eq!(ask(text), Ok(*answer), "{text}");
    }
}

#[test]
fn what_only_run_time_can_know_is_an_error_there() {
    assert!(matches!(ask("event.properties.other > 1"), Err(Error::Failed(_))));
    assert!(matches!(ask("event.items[7].price > 1.0"), Err(Error::Failed(_))));
    assert!(matches!(
        ask("contact.email.contains('x')"),
        Err(Error::Failed(_))
    ));
    assert_eq!(ask("event.properties.age"), Err(Error::NotBool));
    assert!(matches!(ask("event.value >"), Err(Error::Unreadable(_))));
}

/// The declared shape and the shape at run time are one.
#[test]
fn what_is_seen_has_the_declared_shape() {
    let scene = scene();
    for (_, record) in ROOTS {
        for (name, kind) in record.fields() {
            let seen = scene.sight().field(record, name);
            assert!(fits(&kind, seen.as_ref()), "{record:?}.{name}: {seen:?}");
        }
        assert_eq!(scene.sight().field(record, "else"), None);
    }
    let item = &scene.run.data.items[0];
    for (name, kind) in Record::Item.fields() {
        let seen = of_item(item, name);
        assert!(fits(&kind, seen.as_ref()), "item.{name}: {seen:?}");
    }
}

fn fits(kind: &Kind, seen: Option<&Datum<'_>>) -> bool {
    match kind {
        Kind::Bool => matches!(seen, Some(Datum::Bool(_))),
        Kind::Int => matches!(seen, Some(Datum::Int(_))),
        Kind::Double => matches!(seen, Some(Datum::Double(_))),
        Kind::Text => matches!(seen, Some(Datum::Text(_))),
        Kind::MaybeText => matches!(seen, Some(Datum::Text(_) | Datum::Null)),
        Kind::List(of) if **of == Kind::Text => matches!(seen, Some(Datum::Texts(_))),
        Kind::List(_) => matches!(seen, Some(Datum::Items(_))),
        Kind::Map => matches!(seen, Some(Datum::Map(_))),
        Kind::Null | Kind::Record(_) | Kind::Any => false,
    }
}
