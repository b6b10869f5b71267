//! Who carries a mail when the preferred provider cannot, what waits meanwhile and why: whole installations under virtual
//! time.

use crate::world::{pass, tell, waiting, world};
use wend::domain::message::Lane;
use wend::domain::outcome::Outcome;
use wend::domain::switches::Change;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::breaker::{Breaker, Cause};
use wend::engine::delivery::Dispatch;
use wend::engine::traffic::{Candidate, Doubt, Leave, Lesson, Traffic};
use wend::http::Headers;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store;
use wend::turn::lesson::{Taught, lesson_of};

const HOUR: Delay = Delay::from_hours(1);

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

#[test]
fn a_probe_that_no_mail_took_is_there_for_the_next() {
    let mut world = world(1, ProviderKind::Resend);
    fault(&world, &[Fault::Unauthorised]);
    tell(&world, &mut Story::default(), "signup by=ana subscribed");
    pass(&mut world, Delay::from_seconds(5));
    assert_eq!(waiting(&world), [("provider_refuses".to_owned(), 1)]);
    // By the time of the probe the one mail that could be it may not leave.
    let own = Change {
        only_to: Some(Some(vec![address("bea")])),
        ..Change::default()
    };
    world.switch(&own).unwrap();
    pass(&mut world, Delay::from_minutes(5));
    assert_eq!((count(&world).0, count(&world).2), (0, 1));
    order(&world, "bea");
    pass(&mut world, Delay::from_seconds(5));
    assert_eq!((count(&world).0, count(&world).2), (1, 2));
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_790_000_000 + seconds)
}

/// What Brevo says with a mail that it takes, and no other request in the window.
fn accepted_with_nothing_left(seconds: &str) -> Lesson {
    let headers = Headers::new()
        .with("x-sib-ratelimit-limit", "100")
        .with("x-sib-ratelimit-remaining", "0")
        .with("x-sib-ratelimit-reset", seconds);
    let dispatch = Dispatch {
        id: "d1".to_owned(),
        provider: "brevo".to_owned(),
        key: "d1".to_owned(),
        generation: 1,
        members: Vec::new(),
        addressees: Vec::new(),
        attempt: 1,
        first_at: at(0),
        lease_until: at(45),
        next_at: None,
    };
    let taught = Taught {
        settings: "s1".to_owned(),
        doubt: Doubt::default(),
        outcomes: &[Outcome::Accepted(None)],
        rate: ProviderKind::Brevo.rate_hint(&headers, at(0)),
        silence: None,
    };
    lesson_of(&dispatch, taught, at(0))
}

fn leave(traffic: &mut Traffic, seconds: i64) -> Leave {
    let candidate = |provider: &str| Candidate {
        provider: provider.to_owned(),
        settings: "s1".to_owned(),
        paced: true,
    };
    let both = ["brevo", "ses"].map(candidate);
    traffic.leave(&both, Lane::Marketing, 1, at(seconds))
}

#[test]
fn a_long_rest_that_headers_ask_for_shuts_the_provider_with_its_reason_and_the_next_carries_the_mail() {
    let mut traffic = Traffic::default();
    traffic.learn(accepted_with_nothing_left("3000"), at(0));
    let Leave::Go { provider, .. } = leave(&mut traffic, 1) else {
        panic!("nobody carries it");
    };
    assert_eq!(provider, "ses");
    let opened = traffic.breakers()["brevo"].opened().unwrap();
    assert_eq!((opened.cause, opened.until), (Cause::Quota, at(3_000)));
    assert_eq!(opened.reason, "it asked for a long rest");
}

#[test]
fn a_short_rest_that_headers_ask_for_is_waited_for() {
    let mut traffic = Traffic::default();
    traffic.learn(accepted_with_nothing_left("300"), at(0));
    assert_eq!(leave(&mut traffic, 1), Leave::Rest { again_at: at(300) });
    assert!(traffic.breakers().is_empty());
}

#[test]
fn a_time_where_a_length_belongs_is_no_rest() {
    let mut traffic = Traffic::default();
    traffic.learn(accepted_with_nothing_left("1790003600"), at(0));
    assert!(traffic.breakers().is_empty());
    let Leave::Go { provider, .. } = leave(&mut traffic, 1) else {
        panic!("nobody carries it");
    };
    assert_eq!(provider, "brevo");
}
