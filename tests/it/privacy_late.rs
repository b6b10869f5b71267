//! Erasures beside merges, and what comes late: nothing of before brings anybody back, and nothing of after is taken.

use crate::privacy::{DAY, MINUTE, SHARDS, bounced, consent, customer, email, holds};
use crate::world::{contact_of, event, hash, pass, tell, world};
use wend::domain::consent::ConsentState;
use wend::domain::identity::IdentifierKind;
use wend::domain::ids::{ContactId, MessageId};
use wend::domain::privacy::{Kind, Subject};
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::privacy_request;
use wend::turn::call::{Call, Forward, ForwardBody, Ingested};
use wend::turn::choice::{By, Choice};
use wend::turn::forward::Received;
use wend::turn::privacy::notes;

/// All that waits to be handed over, in every shard.
fn on_their_way(world: &World) -> Vec<Forward> {
    let due = |shard| world.turn(shard, |turn| turn.due_forwards()).unwrap();
    let all = world.indices().into_iter().flat_map(due);
    all.map(|(forward, _)| forward).collect()
}

fn hand_over(world: &World, forward: &Forward) -> Received {
    let shard = world.settings.shards.of_identifier(&forward.to);
    world.turn(shard, |turn| turn.receive(forward)).unwrap()
}

/// Erases the contact of an address, and lets no other shard hear of it yet.
fn erase_quietly(world: &World, name: &str) {
    let contact = contact_of(world, name);
    let shard = world.settings.shards.of_contact(&contact);
    let erased = world.turn(shard, |turn| turn.erase(&contact, &Subject::default()));
    erased.unwrap();
}

/// One of two contacts has a request out when they turn out to be one person.
fn waiting_merge(shards: u16) -> (World, Story) {
    let mut world = world(shards, ProviderKind::Resend);
    let mut story = Story::default();
    for line in [
        "signup by=nadia customer=7 subscribed",
        "signup by=bea customer=8 name=Beatrix subscribed",
    ] {
        tell(&world, &mut story, line);
    }
    pass(&mut world, MINUTE);
    for line in ["order 80 by=bea checkout=T8", "order 77 by=nadia checkout=T7"] {
        world.provider.borrow_mut().faults.extend([Fault::Silent; 8]);
        tell(&world, &mut story, line);
    }
    pass(&mut world, Delay::from_seconds(2));
    assert!(!world.dispatches().unwrap().is_empty());
    tell(&world, &mut story, "profile by=nadia customer=8");
    assert_eq!(world.live().unwrap().len(), 2, "the merge waits");
    (world, story)
}

#[test]
fn who_is_erased_while_a_merge_waits_goes_whole_and_stays_away() {
    for shards in SHARDS {
        for subject in [email("nadia"), email("bea"), customer("7"), customer("8")] {
            let (mut world, _) = waiting_merge(shards);
            world.erase(&subject).unwrap();
            pass(&mut world, DAY);
            for trace in ["nadia", "bea", "Beatrix", "shopify:77", "shopify:80"] {
                assert_eq!(
                    holds(&world, trace),
                    Vec::<String>::new(),
                    "{shards} shards, {subject:?}"
                );
            }
            assert_eq!((world.live().unwrap().len(), world.forwards().unwrap()), (0, 0));
        }
    }
}

/// The erasure of the one that stays is written before the other has gone to it.
#[test]
fn a_merge_that_was_found_before_an_erasure_brings_nobody_to_who_is_gone() {
    for shards in SHARDS {
        let (mut world, _) = waiting_merge(shards);
        let ids = ["nadia", "bea"].map(|name| contact_of(&world, name));
        let (stays, goes) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
        let found = world.now;
        world.now = world.now.plus(MINUTE);
        let shard = world.settings.shards.of_contact(stays);
        let erased = world.turn(shard, |turn| turn.erase(stays, &Subject::default()));
        erased.unwrap();
        let merge = Forward {
            id: "merge".to_owned(),
            to: goes.clone().into(),
            body: ForwardBody::Merge {
                loser: goes.clone(),
                winner: stays.clone(),
                at: Some(found),
            },
        };
        while hand_over(&world, &merge) == Received::NotYet {
            pass(&mut world, DAY);
        }
        pass(&mut world, DAY);
        assert_eq!(world.live().unwrap(), [], "{shards} shards");
    }
}

#[test]
fn an_old_webhook_is_known_by_any_strong_identifier_of_who_was_erased() {
    for shards in SHARDS {
        for of in [
            "custom Quiz_Taken by=stranger customer=7",
            "order 90 by=stranger customer=7",
            "profile by=stranger customer=7 name=Nadiezda",
        ] {
            let mut world = world(shards, ProviderKind::Outbox);
            let mut story = Story::default();
            tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
            let old = event(&world, &mut story, of);
            pass(&mut world, DAY);
            world.erase(&email("nadia")).unwrap();
            pass(&mut world, DAY);
            assert_eq!(world.ingest(old).unwrap(), Ingested::Ignored, "{shards} shards");
            assert_eq!(holds(&world, "stranger"), Vec::<String>::new());
            // Who comes back is somebody.
            tell(&world, &mut story, "profile by=stranger customer=7");
            assert_eq!(world.live().unwrap().len(), 1);
        }
    }
}

#[test]
fn an_old_order_stays_away_from_who_comes_back_though_the_old_address_is_dead() {
    for shards in SHARDS {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
        let old = event(&world, &mut story, "order 90 by=nadia customer=7");
        world.hear(vec![bounced(&world, "nadia")]).unwrap();
        pass(&mut world, DAY);
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, DAY);
        tell(&world, &mut story, "signup by=bea customer=7 subscribed");
        assert_eq!(world.ingest(old).unwrap(), Ingested::Ignored, "{shards} shards");
        pass(&mut world, DAY);
        let live = world.live().unwrap();
        assert_eq!(live.len(), 1);
        assert_eq!(live[0].purchases.orders, 0);
    }
}

#[test]
fn what_was_before_an_erasure_stays_so_for_whom_who_came_back_turns_out_to_be() {
    for shards in SHARDS {
        for other in ["bea", "omar", "zoe", "ann"] {
            let mut world = world(shards, ProviderKind::Outbox);
            let mut story = Story::default();
            tell(&world, &mut story, "signup by=nadia subscribed");
            let old = event(&world, &mut story, "custom Quiz_Taken by=nadia");
            pass(&mut world, DAY);
            world.erase(&email("nadia")).unwrap();
            pass(&mut world, DAY);
            tell(&world, &mut story, "signup by=nadia");
            tell(&world, &mut story, &format!("signup by={other} customer=8"));
            tell(&world, &mut story, "profile by=nadia customer=8");
            pass(&mut world, DAY);
            assert_eq!(world.live().unwrap().len(), 1);
            assert_eq!(
                world.ingest(old).unwrap(),
                Ingested::Ignored,
                "{shards} shards, {other}"
            );
        }
    }
}

#[test]
fn a_shard_that_hears_late_of_an_erasure_leaves_who_came_back_their_rows() {
    for shards in SHARDS {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        let known = "by=nadia customer=7 anonymous=b1 cart=C1";
        tell(&world, &mut story, &format!("signup {known} subscribed"));
        pass(&mut world, DAY);
        erase_quietly(&world, "nadia");
        let forgets: Vec<Forward> = on_their_way(&world)
            .into_iter()
            .filter(|forward| matches!(forward.body, ForwardBody::Forget { .. }))
            .collect();
        assert_eq!(forgets.len(), usize::from(shards) - 1);
        world.now = world.now.plus(MINUTE);
        tell(&world, &mut story, &format!("profile {known}"));
        // Delivered once, and then once more.
        for forget in &forgets {
            hand_over(&world, forget);
        }
        pass(&mut world, MINUTE);
        let held = world.export(&email("nadia")).unwrap();
        assert_eq!(held["identifiers"].len(), 4, "{shards} shards");
        for alone in ["by=other customer=7", "anonymous=b1", "cart=C1"] {
            tell(&world, &mut story, &format!("added {alone}"));
        }
        let live = world.live().unwrap();
        assert_eq!((live.len(), world.forwards().unwrap()), (1, 0));
    }
}

#[test]
fn a_row_that_an_erasure_took_is_not_made_anew_by_a_merge_of_before() {
    for shards in SHARDS {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia customer=7 anonymous=b1");
        tell(&world, &mut story, "signup by=bea customer=8 anonymous=b2");
        pass(&mut world, MINUTE);
        let ids = ["nadia", "bea"].map(|name| contact_of(&world, name));
        let (winner, loser) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
        let shard = world.settings.shards.of_contact(loser);
        let absorbed = world.turn(shard, |turn| turn.absorb(loser, winner, turn.now));
        absorbed.unwrap();
        let links: Vec<Forward> = on_their_way(&world)
            .into_iter()
            .filter(|forward| matches!(forward.body, ForwardBody::Link { .. }))
            .collect();
        assert!(links.len() >= 3);
        pass(&mut world, MINUTE);
        world.erase(&email("bea")).unwrap();
        pass(&mut world, MINUTE);
        for link in &links {
            assert_eq!(hand_over(&world, link), Received::Done);
            let held = holds(&world, link.to.as_str());
            assert!(
                !held.iter().any(|row| row.starts_with("directory")),
                "{shards} shards: {held:?}"
            );
        }
    }
}

#[test]
fn a_click_for_whom_an_erasure_took_does_not_wait_for_ever() {
    let mut world = world(4, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    pass(&mut world, MINUTE);
    let message: MessageId = world.mails_to("nadia@example.com").unwrap().remove(0);
    let (nadia, bea) = (contact_of(&world, "nadia"), contact_of(&world, "bea"));
    let click = |at| Forward {
        id: "choice".to_owned(),
        to: nadia.clone().into(),
        body: ForwardBody::Choose {
            message: message.clone(),
            loser: bea.clone(),
            choice: Choice::Unsubscribe,
            by: By {
                at: Some(at),
                ..By::default()
            },
        },
    };
    let before = click(world.now);
    // The one it belongs to may be on the way still.
    assert_eq!(hand_over(&world, &before), Received::NotYet);
    pass(&mut world, MINUTE);
    world.erase(&email("nadia")).unwrap();
    pass(&mut world, MINUTE);
    tell(&world, &mut story, "signup by=nadia subscribed");
    let after = Forward {
        body: click(world.now).body,
        ..before.clone()
    };
    assert_eq!(hand_over(&world, &before), Received::Done);
    assert_eq!(hand_over(&world, &after), Received::NotYet);
    pass(&mut world, Delay::from_days(2));
    assert_eq!(consent(&world, "nadia"), Some(ConsentState::Subscribed));
    assert_eq!(hand_over(&world, &after), Received::Done);
    // Whichever address it was of, it is a no of this person.
    assert_eq!(consent(&world, "nadia"), Some(ConsentState::Unsubscribed));
}

#[test]
fn an_export_ends_the_request_of_nobody_else_who_lives_under_an_id_that_it_asks_for() {
    for shards in SHARDS {
        let world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia customer=7");
        tell(&world, &mut story, "signup by=bea customer=8");
        let (nadia, bea) = (contact_of(&world, "nadia"), contact_of(&world, "bea"));
        let shard = world.settings.shards.of_contact(&bea);
        let note = Call::NotePrivacyRequest {
            id: "shopify:1".to_owned(),
            kind: Kind::DataRequest,
            contact: Some(bea.clone()),
        };
        world.call(shard, note).unwrap();
        let open = |world: &World| {
            let open = world.turn(shard, |turn| Ok(privacy_request::open(turn.sql, 10)?));
            open.unwrap().len()
        };
        let mut person = world.meant(&email("nadia")).unwrap().remove(0);
        assert_eq!(person.contact, Some(nadia));
        person.contacts.insert(bea);
        world.call(shard, Call::Exported(vec![person])).unwrap();
        assert_eq!(open(&world), 1);
        world.export(&email("bea")).unwrap();
        assert_eq!(open(&world), 0);
    }
}

#[test]
fn a_request_for_data_is_kept_for_everybody_it_means_until_they_have_it() {
    for shards in SHARDS {
        let world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia");
        tell(&world, &mut story, "signup by=bea customer=8");
        let subject = Subject {
            identifiers: [email("nadia").identifiers, customer("8").identifiers].concat(),
        };
        let people = world.meant(&subject).unwrap();
        let notes = notes(&world.settings, "shopify:1", &subject, &people);
        assert_eq!(notes.len(), 2);
        for (id, contact) in notes {
            let shard = world.settings.shards.of_contact(contact.as_ref().unwrap());
            let kind = Kind::DataRequest;
            let note = Call::NotePrivacyRequest { id, kind, contact };
            world.call(shard, note).unwrap();
        }
        let open = |world: &World| -> usize {
            let open = |shard| world.turn(shard, |turn| Ok(privacy_request::open(turn.sql, 10)?));
            world
                .indices()
                .into_iter()
                .map(|shard| open(shard).unwrap().len())
                .sum()
        };
        assert_eq!(open(&world), 2);
        // One shard has told, another did not answer: nobody has anything yet.
        for person in people {
            let contact = person.contact.clone().unwrap();
            let shard = world.settings.shards.of_contact(&contact);
            world.call(shard, Call::Held(Box::new(person))).unwrap();
        }
        assert_eq!(open(&world), 2);
        let held = world.export(&email("nadia")).unwrap();
        assert_eq!((held["privacy_requests"].len(), open(&world)), (1, 1));
        world.export(&subject).unwrap();
        assert_eq!(open(&world), 0);
    }
}

#[test]
fn a_bounce_of_a_mail_whose_row_is_gone_is_still_one_of_its_address() {
    for shards in SHARDS {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
        pass(&mut world, DAY);
        let mut late = bounced(&world, "nadia");
        let gone = ContactId::from(hash(&world, IdentifierKind::Customer, "99"));
        let mail = world.mails_to("nadia@example.com").unwrap().remove(0);
        let text = mail.to_string().replacen(
            mail.contact_prefix(),
            &gone.as_str()[..MessageId::CONTACT_BITS],
            1,
        );
        late.message = Some(MessageId::parse(&text).unwrap());
        assert_eq!(world.hear(vec![late]).unwrap().unknown, 0);
        pass(&mut world, MINUTE);
        assert_eq!(
            consent(&world, "nadia"),
            Some(ConsentState::Suppressed),
            "{shards} shards"
        );
    }
}

#[test]
fn an_objection_is_in_the_ledger_of_whoever_it_meets_first() {
    for shards in SHARDS {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "unsubscribe by=omar");
        tell(&world, &mut story, "signup by=nadia subscribed");
        pass(&mut world, DAY);
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, DAY);
        tell(&world, &mut story, "signup by=nadia customer=12");
        let mut told = Vec::new();
        for contact in world.live().unwrap() {
            for line in world.consents(&contact.id).unwrap() {
                told.push((line.state, line.signal.method));
            }
        }
        told.sort();
        assert_eq!(
            told,
            [
                (ConsentState::Unsubscribed, None),
                (ConsentState::Unsubscribed, Some("erased".to_owned())),
            ],
            "{shards} shards"
        );
    }
}
