//! Whether bytes of unknown fate may go out again: all that the gate asks, but lateness and caps, which they met in time.

use crate::privacy::bounced;
use crate::world::{pass, tell, world};
use std::collections::BTreeSet;
use wend::domain::ids::ContactId;
use wend::domain::outcome::Outcome;
use wend::domain::switches::Change;
use wend::domain::time::Delay;
use wend::engine::warm_up::Places;
use wend::journey::store_file::Cap;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::claim::Terms;
use wend::turn::wake::DueMessage;

const HOUR: Delay = Delay::from_hours(1);
const MINUTE: Delay = Delay::from_minutes(1);

/// The reminder of nadia's cart left and was not heard of, and then a cap was set that her welcome fills for a week.
fn capped_and_unknown() -> World {
    let mut world = world(1, ProviderKind::Resend);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    pass(&mut world, MINUTE);
    tell(&world, &mut story, "checkout T1 by=nadia");
    world.provider.borrow_mut().faults.push_back(Fault::Lost);
    pass(&mut world, HOUR);
    assert_eq!(requests(&world), 2);
    world.catalog.store.caps = vec![Cap {
        mails: 1,
        per: Delay::from_days(7),
        except: Vec::new(),
    }];
    world
}

fn requests(world: &World) -> usize {
    world.provider.borrow().requests
}

#[test]
fn a_cap_that_filled_up_since_holds_no_repeat() {
    let mut world = capped_and_unknown();
    pass(&mut world, MINUTE);
    assert_eq!(requests(&world), 3);
}

#[test]
fn a_repeat_that_a_cap_would_hold_still_asks_for_the_allow_list() {
    let mut world = capped_and_unknown();
    let own = Change {
        only_to: Some(Some(vec![address("bea")])),
        ..Change::default()
    };
    world.switch(&own).unwrap();
    pass(&mut world, Delay::from_days(2));
    assert_eq!(requests(&world), 2);
}

#[test]
fn a_repeat_that_a_cap_would_hold_still_waits_for_the_hours() {
    let mut world = capped_and_unknown();
    // It is ten in the morning.
    world.catalog.store.quiet_hours = Some("09:00-15:00".parse().unwrap());
    pass(&mut world, Delay::from_hours(4));
    assert_eq!(requests(&world), 2);
    pass(&mut world, Delay::from_hours(2));
    assert_eq!(requests(&world), 3);
}

/// The welcome of nadia left and was not heard of; since then her shop knows her by another address, which says this.
fn another_address(says: &str) -> World {
    let mut world = world(1, ProviderKind::Resend);
    let mut story = Story::default();
    world.provider.borrow_mut().faults.push_back(Fault::Lost);
    tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
    pass(&mut world, Delay::from_seconds(5));
    assert_eq!(requests(&world), 1);
    tell(&world, &mut story, &format!("profile by=bea customer=7 {says}"));
    world
}

#[test]
fn a_repeat_is_asked_about_for_the_address_its_bytes_go_to() {
    let mut world = another_address("");
    pass(&mut world, HOUR);
    assert_eq!(requests(&world), 2, "nadia's own yes is what it goes by");
}

#[test]
fn a_repeat_to_an_address_that_bounced_stays_though_the_person_has_another() {
    let mut world = another_address("subscribed");
    world.hear(vec![bounced(&world, "nadia")]).unwrap();
    pass(&mut world, HOUR);
    assert_eq!(requests(&world), 1);
}

#[test]
fn the_allow_list_is_asked_about_the_address_the_bytes_go_to() {
    for (listed, expected) in [("nadia", 2), ("bea", 1)] {
        let mut world = another_address("subscribed");
        let own = Change {
            only_to: Some(Some(vec![address(listed)])),
            ..Change::default()
        };
        world.switch(&own).unwrap();
        pass(&mut world, HOUR);
        assert_eq!(requests(&world), expected, "{listed}");
    }
}

/// The thanks to two people left as one request, and nobody knows what became of it.
fn unknown_as_one() -> World {
    let mut world = world(1, ProviderKind::Resend);
    let shard = world.indices()[0];
    let mut story = Story::default();
    let stopped = |stopped| Change {
        stopped: Some(stopped),
        ..Change::default()
    };
    world.switch(&stopped(true)).unwrap();
    for name in ["nadia", "bea"] {
        tell(&world, &mut story, &format!("order {name} by={name}"));
    }
    pass(&mut world, Delay::from_seconds(1));
    world.switch(&stopped(false)).unwrap();
    let rows = world.messages().unwrap();
    let wake = |contact: &ContactId| world.turn(shard, |turn| turn.wake(contact)).unwrap().messages;
    let due: Vec<DueMessage> = rows.iter().flat_map(|row| wake(&row.contact)).collect();
    let terms = Terms {
        provider: ProviderKind::Resend,
        checkouts: &Default::default(),
        offers: &Default::default(),
        places: &Places::unlimited(),
        shadow: false,
    };
    let claimed = world.turn(shard, |turn| turn.claim_messages(&due, terms));
    let dispatch = claimed.unwrap().unwrap().dispatch;
    assert_eq!((dispatch.members.len(), dispatch.addressees.len()), (2, 2));
    let unknown = Outcome::Unknown("no answer".to_owned());
    let outcomes = [unknown.clone(), unknown];
    world
        .turn(shard, |turn| turn.conclude(&dispatch, &outcomes))
        .unwrap();
    world
}

/// The keys under which mails were taken.
fn keys(world: &World) -> BTreeSet<String> {
    let provider = world.provider.borrow();
    provider.taken.iter().map(|taken| taken.key.clone()).collect()
}

#[test]
fn a_repeat_of_several_is_asked_about_for_each_by_its_own_address() {
    let mut world = unknown_as_one();
    pass(&mut world, HOUR);
    assert_eq!((requests(&world), keys(&world).len()), (1, 1));
    assert_eq!(world.dispatches().unwrap(), []);
}

#[test]
fn a_repeat_that_is_refused_as_a_whole_is_not_sent_singly() {
    let mut world = unknown_as_one();
    world.provider.borrow_mut().faults.push_back(Fault::Refused);
    pass(&mut world, HOUR);
    assert_eq!((requests(&world), keys(&world).len()), (2, 1), "under one key");
    assert_eq!(world.dispatches().unwrap(), []);
}
