//! Conditions as journeys write them, against scopes as events make them.

use super::*;
use crate::domain::consent::ConsentState;
use crate::domain::contact::Profile;
use crate::domain::event::{EventData, EventKind};
use crate::domain::ids::{ContactId, MessageId, SegmentName};
use crate::domain::money::{Currency, Money};
use crate::domain::time::{Delay, Timestamp};
use crate::engine::fixtures::{catalog, contact, enrollment};
use crate::engine::sight::{Topic, View};
use crate::engine::state::{Contact, Counted, Enrollment, LastMail, Position, Purchases, Standing};
use crate::journey::condition::{self, About};
use crate::journey::definition::Journey;
use crate::journey::shape::{Carries, Kind, ROOTS, Record};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

fn day(days: i64) -> Timestamp {
    Timestamp::default().plus(Delay::from_days(days))
}

/// Somebody of whom much is known, and their event.
#[derive(Debug)]
struct Scene {
    contact: Contact,
    counted: Arc<Counted>,
    journey: Journey,
    run: Enrollment,
}

static JOURNEY: LazyLock<Journey> = LazyLock::new(|| {
    let journeys = catalog().journeys.into_iter();
    let mut found = journeys.filter(|journey| journey.id.as_str() == "abandoned-checkout");
    found.next().unwrap()
});

fn scene() -> Scene {
    let money = |amount: &str| Money::parse(amount, Currency::parse("GBP").unwrap()).unwrap();
    let line =
        json!({"title": "Ceramic mug", "quantity": 2, "price": {"amount": "12.50", "currency": "GBP"}});
    let data = EventData {
        checkout_id: Some("c1".to_owned()),
        value: Some(money("25.00")),
        items: vec![serde_json::from_value(line).unwrap()].into(),
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
    Scene {
        contact,
        counted: Arc::new([(EventKind::ProductViewed, views)].into()),
        journey: JOURNEY.clone(),
        run: Enrollment {
            data: Arc::new(data),
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
fn an_expression_can_be_shown() {
    let shown = |text: &str| Compiled::of(&Condition(text.to_owned()))?.text(&scene().sight());
    for (text, expected) in [
        ("contact.orders", "3"),
        ("contact.orders > 1", "true"),
        ("contact.orders + 1", "4"),
        ("double(contact.orders) / 4.0", "0.75"),
        ("double(contact.orders)", "3"),
        ("57.05 / 3.0", "19.02"),
        ("18.0 / 2.0", "9"),
        ("2.5 + 0.0", "2.5"),
        ("100.0 + 0.0", "100"),
        ("0.0 - 0.001", "0"),
        ("0.1 + 0.2", "0.3"),
        ("contact.first_name + \"!\"", "Ada!"),
        ("contact.email", ""),
    ] {
        assert_eq!(shown(text).as_deref(), Ok(expected), "{text}");
    }
    assert_eq!(shown("contact.tags"), Err(Error::NotText));
    assert!(matches!(
        shown("contact.attributes.nothing"),
        Err(Error::Failed(_))
    ));
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

/// What journeys usually ask takes no interpreter.
#[test]
fn usual_conditions_are_simple() {
    for text in [
        "event.value > 50 && event.items.exists(item, item.quantity > 1) && contact.orders < 3",
        "size(event.items) == 0 || event.items.size() > 3",
        "'vip' in contact.tags && !('lapsed' in contact.segments)",
        "contact.orders > 0 && contact.days_since_order >= 60",
        "has(event.properties.gift) && event.properties.gift == true",
        "contact.email != null && contact.email.endsWith('.example')",
        "event.name in ['Checkout Started', 'Checkout Updated']",
        "contact.spend + event.value > 100.0 && count('Product Viewed', 30) >= 2",
        "last.sent && !last.clicked",
        "event.items.all(event, event.price < 20.0)",
    ] {
        let compiled = Compiled::new(&Condition(text.to_owned())).unwrap();
        let simple = compiled
            .simple
            .as_ref()
            .and_then(|simple| simple.answer(&scene().sight()));
        assert!(simple.is_some(), "{text}: {:?}", compiled.simple);
    }
}

fn numbers() -> BoxedStrategy<String> {
    let number = select(vec![
        "contact.orders",
        "contact.spend",
        "contact.days_since_order",
        "contact.days_since_click",
        "contact.mails",
        "contact.average_order",
        "event.value",
        "size(event.items)",
        "contact.tags.size()",
        "size(event.properties)",
        "count('Product Viewed', 30)",
        "event.properties.age",
        "contact.attributes.score",
        "item.price",
        "item.quantity",
        "0",
        "1",
        "2",
        "3",
        "-1",
        "42",
        "60",
        "9223372036854775807",
        "9007199254740993",
        "9007199254740992.0",
        "0.5",
        "12.5",
        "120.0",
        "-0.0",
    ]);
    let number = number.prop_map(str::to_owned).boxed();
    let sign = select(vec!["+", "-", "*"]);
    let sum = (number.clone(), sign, number.clone()).prop_map(|(a, sign, b)| format!("({a} {sign} {b})"));
    prop_oneof![4 => number, 1 => sum].boxed()
}

fn texts_of() -> BoxedStrategy<String> {
    let text = select(vec![
        "event.name",
        "event.currency",
        "event.checkout_id",
        "contact.email",
        "contact.country",
        "contact.first_name",
        "enrollment.key",
        "event.properties.note",
        "contact.attributes.score",
        "item.title",
        "item.sku",
        "''",
        "'vip'",
        "'GBP'",
        "'c1'",
        "'Ada'",
        "'mug'",
        "'Checkout Started'",
        "null",
    ]);
    text.prop_map(str::to_owned).boxed()
}

/// Conditions right and wrong: what the build would refuse must not be answered here either.
fn conditions() -> BoxedStrategy<String> {
    let compares = || select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let truths = vec![
        "contact.subscribed",
        "last.sent",
        "event.test",
        "true",
        "false",
        "event.properties.gift",
        "contact.orders",
        "has(event.properties.gift)",
        "has(contact.attributes.score)",
        "'age' in event.properties",
        "contact.tags",
        "event.discount_codes == []",
        "contact.attributes.list == 1",
        "event.properties.none == null",
    ];
    let lists = select(vec![
        "contact.tags",
        "contact.segments",
        "event.discount_codes",
        "event.properties",
        "event.items",
    ]);
    let leaf = prop_oneof![
        2 => select(truths).prop_map(str::to_owned),
        4 => (numbers(), compares(), numbers()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        2 => (texts_of(), compares(), texts_of()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        1 => (texts_of(), compares(), numbers()).prop_map(|(a, sign, b)| format!("{a} {sign} {b}")),
        1 => (texts_of(), lists).prop_map(|(a, list)| format!("{a} in {list}")),
        1 => (texts_of(), texts_of(), numbers()).prop_map(|(a, b, c)| format!("{a} in [{b}, {c}, 'vip']")),
        1 => texts_of().prop_map(|a| format!("{a} in ['vip', 'Ada', 'GBP', 7]")),
        1 => (texts_of(), select(vec!["contains", "startsWith", "endsWith"]), texts_of())
            .prop_map(|(a, search, b)| format!("{a}.{search}({b})")),
    ];
    let joined = leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => (inner.clone(), select(vec!["&&", "||"]), inner.clone())
                .prop_map(|(a, sign, b)| format!("({a} {sign} {b})")),
            1 => inner.clone().prop_map(|a| format!("!({a})")),
            2 => (select(vec!["exists", "all", "exists_one"]), inner)
                .prop_map(|(every, a)| format!("event.items.{every}(item, {a})")),
        ]
    });
    joined.boxed()
}

fn scenes() -> impl Strategy<Value = Scene> {
    let loose = select(vec![
        json!(42),
        json!(0.5),
        json!("vip"),
        json!(true),
        json!(null),
        json!([1]),
        json!(u64::MAX),
    ]);
    let items = prop::collection::vec(
        (0_u32..4, prop::option::of(select(vec!["12.50", "0.00", "3.10"]))),
        0..3,
    );
    (
        0_u32..4,
        any::<[bool; 5]>(),
        prop::collection::vec(prop::option::of(loose), 4),
        items,
    )
        .prop_map(|(orders, [email, tags, sent, test, spent], loose, items)| {
            let mut scene = scene();
            let gbp = Currency::parse("GBP").unwrap();
            scene.contact.purchases.orders = orders;
            if !spent {
                scene.contact.purchases.spend = None;
                scene.contact.purchases.last_at = None;
            }
            if email {
                scene.contact.addresses = contact(ConsentState::Subscribed).addresses;
            }
            if !tags {
                scene.contact.profile.tags = None;
            }
            scene.run.last = sent.then(|| LastMail {
                message: MessageId::from_digest("8c7f8c7f8c7f8c7f01"),
                sent,
                opened: test,
                clicked: false,
            });
            let data = Arc::make_mut(&mut scene.run.data);
            let names = ["gift", "age", "note", "score"];
            for (name, value) in names.into_iter().zip(loose) {
                data.properties.remove(name);
                if let Some(value) = value {
                    data.properties.insert(name.to_owned(), value.clone());
                    scene.contact.profile.attributes.insert(name.to_owned(), value);
                }
            }
            let line = data.items[0].clone();
            let item = |(quantity, price): (u32, Option<&str>)| LineItem {
                quantity,
                price: price.map(|amount| Money::parse(amount, gbp).unwrap()),
                ..line.clone()
            };
            data.items = Arc::new(items.into_iter().map(item).collect());
            scene
        })
}

proptest! {
    // 2,048 conditions with ten scenes each, or eight times as many as the environment says.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 8 * ProptestConfig::default().cases, ..ProptestConfig::default() })]

    #[test]
    fn the_simple_way_never_differs_from_the_interpreter(
        text in conditions(), scenes in prop::collection::vec(scenes(), 10),
    ) {
        let compiled = Compiled::new(&Condition(text.clone())).unwrap();
        for scene in &scenes {
            let sight = scene.sight();
            if let Some(answer) = compiled.simple.as_ref().and_then(|simple| simple.answer(&sight)) {
                prop_assert_eq!(Ok(answer), compiled.interpret(&sight), "{}", text);
            }
        }
    }
}

/// Both parsers go down by a call for each level: what is too deep for the stack must not come to them.
#[test]
fn a_condition_has_an_end() {
    let about = condition::About::contact(&[]);
    let terms = |count: usize| vec!["contact.orders"; count].join(" + ") + " > 1";
    assert_eq!(condition::check(&terms(50), about), vec![]);
    for too_much in [
        terms(20_000),
        "(".repeat(900),
        "!".repeat(50_000),
        format!("{}contact.orders{} > 1", "(".repeat(25), ")".repeat(25)),
    ] {
        let problems = condition::check(&too_much, about);
        assert!(problems[0].message.contains("segments.yaml"), "{problems:?}");
    }
    for deep in ["!", "-", "[", "{", "(", "a?b:", "a.", "a["] {
        let _ = condition::check(&deep.repeat(1_000 / deep.len()), about);
    }
}
