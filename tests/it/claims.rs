//! What a time line cannot show: states between two turns, shards that are away, and what stays in the tables.

use crate::world::{contact_of, event, hash, pass, tell, world};
use std::collections::BTreeSet;
use wend::domain::consent::ConsentState;
use wend::domain::identity::IdentifierKind;
use wend::domain::message::MessageState;
use wend::domain::shard::ShardIndex;
use wend::domain::switches::Change;
use wend::domain::time::Delay;
use wend::engine::decision::Input;
use wend::engine::identity::Hashed;
use wend::engine::state::Facts;
use wend::engine::warm_up::Places;
use wend::journey::store_file::Referral;
use wend::providers::ProviderKind;
use wend::signing::identity::identity_hash;
use wend::simulation::provider::Fault;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::{Answer, Call, Ingest, Touch};
use wend::turn::choice::{By, Choice, Chosen};
use wend::turn::claim::Terms;
use wend::turn::wake::DueMessage;

const HOUR: Delay = Delay::from_hours(1);

/// An id of that kind whose row is in another shard than the contact.
fn elsewhere(world: &World, kind: IdentifierKind, name: &str) -> (String, ShardIndex) {
    let home = world.settings.shards.of_contact(&contact_of(world, name));
    let mut ids = (0..).map(|number| format!("X{number}"));
    ids.find_map(|id| {
        let shard = world.settings.shards.of_identifier(&hash(world, kind, &id));
        (shard != home).then_some((id, shard))
    })
    .unwrap()
}

/// What a shard has done of an order whose contact's shard has not heard of it yet.
fn close(world: &World, shard: ShardIndex, kind: IdentifierKind, value: &str) {
    let touch = Touch {
        identifiers: vec![(hash(world, kind, value), kind)],
        founder: None,
        bought_at: Some(world.now),
        named_at: None,
    };
    world.turn(shard, |turn| turn.touch(&touch)).unwrap();
}

/// A world whose nudge for nadia's cart left and was not heard of: its repeat is due in some seconds.
fn nudge_without_answer(kind: IdentifierKind) -> (World, String, ShardIndex) {
    let mut world = world(4, ProviderKind::Resend);
    let (id, shard) = elsewhere(&world, kind, "nadia");
    let names = match kind {
        IdentifierKind::Cart => format!("checkout T1 cart={id}"),
        _ => format!("checkout {id}"),
    };
    tell(
        &world,
        &mut Story::default(),
        &format!("{names} by=nadia subscribed"),
    );
    world.provider.borrow_mut().faults.push_back(Fault::Lost);
    pass(&mut world, HOUR);
    assert_eq!(
        (
            world.provider.borrow().requests,
            world.dispatches().unwrap().len()
        ),
        (1, 1)
    );
    (world, id, shard)
}

#[test]
fn a_repeat_asks_the_other_shard_whether_the_cart_was_bought() {
    for kind in [IdentifierKind::Checkout, IdentifierKind::Cart] {
        let (mut world, id, shard) = nudge_without_answer(kind);
        close(&world, shard, kind, &id);
        pass(&mut world, Delay::from_hours(24));
        assert_eq!(world.provider.borrow().taken, [], "{kind:?}");
        let states: Vec<MessageState> = world
            .messages()
            .unwrap()
            .iter()
            .map(|row| row.message.state)
            .collect();
        assert_eq!(states[0], MessageState::GivenUp, "{kind:?}");
    }
}

#[test]
fn a_repeat_waits_while_the_other_shard_does_not_answer() {
    let (mut world, _, shard) = nudge_without_answer(IdentifierKind::Checkout);
    world.away.set(Some(shard));
    pass(&mut world, HOUR);
    assert_eq!(world.provider.borrow().requests, 1);
    world.away.set(None);
    pass(&mut world, Delay::from_minutes(2));
    assert_eq!(world.provider.borrow().taken.len(), 1);
}

#[test]
fn a_cart_that_was_bought_elsewhere_gets_no_mail() {
    for shards in [1, 4] {
        let mut world = world(shards, ProviderKind::Outbox);
        tell(
            &world,
            &mut Story::default(),
            "checkout T1 cart=C1 by=nadia subscribed",
        );
        let shard = world
            .settings
            .shards
            .of_identifier(&hash(&world, IdentifierKind::Cart, "C1"));
        close(&world, shard, IdentifierKind::Cart, "C1");
        pass(&mut world, HOUR);
        assert_eq!(world.outbox().unwrap(), [], "{shards} shards");
        let reasons: Vec<_> = world
            .messages()
            .unwrap()
            .into_iter()
            .map(|row| row.message.reason)
            .collect();
        assert_eq!(reasons, [Some("checkout_closed".to_owned())]);
    }
}

#[test]
fn marketing_that_no_provider_may_carry_waits_for_one() {
    let mut world = world(1, ProviderKind::CloudflareEmail);
    let story = "checkout T1 by=nadia subscribed";
    tell(&world, &mut Story::default(), story);
    pass(&mut world, HOUR);
    let home = world.settings.shards.of_contact(&contact_of(&world, "nadia"));
    let Answer::Reasons { held, .. } = world.call(home, Call::Reasons).unwrap() else {
        panic!("no reasons");
    };
    assert_eq!(
        held[0].reason,
        "it waits for a provider that may carry it: none in EMAIL_PROVIDER may"
    );
    // It is looked at once an hour, and two days of waiting are not held against it.
    let before = world.rows_written();
    pass(&mut world, HOUR);
    assert!(world.rows_written() - before <= 2);
    pass(&mut world, Delay::from_days(2));
    assert_eq!(world.messages().unwrap()[0].message.state, MessageState::Intended);
    assert_eq!(world.provider.borrow().requests, 0);
    world.settings.providers.push(ProviderKind::Outbox);
    pass(&mut world, HOUR);
    assert_eq!(world.outbox().unwrap().len(), 1);
}

#[test]
fn a_deferral_is_stored_with_its_reason_and_shown() {
    let mut world = world(4, ProviderKind::Outbox);
    let (id, shard) = elsewhere(&world, IdentifierKind::Checkout, "nadia");
    tell(
        &world,
        &mut Story::default(),
        &format!("checkout {id} by=nadia subscribed"),
    );
    world.away.set(Some(shard));
    pass(&mut world, HOUR);
    let home = world.settings.shards.of_contact(&contact_of(&world, "nadia"));
    let Answer::Overview(overview) = world.call(home, Call::Overview).unwrap() else {
        panic!("no overview");
    };
    assert_eq!(overview["waiting"][0]["reason"], "checkout_unreadable");
    assert_eq!(overview["messages"][0]["reason"], "checkout_unreadable");
    let Answer::Reasons { held, .. } = world.call(home, Call::Reasons).unwrap() else {
        panic!("no reasons");
    };
    assert_eq!(held[0].reason, "it could not be told whether the cart was bought");
    // Waiting longer for the same reason writes no more than the contact's place in the schedule.
    let before = world.rows_written();
    pass(&mut world, Delay::from_seconds(60));
    assert!(world.rows_written() - before <= 2);
    world.away.set(None);
    pass(&mut world, Delay::from_minutes(2));
    assert_eq!(world.outbox().unwrap().len(), 1);
}

#[test]
fn a_mail_that_cannot_be_made_leaves_a_letter_that_says_which() {
    let mut world = world(1, ProviderKind::Outbox);
    world.settings.link_keys = None;
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, HOUR);
    let letter = world.letters().unwrap().remove(0);
    let body: serde_json::Value = serde_json::from_str(&letter.body).unwrap();
    assert_eq!(
        (&body["journey"], &body["step"]),
        (&"welcome".into(), &"welcome-hello".into())
    );
    assert!(body["error"].as_str().unwrap().contains("LINK_KEY"));
    assert_eq!(
        letter.id,
        format!("message:{}", body["message"].as_str().unwrap())
    );
    let Answer::Overview(overview) = world.call(world.indices()[0], Call::Overview).unwrap() else {
        panic!("no overview");
    };
    assert_eq!(overview["dead_letters"][0]["about"]["step"], "welcome-hello");
}

fn stopped(stopped: bool) -> Change {
    Change {
        stopped: Some(stopped),
        ..Change::default()
    }
}

#[test]
fn a_request_holds_messages_of_one_generation() {
    let mut world = world(1, ProviderKind::Resend);
    let shard = world.indices()[0];
    world.switch(&stopped(true)).unwrap();
    let mut story = Story::default();
    for name in ["ana", "bea", "cleo"] {
        tell(&world, &mut story, &format!("order {name} by={name} subscribed"));
    }
    pass(&mut world, Delay::from_seconds(1));
    world.switch(&stopped(false)).unwrap();
    let messages = world.messages().unwrap();
    let again = messages[1].message.id.clone();
    // One of them is sent for the second time.
    let at = world.now;
    world
        .turn(shard, |turn| {
            let loaded = turn.existing(&messages[1].contact)?.unwrap();
            let message = again.clone();
            let provider = "resend".to_owned();
            let input = Input::Resend {
                message,
                at,
                provider,
            };
            turn.settle(loaded, &Facts::default(), &input)
        })
        .unwrap();
    let due: Vec<DueMessage> = messages
        .iter()
        .flat_map(|row| {
            world
                .turn(shard, |turn| turn.wake(&row.contact))
                .unwrap()
                .messages
        })
        .collect();
    assert_eq!(
        due.iter().map(|item| item.generation).collect::<Vec<_>>(),
        [1, 2, 1]
    );
    let claim = |due: &[DueMessage]| {
        let claimed = world.turn(shard, |turn| {
            let terms = Terms {
                provider: ProviderKind::Resend,
                checkouts: &Default::default(),
                offers: &Default::default(),
                places: &Places::unlimited(),
                shadow: false,
            };
            turn.claim_messages(due, terms)
        });
        claimed.unwrap().unwrap().dispatch
    };
    let (first, second) = (claim(&due), claim(&due));
    assert_eq!((first.generation, first.members.len()), (1, 2));
    assert_eq!((second.generation, &second.members[..]), (2, &[again][..]));
    assert!(second.key.ends_with("-2") && !first.key.ends_with("-2"));
}

#[test]
fn the_link_of_a_merged_contact_works_when_all_traces_of_the_merge_are_old() {
    for shards in [1, 4, 16] {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        // Both are greeted, and then turn out to be one.
        tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
        tell(&world, &mut story, "signup by=bea customer=8 subscribed");
        pass(&mut world, HOUR);
        let mails = world.outbox().unwrap();
        assert_eq!(mails.len(), 2);
        tell(&world, &mut story, "profile by=nadia customer=8");
        pass(&mut world, Delay::from_days(500));
        // Twice: the first walk may end before the last table.
        for _ in 0..20 {
            for shard in world.indices() {
                world.call(shard, Call::Prune).unwrap();
            }
        }
        assert_eq!(world.contacts().unwrap().len(), 1, "the tombstone is gone");
        let left = world.live().unwrap().remove(0).id;
        for mail in mails {
            let shard = world.settings.shards.of_message(&mail.id);
            let call = Call::Choose {
                message: mail.id.clone(),
                choice: Choice::Unsubscribe,
                by: By::default(),
            };
            // Of a contact in another shard nobody knows yet.
            let here = world.settings.shards.of_contact(&left) == shard;
            let chosen = if here { Chosen::Done } else { Chosen::Passed };
            assert_eq!(world.call(shard, call).unwrap(), Answer::Chosen(chosen));
        }
        pass(&mut world, HOUR);
        let addresses = world.live().unwrap().remove(0).addresses;
        let states: BTreeSet<ConsentState> = addresses.iter().map(|held| held.consent.state).collect();
        assert_eq!(
            (addresses.len(), world.forwards().unwrap()),
            (2, 0),
            "{shards} shards"
        );
        assert_eq!(
            states.into_iter().collect::<Vec<_>>(),
            [ConsentState::Unsubscribed]
        );
    }
}

#[test]
fn a_referral_code_leads_on_when_all_traces_of_a_merge_are_old() {
    for shards in [1, 4, 16] {
        let mut world = world(shards, ProviderKind::Outbox);
        let link = "https://northfold.example/?ref={code}".to_owned();
        world.catalog.store.referral = Some(Referral { link });
        let mut story = Story::default();
        story.hash_key = world.settings.hash_key.iter().next().unwrap().to_owned();
        tell(&world, &mut story, "profile by=nadia customer=7");
        tell(&world, &mut story, "profile by=bea customer=8");
        pass(&mut world, HOUR);
        tell(&world, &mut story, "profile by=nadia customer=8");
        pass(&mut world, Delay::from_days(500));
        for _ in 0..20 {
            for shard in world.indices() {
                world.call(shard, Call::Prune).unwrap();
            }
        }
        assert_eq!(world.contacts().unwrap().len(), 1, "the tombstone is gone");
        let orders = [
            "order 1 by=omar ref=nadia",
            "order 2 by=ada ref=bea",
            "order 3 by=leo ref=zoe",
        ];
        for order in orders {
            tell(&world, &mut story, order);
            pass(&mut world, HOUR);
        }
        let referrals: Vec<u32> = world
            .live()
            .unwrap()
            .iter()
            .map(|contact| contact.referrals)
            .collect();
        assert_eq!(referrals.iter().sum::<u32>(), 2, "{shards} shards");
        assert_eq!(referrals.iter().max(), Some(&2), "both codes are one person's");
        assert_eq!(world.forwards().unwrap(), 0, "a code of nobody waits for nobody");
    }
}

#[test]
fn what_a_credited_order_writes() {
    for shards in [1, 4] {
        let mut world = world(shards, ProviderKind::Outbox);
        let link = "https://northfold.example/?ref={code}".to_owned();
        let referral = Some(Referral { link });
        let mut story = Story::default();
        story.hash_key = world.settings.hash_key.iter().next().unwrap().to_owned();
        tell(&world, &mut story, "profile by=nadia");
        let mut rows = |world: &mut World, line: &str| {
            let before = world.rows_written();
            let order = event(world, &mut story, line);
            world.ingest(order.clone()).unwrap();
            pass(world, Delay::ZERO);
            let once = world.rows_written() - before;
            world.ingest(order).unwrap();
            pass(world, Delay::ZERO);
            assert_eq!(world.rows_written() - before, once, "a repeat writes nothing");
            once
        };
        world.catalog.store.referral = None;
        let plain = rows(&mut world, "order 1 by=omar");
        // A code in a store that uses none.
        assert_eq!(rows(&mut world, "order 2 by=ada ref=nadia"), plain);
        world.catalog.store.referral = referral;
        assert_eq!(rows(&mut world, "order 3 by=eve"), plain);
        // Written and taken away again: the forward. At the referrer: the event and the document.
        assert_eq!(rows(&mut world, "order 4 by=leo ref=nadia"), plain + 2 + 2);
        assert_eq!(rows(&mut world, "order 5 by=mia ref=zoe"), plain + 2);
        let known = rows(&mut world, "order 6 by=eve");
        assert_eq!(rows(&mut world, "order 7 by=leo ref=nadia"), known);
    }
}

#[test]
fn a_parked_event_goes_to_one_person_though_two_turn_up_at_once() {
    for shards in [1, 4, 16] {
        let world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "viewed checkout=T1 anonymous=a1 id=lost");
        // Both become known before any forward is delivered, as in two shards at the same time.
        for (name, weak, kind, value) in [
            ("nadia", "anonymous=a1", IdentifierKind::Anonymous, "a1"),
            ("bea", "checkout=T1", IdentifierKind::Checkout, "T1"),
        ] {
            let known = event(&world, &mut story, &format!("signup by={name} {weak} subscribed"));
            let contact = contact_of(&world, name);
            let home = world.settings.shards.of_contact(&contact);
            let weakly = hash(&world, kind, value);
            let at = world.settings.shards.of_identifier(&weakly);
            if at == home {
                let identifiers = known.identifiers.iter().map(|identifier| Hashed {
                    identifier: identifier.clone(),
                    hash: identity_hash(
                        world.settings.hash_key.iter().next().unwrap().as_bytes(),
                        identifier,
                    ),
                });
                let ingest = Ingest {
                    identifiers: identifiers.collect(),
                    event: known.into(),
                    known: Vec::new(),
                    bought: false,
                    objections: Vec::new(),
                    erased_at: None,
                    contact: None,
                    released: false,
                    named_at: None,
                };
                world.turn(home, |turn| turn.ingest(&ingest)).unwrap();
            } else {
                let touch = Touch {
                    identifiers: vec![(weakly, kind)],
                    founder: Some(contact),
                    bought_at: None,
                    named_at: None,
                };
                world.turn(at, |turn| turn.touch(&touch)).unwrap();
            }
        }
        for _ in 0..3 {
            for shard in world.indices() {
                world.call(shard, Call::RunDue).unwrap();
            }
        }
        let seen = ["nadia", "bea"].map(|name| {
            let contact = contact_of(&world, name);
            let home = world.settings.shards.of_contact(&contact);
            let id = wend::domain::ids::EventId::parse("lost").unwrap();
            world
                .turn(home, |turn| {
                    Ok(wend::store::event::seen(turn.sql, &contact, &id)?)
                })
                .unwrap()
        });
        let times = seen.into_iter().filter(|seen| *seen).count();
        assert_eq!(times, 1, "{shards} shards: {seen:?}");
    }
}

#[test]
fn a_throttled_journey_sends_so_many_an_hour_and_loses_none() {
    let letter = "title: Letter\nstage: retention\nthrottle: 2 per 1h\n\
                  trigger: { on: Product Viewed, key: contact }\n\
                  steps:\n  - send: welcome-story\n    stream: marketing\n";
    let mut world = world(1, ProviderKind::Outbox);
    world
        .deploy(&[("letter".to_owned(), Some(letter.to_owned()))])
        .unwrap();
    let mut story = Story::default();
    for name in ["ana", "bea", "cleo", "dora", "eve"] {
        tell(&world, &mut story, &format!("viewed by={name} subscribed"));
    }
    let mut sent = Vec::new();
    for _ in 0..3 {
        pass(&mut world, Delay::from_minutes(30));
        sent.push(world.outbox().unwrap().len());
        pass(&mut world, Delay::from_minutes(30));
    }
    assert_eq!(sent, [2, 4, 5]);
    let held = world
        .messages()
        .unwrap()
        .into_iter()
        .filter(|row| row.message.reason.is_some());
    assert_eq!(held.count(), 3, "each that waited says why");
}
