//! Shadow mode that begins or ends while something is under way: nothing leaves unasked, and nothing is forgotten.

use crate::world::{contact_of, pass, tell, world};
use wend::domain::message::MessageState;
use wend::domain::switches::Change;
use wend::domain::time::Delay;
use wend::engine::warm_up::Places;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::telling::Story;
use wend::turn::claim::Terms;

fn shadow(on: bool) -> Change {
    Change {
        shadow: Some(on),
        ..Change::default()
    }
}

#[test]
fn a_round_begun_in_shadow_mode_that_is_lifted_meanwhile_leaves_its_mails_due() {
    let world = world(1, ProviderKind::Resend);
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    let shard = world.indices()[0];
    let contact = contact_of(&world, "nadia");
    let due = world.turn(shard, |turn| turn.wake(&contact)).unwrap().messages;
    assert_eq!(due.len(), 1);
    let claimed = |shadow| {
        let turn = world.turn(shard, |turn| {
            let terms = Terms {
                provider: ProviderKind::Resend,
                checkouts: &Default::default(),
                offers: &Default::default(),
                places: &Places::unlimited(),
                shadow,
            };
            turn.claim_messages(&due, terms)
        });
        turn.unwrap().map(|claimed| claimed.dispatch.members.len())
    };
    assert_eq!(
        claimed(true),
        None,
        "nobody was asked whether a request may be made"
    );
    let states = world.messages().unwrap();
    assert_eq!(states[0].message.state, MessageState::Intended);
    assert_eq!(claimed(false), Some(1));
}

#[test]
fn a_repeat_is_looked_at_now_and_then_and_leaves_once_shadow_mode_is_over() {
    let mut world = world(1, ProviderKind::Resend);
    world.provider.borrow_mut().faults.push_back(Fault::Lost);
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, Delay::from_seconds(1));
    world.switch(&shadow(true)).unwrap();
    let before = world.rows_written();
    pass(&mut world, Delay::from_hours(1));
    let shard = world.indices()[0];
    let due = world.turn(shard, |turn| turn.next_due()).unwrap().unwrap();
    assert!(due > world.now, "nothing is due that may not be done");
    assert!(world.rows_written() - before <= 5);
    assert_eq!(world.provider.borrow().requests, 1);
    world.switch(&shadow(false)).unwrap();
    pass(&mut world, Delay::from_minutes(15));
    assert_eq!(world.provider.borrow().taken.len(), 1);
}
