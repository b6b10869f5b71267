//! Who carries a mail when the preferred provider cannot, what waits meanwhile and why, and how a new domain is made known:
//! whole installations under virtual time.

use crate::world::{contact_of, pass, tell, world};
use wend::domain::message::MessageState;
use wend::domain::time::Delay;
use wend::engine::breaker::Breaker;
use wend::journey::store_file::WarmUp;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store;
use wend::turn::call::{Answer, Call};

const MINUTE: Delay = Delay::from_minutes(1);
const HOUR: Delay = Delay::from_hours(1);
const DAY: Delay = Delay::from_days(1);

/// A world that prefers Resend and has the outbox behind it.
fn two_providers() -> World {
    let mut world = world(1, ProviderKind::Resend);
    world.settings.providers.push(ProviderKind::Outbox);
    world
}

fn fault(world: &World, faults: &[Fault]) {
    world.provider.borrow_mut().faults.extend(faults.iter().copied());
}

fn order(world: &World, name: &str) {
    tell(world, &mut Story::default(), &format!("order {name} by={name}"));
}

/// How many mails Resend took, how many the outbox, and how often Resend was asked.
fn count(world: &World) -> (usize, usize, usize) {
    let provider = world.provider.borrow();
    (
        provider.taken.len(),
        world.outbox().unwrap().len(),
        provider.requests,
    )
}

/// Reasons of what waits, each with its number.
fn waiting(world: &World) -> Vec<(String, u64)> {
    let shard = world.indices()[0];
    let Answer::Overview(overview) = world.call(shard, Call::Overview).unwrap() else {
        panic!("no overview");
    };
    let rows = overview["messages"].as_array().unwrap().iter();
    let held = rows.filter(|row| row["state"] == "intended" && !row["reason"].is_null());
    held.map(|row| {
        (
            row["reason"].as_str().unwrap().to_owned(),
            row["count"].as_u64().unwrap(),
        )
    })
    .collect()
}

#[test]
fn what_the_first_provider_refuses_for_our_settings_leaves_through_the_next_at_once() {
    let mut world = two_providers();
    fault(&world, &[Fault::Unauthorised]);
    order(&world, "ana");
    pass(&mut world, Delay::from_seconds(5));
    order(&world, "bea");
    pass(&mut world, Delay::from_seconds(5));
    assert_eq!(count(&world), (0, 2, 1));
    // When its time has come one mail sees whether it is well, and then it has the mail again.
    pass(&mut world, Delay::from_minutes(6));
    order(&world, "cleo");
    order(&world, "dora");
    pass(&mut world, Delay::from_seconds(5));
    assert_eq!(count(&world), (2, 2, 3));
}

#[test]
fn what_may_have_arrived_never_goes_to_another_provider() {
    for lost in [Fault::Lost, Fault::Silent, Fault::Broken] {
        let mut world = two_providers();
        fault(&world, &[lost, lost, lost, lost]);
        order(&world, "ana");
        pass(&mut world, HOUR);
        assert_eq!((count(&world).0, count(&world).1), (1, 0), "{lost:?}");
        // It was down for a while, and who came later did not wait for it.
        let mut world = two_providers();
        fault(&world, &[lost; 3]);
        order(&world, "ana");
        pass(&mut world, Delay::from_seconds(40));
        order(&world, "bea");
        pass(&mut world, Delay::from_seconds(5));
        assert_eq!(count(&world).1, 1, "{lost:?}");
        pass(&mut world, HOUR);
        assert_eq!((count(&world).0, count(&world).1), (1, 1), "{lost:?}");
    }
}

#[test]
fn a_refusal_of_a_repeat_sends_nothing_elsewhere() {
    let mut world = two_providers();
    fault(&world, &[Fault::Silent, Fault::Unauthorised, Fault::Unauthorised]);
    order(&world, "ana");
    pass(&mut world, HOUR);
    assert_eq!(count(&world), (1, 0, 4));
}

#[test]
fn a_refused_key_is_asked_about_by_one_request_at_a_time_and_all_waits_with_its_reason() {
    let mut world = world(1, ProviderKind::Resend);
    fault(&world, &[Fault::Unauthorised; 3]);
    for name in ["ana", "bea", "cleo"] {
        order(&world, name);
    }
    pass(&mut world, Delay::from_seconds(1));
    let burst = count(&world).2;
    assert_eq!(waiting(&world), [("provider_refuses".to_owned(), 3)]);
    // A process that dies meanwhile forgets neither the fault nor the mail.
    world.restart();
    order(&world, "dora");
    pass(&mut world, Delay::from_minutes(4));
    assert_eq!(count(&world), (0, 0, burst));
    assert_eq!(waiting(&world), [("provider_refuses".to_owned(), 4)]);
    pass(&mut world, Delay::from_minutes(40));
    let (taken, _, requests) = count(&world);
    assert_eq!(taken, 4, "all of them, once");
    assert!(requests <= 4 + 3, "{requests} requests");
    assert!(waiting(&world).is_empty());
}

#[test]
fn a_message_that_is_held_for_long_costs_two_rows_a_look() {
    let mut world = world(1, ProviderKind::Resend);
    fault(&world, &[Fault::Unauthorised; 50]);
    order(&world, "ana");
    order(&world, "bea");
    pass(&mut world, HOUR);
    let before = world.rows_written();
    pass(&mut world, Delay::from_minutes(15));
    let rows = world.rows_written() - before;
    // One is the probe: its claim, its refusal, and back into the queue. The other only waits on.
    assert!(rows <= 12, "{rows} rows");
}

#[test]
fn a_stored_breaker_is_read_as_it_was_written() {
    let world = world(1, ProviderKind::Resend);
    let breaker = Breaker::Closed;
    store::breaker::put(&world.store, "resend", &breaker).unwrap();
    assert!(store::breaker::all(&world.store).unwrap().is_empty());
}

/// A world whose sending domain is new today.
fn warming_up(start: u32) -> World {
    let mut world = world(1, ProviderKind::Outbox);
    let from = "2026-03-02".parse().unwrap();
    world.catalog.store.warm_up = Some(WarmUp { from, start });
    world
}

fn subscribe(world: &World, names: &[&str]) {
    for name in names {
        tell(
            world,
            &mut Story::default(),
            &format!("signup by={name} subscribed"),
        );
    }
}

#[test]
fn a_new_domain_sends_as_much_marketing_as_its_day_allows_and_every_order() {
    let mut world = warming_up(5);
    let names = ["ana", "bea", "cleo", "dora", "eve", "fay", "gil", "hal"];
    subscribe(&world, &names);
    pass(&mut world, MINUTE);
    assert_eq!(world.outbox().unwrap().len(), 5);
    assert_eq!(waiting(&world), [("warm_up".to_owned(), 3)]);
    order(&world, "omar");
    pass(&mut world, MINUTE);
    assert_eq!(world.outbox().unwrap().len(), 6, "an order never waits");
    let day = store::warm_up::latest(&world.store).unwrap().unwrap();
    assert_eq!((day.day.as_str(), day.taken, day.limit), ("2026-03-02", 5, 5));
    // It is 9 in the morning: the next day of the store begins in 15 hours.
    pass(&mut world, Delay::from_hours(15));
    assert_eq!(world.outbox().unwrap().len(), 9);
    assert!(waiting(&world).is_empty());
}

#[test]
fn what_a_warm_up_holds_for_too_long_is_dropped_with_its_reason_and_not_sent_weeks_late() {
    let mut world = warming_up(1);
    subscribe(&world, &["ana", "bea", "cleo", "dora", "eve"]);
    pass(&mut world, Delay::from_days(20));
    let late: Vec<_> = world
        .messages()
        .unwrap()
        .into_iter()
        .filter(|row| row.message.state == MessageState::Dropped)
        .map(|row| (row.message.step.to_string(), row.message.reason))
        .collect();
    assert!(!late.is_empty());
    for (step, reason) in late {
        assert_eq!(reason.as_deref(), Some("too_late"), "{step}");
    }
    let first = contact_of(&world, "ana");
    assert!(world.messages().unwrap().iter().any(|row| row.contact == first));
}

#[test]
fn places_that_no_mail_took_are_given_back() {
    let mut world = warming_up(5);
    // Nobody of these gave consent, so each is dropped at the gate.
    for name in ["ana", "bea", "cleo"] {
        tell(&world, &mut Story::default(), &format!("signup by={name}"));
    }
    pass(&mut world, MINUTE);
    let day = store::warm_up::latest(&world.store).unwrap();
    assert_eq!(day.map_or(0, |day| day.taken), 0);
    subscribe(&world, &["dora", "eve", "fay", "gil", "hal"]);
    pass(&mut world, MINUTE);
    assert_eq!(world.outbox().unwrap().len(), 5);
    pass(&mut world, DAY);
}
