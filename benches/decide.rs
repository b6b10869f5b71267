//! What one decision costs: `npm run bench:core`. Twenty journeys, somebody who runs in five of them.
//!
//! The target is 20 µs for an event on this machine; a Worker adds its storage to that. Best samples on two shared cores,
//! where the medians of a busy hour are up to twice as long, before and after ids, events and items were shared:
//!
//! | decision | copied | shared |
//! |---|---:|---:|
//! | order completed, two runs end and four start | 26.3 µs | 16.4 µs |
//! | order completed, two runs end and one starts | 19.8 µs | 11.0 µs |
//! | checkout updated | 11.1 µs | 6.6 µs |
//! | a wait is over | 15.3 µs | 10.5 µs |
//! | email clicked | 6.2 µs | 4.7 µs |
//! | nobody's business | 5.4 µs | 3.8 µs |
//!
//! Part of the rest is a SHA-256 for each run and mail that begins: their ids are derived from content.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use wend::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use wend::domain::email::EmailAddress;
use wend::domain::event::{Event, EventData, EventKind, LineItem};
use wend::domain::identity::{Identifier, IdentifierKind};
use wend::domain::ids::{ContactId, EnrollmentKey, EventId, SourceName};
use wend::domain::message::Lane;
use wend::domain::money::{Currency, Money};
use wend::domain::time::{Delay, Timestamp};
use wend::engine::condition::Compiled;
use wend::engine::decide::decide;
use wend::engine::decision::Input;
use wend::engine::guard;
use wend::engine::sight::{Topic, View};
use wend::engine::state::{Contact, Facts};
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::definition::Condition;
use wend::journey::lock::Mode;
use wend::journey::project::Project;

const CONDITION: &str =
    "event.value > 50 && event.items.exists(item, item.quantity > 1) && contact.orders < 3";

/// The repository's own store, with seventeen more journeys of the usual kinds.
fn catalog() -> Catalog {
    let mut project = Project::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")));
    project.lock = None;
    let store = project.store.unwrap_or_default();
    project.store = Some(format!(
        "{store}\ncaps: [{{ mails: 1, per: 16h }}, {{ mails: 4, per: 7d }}]\nquiet_hours: \"21:00-08:00\"\n"
    ));
    let triggers = [
        "{ on: Order Completed, key: order_id, when: event.value > 20 }",
        "{ on: [Checkout Started, Checkout Updated], key: checkout_id, refresh: data+wait, when: event.value > 100 }",
        "{ on: Product Viewed, key: contact, when: contact.orders == 0 }",
        "{ on: Order Completed, key: contact, when: contact.orders >= 2 }",
        "{ on: Contact Updated, key: contact, when: '\"vip\" in contact.tags' }",
        "{ on: Order Fulfilled, key: order_id }",
    ];
    let exits = [
        "exit: [{ on: Order Cancelled, match: key }]\n",
        "exit: [{ on: Order Completed, match: checkout }, { on: Checkout Updated, match: key, when: size(event.items) == 0 }]\n",
        "exit: [{ on: Order Completed, when: event.value > 500 }]\n",
        "goal: { on: Order Completed, within: 30d, when: event.value > 30 }\n",
        "exit: [{ on: Order Completed, when: contact.spend > 5000 }]\n",
        "",
    ];
    let kinds = triggers.into_iter().zip(exits).cycle();
    for (number, (trigger, exit)) in (0..17).zip(kinds) {
        let text = format!(
            "title: More\nstage: retention\npriority: {number}\nwindow: \"09:00-18:00\"\ntrigger: {}\nreenter: after 1d\n{}steps:\n  - {{ wait: 2d, id: w }}\n  - branch:\n      - when: contact.orders == 0\n        steps:\n          - {{ send: welcome-story, stream: marketing, id: first, when: contact.subscribed }}\n      - else:\n          - {{ tag: customer, id: tagged }}\n  - {{ wait: {{ for: Email Clicked, timeout: 2d }}, id: clicked }}\n  - {{ send: welcome-favourites, stream: marketing, id: last }}\n",
            trigger, exit
        );
        project
            .journeys
            .insert(format!("journeys/more-{number:02}.yaml"), text);
    }
    let checked = check(&project, Mode::Append);
    let said: String = checked
        .findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect();
    assert!(said.is_empty(), "{said}");
    checked.catalog.unwrap()
}

fn at(hours: i64) -> Timestamp {
    // A Monday at noon.
    Timestamp::parse_rfc3339("2026-03-02T12:00:00Z")
        .unwrap()
        .plus(Delay::from_hours(hours))
}

fn event(number: u32, kind: EventKind, hours: i64) -> Event {
    let source = SourceName::parse("shopify").unwrap();
    let id = EventId::parse(&format!("shopify:{number}")).unwrap();
    let mut event = Event::new(id, kind, source.clone(), at(hours), at(hours));
    event.email = EmailAddress::parse("ada@example.com").ok();
    event.profile.first_name = Some("Ada".to_owned());
    event.identifiers = vec![
        Identifier::email(event.email.as_ref().unwrap()),
        Identifier::of_source(IdentifierKind::Customer, &source, "6120").unwrap(),
    ];
    event
}

fn goods(mut event: Event, checkout: Option<&str>, order: Option<&str>) -> Event {
    let gbp = Currency::parse("GBP").unwrap();
    let line = |number: u32| LineItem {
        title: format!("Ceramic mug {number}"),
        variant: Some("Blue".to_owned()),
        quantity: number + 1,
        price: Money::parse("12.50", gbp).ok(),
        sku: Some(format!("MUG-{number}")),
        product_id: Some(format!("82098291194615{number}")),
        variant_id: Some(format!("52098291194615{number}")),
        image_url: Some("https://cdn.northfold.example/mug.jpg".to_owned()),
        url: Some("https://northfold.example/products/mug".to_owned()),
    };
    event.data = EventData {
        checkout_id: checkout.map(str::to_owned),
        order_id: order.map(str::to_owned),
        order_number: order.map(|order| format!("#{order}")),
        value: Money::parse("75.00", gbp).ok(),
        items: Arc::new((0..3).map(line).collect()),
        url: Some("https://northfold.example/recover/abc".to_owned()),
        ..EventData::default()
    };
    event
}

/// Somebody who subscribed and runs in five journeys.
fn contact(catalog: &Catalog) -> Contact {
    let mut contact = Contact::new(ContactId::parse(&"8c7f".repeat(8)).unwrap(), at(0));
    let mut signup = event(1, EventKind::SignedUp, 0);
    signup.consent = Some(ConsentSignal {
        state: ConsentState::Subscribed,
        grade: ConsentGrade::Explicit,
        at: at(0),
        method: None,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    });
    let checkout = |number, token| goods(event(number, EventKind::CheckoutStarted, 0), Some(token), None);
    let mut viewed = event(3, EventKind::ProductViewed, 0);
    viewed.profile.tags = Some(vec!["vip".to_owned(), "spring".to_owned()]);
    for event in [
        signup,
        viewed,
        checkout(4, "T1"),
        event(5, EventKind::ContactUpdated, 0),
    ] {
        let input = Input::Event(Arc::new(event));
        contact = decide(catalog, &contact, &Facts::default(), &input, at(0)).contact;
    }
    contact.enrollments.truncate(5);
    assert_eq!(contact.enrollments.len(), 5);
    contact
}

fn events(c: &mut Criterion) {
    let catalog = catalog();
    assert_eq!(catalog.journeys.len(), 20);
    let contact = contact(&catalog);
    let message = contact.enrollments.iter().find_map(|run| run.last.as_ref());
    let message = message.map(|last| last.message.to_string());
    let mut clicked = event(13, EventKind::EmailClicked, 3);
    clicked.data.message_id = message;
    let order = |number| {
        goods(
            event(number, EventKind::OrderCompleted, 3),
            Some("T9"),
            Some("77"),
        )
    };
    let mut small = order(14);
    small.data.value = Money::parse("15.00", Currency::parse("GBP").unwrap()).ok();
    let cases = [
        ("order completed, two runs end and four start", order(10)),
        ("order completed, two runs end and one starts", small),
        (
            "checkout updated",
            goods(event(11, EventKind::CheckoutUpdated, 3), Some("T1"), None),
        ),
        ("email clicked", clicked),
        (
            "nobody's business",
            event(12, EventKind::Custom("Quiz Taken".to_owned()), 3),
        ),
    ];
    for (name, event) in cases {
        let input = Input::Event(Arc::new(event));
        c.bench_function(&format!("decide: {name}"), |b| {
            b.iter(|| decide(black_box(&catalog), &contact, &Facts::default(), &input, at(3)));
        });
    }
    c.bench_function("decide: a wait is over", |b| {
        b.iter(|| {
            decide(
                black_box(&catalog),
                &contact,
                &Facts::default(),
                &Input::Wake,
                at(49),
            )
        });
    });
    let clone = contact.clone();
    c.bench_function("a contact copied", |b| b.iter(|| black_box(&clone).clone()));
}

fn gate(c: &mut Criterion) {
    let catalog = catalog();
    let contact = contact(&catalog);
    let run = contact.enrollments.iter().find(|run| run.sending().is_some());
    let run = run.unwrap();
    let sending = run.sending().unwrap();
    let facts = guard::Facts {
        in_flight: vec![Lane::Cart],
        ..guard::Facts::default()
    };
    for (name, hours) in [("by day", 1), ("in quiet hours", 10)] {
        c.bench_function(&format!("gate: {name}"), |b| {
            b.iter(|| guard::check(black_box(&catalog), &contact, run, sending, &facts, at(hours)));
        });
    }
}

fn load(c: &mut Criterion) {
    let json = serde_json::to_string(&catalog()).unwrap();
    c.bench_function("catalog from JSON", |b| {
        b.iter(|| serde_json::from_str::<Catalog>(black_box(&json)).unwrap());
    });
}

fn conditions(c: &mut Criterion) {
    let catalog = catalog();
    let contact = contact(&catalog);
    let event = goods(event(10, EventKind::OrderCompleted, 3), Some("T9"), Some("77"));
    let condition = Condition(CONDITION.to_owned());
    let journey = catalog.journeys.first().unwrap();
    let key = EnrollmentKey::parse("shopify:77").unwrap();
    let counted = Arc::default();
    let view = View {
        contact: &contact,
        counted: &counted,
        now: at(3),
    };
    let sight = view.on(Topic::event(journey, &event, &key));
    c.bench_function("condition: cold", |b| {
        b.iter(|| Compiled::new(black_box(&condition)).unwrap().holds(&sight));
    });
    assert_eq!(Compiled::of(&condition).unwrap().holds(&sight), Ok(true));
    c.bench_function("condition: warm", |b| {
        b.iter(|| Compiled::of(black_box(&condition)).unwrap().holds(&sight))
    });
}

criterion_group!(core, events, gate, load, conditions);
criterion_main!(core);
