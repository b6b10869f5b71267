//! Segments over time: the wakes that are computed are all that are needed; what goes in circles comes to rest.

use super::*;
use crate::domain::consent::ConsentState;
use crate::domain::event::{Event, EventKind};
use crate::domain::order::Order;
use crate::engine::decide::decide;
use crate::engine::decision::{Change, Decision};
use crate::engine::fixtures::{at, catalog as shipped, contact};
use crate::engine::state::{Counted, Facts, Standings};
use crate::journey::check::check;
use crate::journey::condition::clocks::clocks;
use crate::journey::lock::Mode;
use crate::journey::project::Project;
use crate::journey::segment_file;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The shipped journeys with these segments, named `s00`, `s01`…
fn catalog_of(conditions: &[&str]) -> Catalog {
    let entry = |(number, condition): (usize, &&str)| format!("s{number:02}: {{when: \"{condition}\"}}\n");
    let text: String = conditions.iter().enumerate().map(entry).collect();
    let read = segment_file::read(&text, &[]);
    assert_eq!(read.findings, vec![]);
    let mut catalog = shipped();
    for segment in &read.segments {
        for clock in clocks(&segment.when.0) {
            if let Clock::Window { event, days } = clock {
                let widest = catalog.counted.entry(event).or_insert(days);
                *widest = days.max(*widest);
            }
        }
    }
    catalog.segments = read.segments;
    catalog
}

/// The repository's project with segments.yaml and one more journey.
fn project_with(segments: &str, journey: &str) -> Catalog {
    let mut project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    // They name segments of the repository's own.
    project.leave_drafts_out(|_| false);
    project.segments = Some(segments.to_owned());
    project.lock = None;
    project
        .journeys
        .insert("journeys/circle.yaml".to_owned(), journey.to_owned());
    let checked = check(&project, Mode::Append);
    checked
        .catalog
        .unwrap_or_else(|| panic!("{:?}", checked.findings))
}

fn event(id: u32, kind: &str, when: Timestamp) -> Event {
    let order = kind.starts_with("Order");
    let data = if order {
        json!({"order_id": id.to_string()})
    } else {
        json!({"message_id": "8c7f"})
    };
    serde_json::from_value(json!({
        "id": format!("e{id}"), "kind": kind, "source": "shopify", "data": data,
        "occurred_at": when.as_millis(), "received_at": when.as_millis(),
    }))
    .unwrap()
}

/// One contact with what storage would keep for it.
struct Life {
    catalog: Catalog,
    contact: Contact,
    orders: Vec<Order>,
    events: Counted,
}

impl Life {
    fn facts(&self, now: Timestamp) -> Facts {
        let mut counted = Counted::new();
        for (kind, days) in &self.catalog.counted {
            let since = now.minus(Delay::from_days(i64::from(*days)));
            let times = self.events.get(kind).into_iter().flatten().copied();
            counted.insert(kind.clone(), times.filter(|at| *at > since).collect());
        }
        Facts {
            orders: self.orders.clone(),
            counted,
            ..Facts::default()
        }
    }

    fn decide(&mut self, input: &Input, now: Timestamp) {
        let Decision { contact, changes, .. } =
            decide(&self.catalog, &self.contact, &self.facts(now), input, now);
        self.contact = contact;
        for change in changes {
            if let Change::PutOrder(order) = change {
                self.orders.retain(|held| held.key != order.key);
                self.orders.push(*order);
            }
        }
        if let Input::Event(event) = input {
            let times = self.events.entry(event.kind.clone()).or_default();
            times.push(event.occurred_at);
        }
    }

    /// Who is in what now, asked afresh.
    fn truth(&self, now: Timestamp) -> Vec<String> {
        let counted = std::sync::Arc::new(self.facts(now).counted);
        let view = View {
            contact: &self.contact,
            counted: &counted,
            now,
        };
        let verdicts = Panel::read(&self.catalog).ask(view, &mut Vec::new());
        let members = self
            .catalog
            .segments
            .iter()
            .zip(verdicts)
            .filter(|(_, is_in)| *is_in);
        members.map(|(segment, _)| segment.name.to_string()).collect()
    }

    fn held(&self) -> Vec<String> {
        self.contact.segments.names().map(ToString::to_string).collect()
    }
}

const CONDITIONS: [&str; 16] = [
    "contact.days_since_order > 3",
    "contact.days_since_order >= 3 && contact.days_since_order < 9",
    "contact.days_since_order == 5",
    "contact.orders >= 2 && contact.days_since_first_order <= 6.5",
    "contact.days_since_signup % 7 == 0",
    "contact.days_since_open > 2 && contact.days_since_click > 4",
    "contact.days_since_mail < 1 || contact.orders == 0",
    "double(contact.days_since_order) > contact.average_interval * 2.0",
    "count('Product Viewed', 5) >= 2",
    "count('Product Viewed', 5) > count('Product Viewed', 2)",
    "count('Product Viewed', 9) == 0 && contact.days_since_order > 1",
    "contact.spend > 0.0",
    "!(contact.days_since_open <= 3) && contact.orders > 0",
    "7 > contact.days_since_signup",
    "contact.days_since_order in [2, 4, 8, 16]",
    "[contact.days_since_order].exists(days, days > 12)",
];

fn life(conditions: &[&str], start: Timestamp) -> Life {
    let mut contact = contact(ConsentState::Unknown);
    contact.since = start;
    let (orders, events) = (Vec::new(), Counted::new());
    Life {
        catalog: catalog_of(conditions),
        contact,
        orders,
        events,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, ..ProptestConfig::default() })]

    /// Looking only when something happens, and at the computed moments, is as good as looking every hour.
    #[test]
    fn no_change_is_missed(
        picked in prop::sample::subsequence(CONDITIONS.to_vec(), 1..6),
        happenings in prop::collection::btree_map(
            0_i64..(24 * 24 * 3_600),
            prop::sample::select(vec!["Order Completed", "Product Viewed", "Email Opened", "Email Clicked"]),
            0..8,
        ),
    ) {
        let start = at(0);
        let mut life = life(&picked, start);
        life.decide(&Input::Wake, start);
        let mut happenings = happenings.into_iter().enumerate().peekable();
        for hour in 0..(40 * 24) {
            let now = at(hour * HOUR);
            loop {
                let look = life.contact.segments.look_again.filter(|look| *look <= now);
                let next = happenings.peek().map(|(_, (second, _))| at(*second)).filter(|next| *next <= now);
                match (look, next) {
                    (Some(look), next) if next.is_none_or(|next| look <= next) => {
                        life.decide(&Input::Wake, look);
                        prop_assert!(life.contact.segments.look_again.is_none_or(|again| again > look));
                    }
                    (_, Some(next)) => {
                        let (number, (_, kind)) = happenings.next().unwrap();
                        let event = event(u32::try_from(number).unwrap(), kind, next);
                        life.decide(&Input::Event(Arc::new(event)), next);
                    }
                    (_, None) => break,
                }
            }
            prop_assert_eq!(life.held(), life.truth(now), "after {} hours", hour);
        }
    }
}

/// When somebody with these moments (days ago) is looked at again, in hours from now.
fn next(condition: &str, change: impl FnOnce(&mut Contact), viewed: &[i64]) -> Option<i64> {
    let now = at(1_000 * DAY);
    let mut life = life(&[condition], at(0));
    change(&mut life.contact);
    let times = viewed.iter().map(|hours| now.minus(Delay::from_hours(*hours)));
    life.events.insert(EventKind::ProductViewed, times.collect());
    life.decide(&Input::Wake, now);
    let again = life.contact.segments.look_again;
    again.map(|again| again.since(now).as_millis() / 1_000 / HOUR)
}

#[test]
fn the_next_wake_is_the_next_change_and_nothing_sooner() {
    let ordered = |hours: i64, orders: u32| {
        move |contact: &mut Contact| {
            contact.purchases.orders = orders;
            contact.purchases.last_at = Some(at(1_000 * DAY - hours * HOUR));
        }
    };
    let lapsed = "contact.days_since_order > 60";
    assert_eq!(
        next(lapsed, |_| {}, &[]),
        None,
        "never ordered: nothing ever changes"
    );
    assert_eq!(next(lapsed, ordered(0, 1), &[]), Some(61 * 24));
    assert_eq!(next(lapsed, ordered(1, 1), &[]), Some(61 * 24 - 1));
    assert_eq!(
        next(lapsed, ordered(61 * 24, 1), &[]),
        None,
        "in it until something happens"
    );
    let window = "contact.days_since_order >= 10 && contact.days_since_order < 20";
    assert_eq!(next(window, ordered(0, 1), &[]), Some(240));
    assert_eq!(next(window, ordered(240, 1), &[]), Some(240));
    // The other half of the condition keeps a million people from being woken for nothing.
    let loyal = "contact.orders >= 5 && contact.days_since_order > 60";
    assert_eq!(next(loyal, ordered(0, 4), &[]), None);
    assert_eq!(next(loyal, ordered(0, 5), &[]), Some(61 * 24));
    assert_eq!(next("count('Product Viewed', 7) >= 2", |_| {}, &[]), None);
    assert_eq!(
        next("count('Product Viewed', 7) >= 2", |_| {}, &[3]),
        None,
        "one view is not two"
    );
    assert_eq!(
        next("count('Product Viewed', 7) >= 2", |_| {}, &[1, 5]),
        Some(7 * 24 - 5)
    );
    assert_eq!(
        next("count('Product Viewed', 7) >= 2", |_| {}, &[1, 5, 9]),
        Some(7 * 24 - 5)
    );
    assert_eq!(
        next("contact.days_since_order % 3 == 2", ordered(0, 1), &[]),
        Some(48)
    );
    // Too far ahead to be tried out day by day: looked at on the way.
    assert_eq!(
        next("contact.days_since_order % 100 == 99", ordered(0, 1), &[]),
        Some(9 * 24)
    );
}

const RESTLESS: &str = "title: Circle
stage: retention
trigger: {enters: plain, key: contact}
reenter: restart
steps:
  - tag: marked
";
const BACK: &str = "title: Circle back
stage: retention
trigger: {leaves: plain, key: contact}
reenter: restart
steps:
  - untag: marked
";

#[test]
fn journeys_and_segments_that_undo_each_other_come_to_rest() {
    let segments = "plain: {when: '!(\"marked\" in contact.tags)'}\n";
    let mut project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    // They name segments of the repository's own.
    project.leave_drafts_out(|_| false);
    project.segments = Some(segments.to_owned());
    project.lock = None;
    project
        .journeys
        .insert("journeys/circle.yaml".to_owned(), RESTLESS.to_owned());
    project
        .journeys
        .insert("journeys/circle-back.yaml".to_owned(), BACK.to_owned());
    let checked = check(&project, Mode::Append);
    let catalog = checked
        .catalog
        .unwrap_or_else(|| panic!("{:?}", checked.findings));
    let new = Contact::new(contact(ConsentState::Unknown).id, at(0));
    let input = Input::Event(Arc::new(event(1, "Signed Up", at(0))));
    let decision = decide(&catalog, &new, &Facts::default(), &input, at(0));
    let ended = decision
        .changes
        .iter()
        .filter(|change| matches!(change, Change::EndEnrollment(_)));
    assert_eq!(ended.count(), 2, "there and back once");
    let unsettled = Remark::SegmentsUnsettled { contact: new.id };
    assert!(decision.remarks.contains(&unsettled), "{:?}", decision.remarks);
    // Nothing is left that would go on with it.
    assert_eq!(decision.contact.segments.look_again, None);
    assert_eq!(decision.contact.segments.names().count(), 1);
}

#[test]
fn a_new_definition_is_silent_and_a_backfill_has_its_time() {
    let journey = "title: Circle\nstage: retention\ntrigger: {enters: known, key: contact}\n\
                   steps:\n  - {send: welcome-hello, stream: marketing}\n";
    let when = "known: {when: contact.orders == 0}\n";
    let (silent, backfill) = (when.to_owned(), when.replace("}", ", backfill: true}"));
    let somebody = contact(ConsentState::Subscribed);
    let sweep = Input::Sweep { backfill_at: at(60) };
    let swept =
        |catalog: &Catalog, contact: &Contact| decide(catalog, contact, &Facts::default(), &sweep, at(0));
    let quiet = swept(&project_with(&silent, journey), &somebody);
    assert_eq!(
        (
            quiet.contact.enrollments.len(),
            quiet.contact.segments.names().count()
        ),
        (0, 1)
    );
    assert_eq!(quiet.contact.segments.look_again, None);
    let catalog = project_with(&backfill, journey);
    let later = swept(&catalog, &somebody).contact;
    assert_eq!(
        (later.enrollments.len(), later.segments.look_again),
        (0, Some(at(60)))
    );
    let woken = decide(&catalog, &later, &Facts::default(), &Input::Wake, at(60)).contact;
    assert_eq!(woken.enrollments.len(), 1);
    assert_eq!(woken.segments.starting, BTreeMap::new());
    assert_eq!(
        swept(&catalog, &woken).contact,
        woken,
        "a second sweep changes nothing"
    );
    let mut gone = catalog;
    gone.segments.clear();
    gone.journeys.retain(|journey| journey.id.as_str() != "circle");
    let left = swept(&gone, &later).contact;
    assert_eq!(
        left.segments,
        Standings::default(),
        "nothing stays of segments that are gone"
    );
}

#[test]
#[ignore = "a measurement: cargo test --release --lib segments::tests::cost -- --ignored --nocapture"]
fn cost() {
    let conditions: Vec<&str> = CONDITIONS.iter().copied().cycle().take(20).collect();
    let mut life = life(&conditions, at(0));
    for number in 0..20_u32 {
        let kind = if number % 2 == 0 {
            "Order Completed"
        } else {
            "Product Viewed"
        };
        let when = at(i64::from(number) * DAY);
        life.decide(&Input::Event(Arc::new(event(number, kind, when))), when);
    }
    let now = at(20 * DAY);
    let counted = std::sync::Arc::new(life.facts(now).counted);
    let view = View {
        contact: &life.contact,
        counted: &counted,
        now,
    };
    let rounds = 2_000_u32;
    let time = |what: &str, work: &dyn Fn()| {
        #[expect(clippy::disallowed_methods, reason = "a measurement")]
        let start = std::time::Instant::now();
        (0..rounds).for_each(|_| work());
        println!("{what}: {:?}", start.elapsed() / rounds);
    };
    time("read 20 conditions", &|| drop(Panel::read(&life.catalog)));
    let panel = Panel::read(&life.catalog);
    time("ask 20", &|| drop(panel.ask(view, &mut Vec::new())));
    time("next change", &|| assert!(panel.next_change(view).is_some()));
    let facts = life.facts(now);
    let wake = Input::Wake;
    let mut due = life.contact.clone();
    due.segments.look_again = Some(now);
    let mut idle = life.contact.clone();
    idle.segments.look_again = None;
    time("a decision that looks at all", &|| {
        drop(decide(&life.catalog, &due, &facts, &wake, now))
    });
    time("a decision that need not look", &|| {
        drop(decide(&life.catalog, &idle, &facts, &wake, now))
    });
}
