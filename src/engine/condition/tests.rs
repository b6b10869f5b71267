//! Conditions as journeys write them, against scopes as events make them.

use super::*;
use crate::domain::money::{Currency, Money};
use crate::journey::condition;
use crate::journey::shape::{Carries, Kind, ROOTS, Record};
use serde_json::json;

fn scope() -> Scope {
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
    let profile = Profile {
        first_name: Some("Ada".to_owned()),
        tags: Some(vec!["vip".to_owned()]),
        ..Profile::default()
    };
    Scope {
        contact: ContactScope::new(&profile, None, 3, 120.0, true, &Wanted::All),
        event: EventScope::of_data(&EventKind::CheckoutStarted, false, &data, &Wanted::All),
        enrollment: EnrollmentScope::new(
            &JourneyId::parse("abandoned-checkout").unwrap(),
            &EnrollmentKey::parse("c1").unwrap(),
            None,
            &Wanted::All,
        ),
        last: LastScope::default(),
    }
}

fn ask(text: &str) -> Result<bool, Error> {
    Compiled::of(&Condition(text.to_owned()))?.holds(&scope())
}

#[test]
fn what_the_build_accepts_has_an_answer() {
    let carries = Carries {
        checkout: true,
        order: true,
        goods: true,
    };
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
        ("contact.orders == 0 ? event.test : contact.subscribed", true),
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
    for (text, answer) in cases {
        assert_eq!(condition::check(text, carries), vec![], "{text}");
        assert_eq!(ask(text), Ok(answer), "{text}");
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
fn the_scope_fills_the_declared_shape() {
    let filled = serde_json::to_value(scope()).unwrap();
    for (root, record) in ROOTS {
        compare(record, &filled[root]);
    }
    compare(Record::Item, &filled["event"]["items"][0]);
}

fn compare(record: Record, filled: &serde_json::Value) {
    let mut declared: Vec<&str> = record.fields().iter().map(|(name, _)| *name).collect();
    let mut present: Vec<&str> = filled.as_object().unwrap().keys().map(String::as_str).collect();
    declared.sort_unstable();
    present.sort_unstable();
    assert_eq!(declared, present, "{record:?}");
    for (name, kind) in record.fields() {
        let value = &filled[name];
        let fits = match kind {
            Kind::Bool => value.is_boolean(),
            Kind::Int => value.is_i64(),
            Kind::Double => value.is_f64(),
            Kind::Text => value.is_string(),
            Kind::MaybeText => value.is_string() || value.is_null(),
            Kind::List(_) => value.is_array(),
            Kind::Map => value.is_object(),
            Kind::Null | Kind::Record(_) | Kind::Any => false,
        };
        assert!(fits, "{record:?}.{name}: {value}");
    }
}
