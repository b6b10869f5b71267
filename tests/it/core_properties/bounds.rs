//! Bounds that no history may break: sizes, steps, shares.

use super::history::item;
use super::machine::{Machine, start};
use super::plan::catalog;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use wend::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use wend::domain::email::EmailAddress;
use wend::domain::event::{Event, EventKind};
use wend::domain::ids::{ContactId, EventId, SourceName};
use wend::engine::decide::decide;
use wend::engine::decision::{Change, Decision, Input};
use wend::engine::errand::Answer;
use wend::engine::state::{Contact, Document, Facts, MAX_DOCUMENT_BYTES, Position};
use wend::journey::catalog::Catalog;

const HEAD: &str = "title: Random\nstage: decision\n";
/// More steps than this in one decision are none.
const MAX_STEPS_PER_DECISION: usize = 1_000;

pub fn store(files: &[(&str, String)]) -> Catalog {
    let journeys: BTreeMap<String, String> = files
        .iter()
        .map(|(name, text)| (format!("journeys/{name}.yaml"), format!("{HEAD}{text}")))
        .collect();
    catalog(journeys, "caps: []\n")
}

pub fn contact(number: u32) -> Contact {
    let id = ContactId::parse(&format!(
        "{:032x}",
        u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
    ))
    .unwrap();
    Contact::new(id, start())
}

pub fn event(number: u32, kind: EventKind) -> Event {
    let id = EventId::parse(&format!("shopify:{number}")).unwrap();
    Event::new(id, kind, SourceName::parse("shopify").unwrap(), start(), start())
}

pub fn decided(catalog: &Catalog, contact: &Contact, event: Event) -> Decision {
    let input = Input::Event(Arc::new(event));
    decide(catalog, contact, &Facts::default(), &input, start())
}

/// How long each text of an event is.
fn sizes() -> impl Strategy<Value = (usize, usize, usize, usize)> {
    let size = || prop::sample::select(vec![3_usize, 60, 250, 500]);
    (size(), size(), 0_usize..9, size())
}

fn large(number: u32, (title, id, lines, answer): (usize, usize, usize, usize)) -> Event {
    let mut event = event(number, EventKind::CheckoutUpdated);
    // The dearest text in JSON that may pass: four bytes a character.
    let text = |length: usize| "😀".repeat(length);
    event.data.checkout_id = Some(format!("T{number}"));
    event.data.cart_id = Some(text(id));
    event.data.order_number = Some(text(id));
    event.data.discount_codes = vec![text(title); lines];
    event.data.items = vec![
        wend::domain::event::LineItem {
            sku: Some(text(id)),
            product_id: Some(text(id)),
            variant: Some(text(title)),
            ..item(&text(title), 2)
        };
        lines
    ]
    .into();
    let score = f64::from(number) / 7.0e-9;
    event.data.properties.insert(
        "note".to_owned(),
        json!([text(answer), score, u64::MAX, i64::MIN]),
    );
    event
        .profile
        .attributes
        .insert(format!("a{number}"), json!({ "deep": [text(answer), score] }));
    event.email = EmailAddress::parse(&format!("ada{number}@example.com")).ok();
    event.consent = Some(ConsentSignal {
        state: ConsentState::Subscribed,
        grade: ConsentGrade::Explicit,
        at: start(),
        method: Some(text(id)),
        text: Some(text(answer)),
        ip: None,
        agent: Some(text(title)),
        actor: None,
    });
    event
}

proptest! {
    // Large documents are slow to cut in a build for development: an eighth of the cases.
    #![proptest_config(ProptestConfig { cases: super::config().cases / 8, ..super::config() })]

    #[test]
    fn documents_fit_and_are_read_as_they_were_written(
        sizes in prop::collection::vec(sizes(), 1..60), answer in 0_usize..450,
    ) {
        let journey = "trigger: { on: Checkout Updated, key: checkout_id }\nsteps:\n  - { notify: crm, as: stock }\n  - { wait: 30d, id: w }\n  - { send: note, stream: marketing }\n";
        let catalog = store(&[("asks", journey.to_owned())]);
        let mut machine = Machine::new([&catalog, &catalog], &[]);
        for (number, sizes) in (0_u32..).zip(sizes) {
            machine.event(large(number, sizes));
            let asked: Vec<String> = machine.contact.enrollments.iter().filter_map(|run| match &run.position {
                Position::Asking(asking) => Some(asking.errand.clone()),
                Position::Waiting { .. } | Position::Sending(_) => None,
            }).collect();
            for id in asked {
                machine.answer(id, Answer::Said(json!("😀".repeat(answer))));
            }
        }
        prop_assert!(machine.broken.is_empty(), "{}", machine.broken.join("; "));
        let document = Document::Live(Box::new(machine.contact.clone()));
        let text = serde_json::to_string(&document).unwrap();
        prop_assert!(text.len() <= MAX_DOCUMENT_BYTES);
        prop_assert_eq!(serde_json::from_str::<Document>(&text).unwrap(), document);
    }
}

proptest! {
    #![proptest_config(super::config())]

    /// The stack is that of the Worker: journeys that start each other need no more of it than one.
    #[test]
    fn journeys_that_start_each_other_come_to_an_end(
        mut again in prop::collection::vec(prop::sample::select(vec!["once", "after 1d"]), 2..4),
        // The build refuses circles in which nobody is once.
        (free, how) in (0_usize..3, prop::sample::select(vec!["restart", "parallel", "once"])),
        both in any::<bool>(),
    ) {
        let count = again.len();
        again[free % count] = how;
        let name = |number: usize| ["a", "b", "c"][number % count];
        let files: Vec<(&str, String)> = again.iter().enumerate().map(|(number, again)| {
            let trigger = if number == 0 { "{ on: Signed Up, key: contact }" } else { "{ manual: true, key: contact }" };
            let more = if both && count > 2 { format!("  - start: {}\n", name(number + 2)) } else { String::new() };
            let text = format!("reenter: {again}\ntrigger: {trigger}\nsteps:\n  - tag: seen\n  - start: {}\n{more}", name(number + 1));
            (name(number), text)
        }).collect();
        let catalog = store(&files);
        let run = move || decided(&catalog, &contact(1), event(1, EventKind::SignedUp));
        let decision = std::thread::Builder::new().stack_size(1 << 20).spawn(run).unwrap().join().unwrap();
        let ended = decision.changes.iter().filter(|change| matches!(change, Change::EndEnrollment(_))).count();
        prop_assert!(ended <= MAX_STEPS_PER_DECISION, "{ended} runs");
        prop_assert!(decision.contact.enrollments.is_empty());
    }
}

/// 10,000 contacts, three arms: within two points of their weights, and the same on every run.
#[test]
fn splits_share_out_by_their_weights() {
    let weights = [("a", 50), ("b", 37), ("c", 13)];
    let arms: String = weights
        .iter()
        .map(|(name, weight)| format!("      - {{ arm: {name}, weight: {weight} }}\n"))
        .collect();
    let journey = format!(
        "trigger: {{ on: Signed Up, key: contact }}\nsteps:\n  - id: which\n    split:\n{arms}  - {{ wait: 1h, id: w }}\n  - {{ send: note, stream: marketing }}\n"
    );
    let catalog = store(&[("shares", journey)]);
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    for number in 0..10_000 {
        let arm = |at: u32| {
            let decision = decided(&catalog, &contact(number), event(at, EventKind::SignedUp));
            let arms = decision.contact.enrollments.first().map(|run| run.arms.clone());
            arms.into_iter().flat_map(BTreeMap::into_values).next().unwrap()
        };
        let taken = arm(1);
        if number % 100 == 0 {
            assert_eq!(taken, arm(2), "another run, another arm");
        }
        *found.entry(taken).or_default() += 1;
    }
    for (name, weight) in weights {
        let share = f64::from(found[name]) / 100.0;
        assert!((share - f64::from(weight)).abs() < 2.0, "{name}: {share}");
    }
}
