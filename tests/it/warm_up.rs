//! How a new sending domain is made known: what its day lets out, what counts for it and what does not.

use crate::world::{contact_of, pass, tell, waiting, world};
use wend::domain::message::MessageState;
use wend::domain::switches::Change;
use wend::domain::time::Delay;
use wend::journey::store_file::WarmUp;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store;

const MINUTE: Delay = Delay::from_minutes(1);
const DAY: Delay = Delay::from_days(1);
const FIVE: [&str; 5] = ["ana", "bea", "cleo", "dora", "eve"];

/// A world whose sending domain is new today.
fn warming_up(start: u32) -> World {
    warming_up_by(ProviderKind::Outbox, start)
}

fn warming_up_by(provider: ProviderKind, start: u32) -> World {
    let mut world = world(1, provider);
    let from = "2026-03-02".parse().unwrap();
    world.catalog.store.warm_up = Some(WarmUp { from, start });
    world
}

/// Places of the last day that are taken.
fn taken(world: &World) -> u32 {
    let day = store::warm_up::latest(&world.store).unwrap();
    day.map_or(0, |day| day.taken)
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
    tell(&world, &mut Story::default(), "order omar by=omar");
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
    subscribe(&world, &FIVE);
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
    assert_eq!(taken(&world), 0);
    subscribe(&world, &["dora", "eve", "fay", "gil", "hal"]);
    pass(&mut world, MINUTE);
    assert_eq!(world.outbox().unwrap().len(), 5);
    pass(&mut world, DAY);
}

#[test]
fn what_a_provider_did_not_take_takes_no_place_of_the_day() {
    for fault in [Fault::Unauthorised, Fault::Busy, Fault::Refused] {
        let mut world = warming_up_by(ProviderKind::Resend, 5);
        world.provider.borrow_mut().faults.extend([fault; 5]);
        subscribe(&world, &FIVE);
        pass(&mut world, Delay::from_seconds(5));
        assert!(world.provider.borrow().taken.is_empty());
        assert_eq!(taken(&world), 0, "{fault:?}");
        world.provider.borrow_mut().faults.clear();
        subscribe(&world, &["fay", "gil", "hal", "ida", "jo"]);
        pass(&mut world, Delay::from_minutes(30));
        assert_eq!(world.provider.borrow().taken.len(), 5, "{fault:?}");
        assert_eq!(taken(&world), 5, "{fault:?}");
    }
}

#[test]
fn what_may_have_arrived_keeps_its_place() {
    let mut world = warming_up_by(ProviderKind::Resend, 5);
    world
        .provider
        .borrow_mut()
        .faults
        .extend([Fault::Silent, Fault::Lost]);
    subscribe(&world, &FIVE);
    pass(&mut world, MINUTE);
    assert_eq!((world.provider.borrow().taken.len(), taken(&world)), (5, 5));
}

#[test]
fn what_is_only_decided_or_cannot_be_written_takes_no_place() {
    let mut shadow = warming_up_by(ProviderKind::Resend, 5);
    let on = Change {
        shadow: Some(true),
        ..Change::default()
    };
    shadow.switch(&on).unwrap();
    subscribe(&shadow, &FIVE);
    pass(&mut shadow, MINUTE);
    let shadowed = |world: &World| {
        let rows = world.messages().unwrap().into_iter();
        rows.filter(|row| row.message.state == MessageState::Shadowed)
            .count()
    };
    assert_eq!((shadowed(&shadow), taken(&shadow)), (5, 0));
    let mut keyless = warming_up(5);
    // Without it no link can be signed, so no mail is written.
    keyless.settings.link_keys = None;
    subscribe(&keyless, &FIVE);
    pass(&mut keyless, MINUTE);
    assert_eq!((keyless.letters().unwrap().len(), taken(&keyless)), (5, 0));
}
