//! Personal data on request: what an export tells, what an erasure leaves, and what does not bring anybody back.

use crate::world::{contact_of, event, hash, pass, tell, world};
use std::collections::BTreeSet;
use wend::domain::consent::ConsentState;
use wend::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use wend::domain::email::EmailAddress;
use wend::domain::event::Event;
use wend::domain::identity::{Identifier, IdentifierKind};
use wend::domain::ids::{EventId, MessageId, SourceName};
use wend::domain::objection::Ground;
use wend::domain::privacy::Subject;
use wend::domain::time::Delay;
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::suppression;
use wend::turn::call::{Forward, ForwardBody, Heard, Ingest, Ingested};
use wend::turn::choice::{By, Choice, Chosen};
use wend::turn::erase::Erased;

pub const MINUTE: Delay = Delay::from_minutes(1);
pub const DAY: Delay = Delay::from_days(1);
pub const SHARDS: [u16; 3] = [1, 4, 16];

pub fn email(name: &str) -> Subject {
    Subject::of_email(&EmailAddress::parse(&address(name)).unwrap())
}

pub fn customer(id: &str) -> Subject {
    let shopify = SourceName::parse("shopify").unwrap();
    Subject {
        identifiers: vec![Identifier::of_source(IdentifierKind::Customer, &shopify, id).unwrap()],
    }
}

/// Every row of every table of every shard, as text.
fn dump(world: &World) -> Vec<String> {
    let mut rows = Vec::new();
    for shard in world.indices() {
        let tables = world
            .turn(shard, |turn| {
                let tables = "SELECT name FROM sqlite_master WHERE type = 'table'";
                Ok(turn.sql.query(tables, &[])?)
            })
            .unwrap();
        for table in tables {
            let table = table.text("name").unwrap().to_owned();
            let all: &'static str = format!("SELECT * FROM {table}").leak();
            let found = world.turn(shard, |turn| Ok(turn.sql.query(all, &[])?)).unwrap();
            rows.extend(found.iter().map(|row| format!("{table} {row:?}")));
        }
    }
    rows
}

pub fn holds(world: &World, what: &str) -> Vec<String> {
    dump(world).into_iter().filter(|row| row.contains(what)).collect()
}

pub fn consent(world: &World, name: &str) -> Option<ConsentState> {
    let live = world.live().unwrap();
    let mut addresses = live.iter().flat_map(|contact| &contact.addresses);
    let held = addresses.find(|held| held.email.canonical() == address(name))?;
    Some(held.consent.state)
}

pub fn bounced(world: &World, name: &str) -> DeliveryEvent {
    let id = EventId::parse(&format!("resend:bounce:{}", world.now.as_millis())).unwrap();
    let mut event = DeliveryEvent::new(id, DeliveryKind::HardBounce, world.now);
    event.recipient = EmailAddress::parse(&address(name)).ok();
    event
}

/// What `work` wrote, and what it came to.
fn rows<T>(world: &World, work: impl FnOnce(&World) -> T) -> (T, u64) {
    let before = world.rows_written();
    let result = work(world);
    (result, world.rows_written() - before)
}

/// Somebody with a history: two addresses, a customer id, a cart that was left, an order, mails; and somebody else.
fn shop(shards: u16, provider: ProviderKind) -> (World, Story) {
    let mut world = world(shards, provider);
    let mut story = Story::default();
    for line in [
        "signup by=nadia customer=7 name=Nadiezda subscribed",
        "viewed anonymous=b1",
        "checkout T1 by=nadia cart=C1",
        "checkout T2 by=nadia anonymous=b1",
        "order 77 by=nadia checkout=T1",
        "profile by=nadia2 customer=7",
        "signup by=omar customer=9 subscribed",
        "order 78 by=omar checkout=T9",
    ] {
        tell(&world, &mut story, line);
    }
    pass(&mut world, DAY);
    (world, story)
}

#[test]
fn an_export_holds_everything_from_every_shard_and_nothing_of_others() {
    for shards in SHARDS {
        let (world, _) = shop(shards, ProviderKind::Outbox);
        let by_email = world.export(&email("nadia2")).unwrap();
        assert_eq!(by_email, world.export(&customer("7")).unwrap());
        let tables: Vec<&str> = by_email.keys().map(String::as_str).collect();
        assert_eq!(
            tables,
            [
                "closed_checkouts",
                "consents",
                "contact",
                "ended_enrollments",
                "events",
                "identifiers",
                "messages",
                "orders",
                "outbox_mails"
            ],
            "{shards} shards"
        );
        let text = serde_json::to_string(&by_email).unwrap();
        for told in [
            address("nadia"),
            address("nadia2"),
            "Nadiezda".to_owned(),
            "shopify:77".to_owned(),
            "57.00".to_owned(),
            "welcome-hello".to_owned(),
            "2026-03-02T09:00:00.000Z".to_owned(),
        ] {
            assert!(text.contains(&told), "{told}");
        }
        assert!(!text.contains("omar") && !text.contains("shopify:78"));
        let document = &by_email["contact"][0]["document"]["live"];
        assert_eq!(document["since"], "2026-03-02T09:00:00.000Z");
        // Addresses, customer, order, two checkouts, cart, browser: in whichever shard each lies.
        let rows = |table: &str| by_email[table].len();
        assert_eq!(rows("identifiers") + rows("closed_checkouts"), 8);
    }
}

#[test]
fn an_erasure_leaves_no_trace_but_hashes_and_a_second_one_writes_nothing() {
    for shards in SHARDS {
        let (mut world, _) = shop(shards, ProviderKind::Outbox);
        assert!(!holds(&world, "nadia").is_empty());
        let erased = world.erase(&customer("7")).unwrap();
        assert!(
            erased.rows["events"] >= 6 && erased.rows["contact"] == 1,
            "{erased:?}"
        );
        assert_eq!((erased.objections, erased.in_flight), (2, 0));
        pass(&mut world, MINUTE);
        for trace in ["nadia", "Nadiezda", "shopify:77", "\"b1\"", "T2"] {
            assert_eq!(holds(&world, trace), Vec::<String>::new(), "{shards} shards");
        }
        assert_eq!(world.forwards().unwrap(), 0);
        // What the other one has is untouched.
        assert_eq!(world.live().unwrap().len(), 1);
        assert!(
            serde_json::to_string(&world.export(&email("omar")).unwrap())
                .unwrap()
                .contains("shopify:78")
        );
        for name in ["nadia", "nadia2"] {
            let of = hash(&world, IdentifierKind::Email, name);
            let shard = world.settings.shards.of_identifier(&of);
            let kept = world.turn(shard, |turn| Ok(suppression::get(turn.sql, &of)?));
            assert_eq!(kept.unwrap().unwrap().ground, Ground::Erased);
        }
        for again in [customer("7"), email("nadia"), email("nadia2"), email("stranger")] {
            let again = rows(&world, |world| world.erase(&again).unwrap());
            assert_eq!(again, (Erased::default(), 0));
        }
        let left = world.export(&email("nadia")).unwrap();
        let tables: BTreeSet<&str> = left.keys().map(String::as_str).collect();
        assert_eq!(tables, BTreeSet::from(["objections"]), "{left:?}");
    }
}

/// Work that other shards might have had for nadia.
fn on_its_way(world: &World, news: Event, clicked: DeliveryEvent, mail: &MessageId) -> [ForwardBody; 4] {
    [
        ForwardBody::Event(Box::new(Ingest {
            event: news.into(),
            identifiers: Vec::new(),
            known: Vec::new(),
            bought: false,
            objections: Vec::new(),
            erased_at: None,
            contact: Some(contact_of(world, "nadia")),
            released: true,
            named_at: None,
        })),
        ForwardBody::Delivery(Box::new(clicked)),
        ForwardBody::Choose {
            message: mail.clone(),
            loser: contact_of(world, "omar"),
            choice: Choice::Unsubscribe,
            by: By::default(),
        },
        ForwardBody::History(Box::default()),
    ]
}

#[test]
fn what_is_late_does_not_bring_them_back() {
    for shards in SHARDS {
        let (mut world, mut story) = shop(shards, ProviderKind::Outbox);
        let nadia = contact_of(&world, "nadia");
        let mail = world.mails_to(&address("nadia2")).unwrap().remove(0);
        let mut clicked = bounced(&world, "nadia");
        clicked.kind = DeliveryKind::Clicked;
        clicked.message = Some(mail.clone());
        let order = event(&world, &mut story, "order 77 by=nadia checkout=T1");
        let import = event(&world, &mut story, "profile by=nadia customer=7 subscribed");
        let news = event(&world, &mut story, "custom Quiz_Taken by=nadia");
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, DAY);
        let (heard, written) = rows(&world, |world| world.hear(vec![clicked.clone()]).unwrap());
        assert_eq!((heard.unknown, heard.new, written), (1, 0, 0));
        assert_eq!(
            rows(&world, |world| world.hear(vec![bounced(world, "nadia")]).unwrap()),
            (
                Heard {
                    unknown: 1,
                    ..Heard::default()
                },
                0
            )
        );
        // Repeated by their senders.
        for event in [order, import] {
            assert_eq!(world.ingest(event).unwrap(), Ingested::Ignored);
        }
        // Work that other shards had on its way, and wakes that were picked up before.
        let shard = world.settings.shards.of_contact(&nadia);
        let on_its_way = on_its_way(&world, news, clicked, &mail);
        for body in on_its_way {
            let forward = Forward {
                id: "late".to_owned(),
                to: nadia.clone().into(),
                body,
            };
            let turn = |world: &World| world.turn(shard, |turn| turn.receive(&forward)).unwrap();
            let (received, written) = rows(&world, turn);
            assert_eq!(
                (received, written),
                (wend::turn::forward::Received::Done, 0),
                "{forward:?}"
            );
        }
        let wake = |world: &World| {
            let woken = world.turn(shard, |turn| {
                let chosen = turn.choose(&mail, &Choice::Unsubscribe, &By::default())?;
                Ok((turn.wake(&nadia)?.messages, chosen))
            });
            woken.unwrap()
        };
        assert_eq!(rows(&world, wake), ((Vec::new(), Chosen::NotFound), 0));
        pass(&mut world, DAY);
        assert_eq!(holds(&world, "nadia"), Vec::<String>::new(), "{shards} shards");
        assert_eq!(
            (world.live().unwrap().len(), world.letters().unwrap()),
            (1, vec![])
        );
    }
}

#[test]
fn only_a_newer_yes_of_their_own_lifts_it_and_nothing_a_dead_address() {
    for shards in SHARDS {
        for dead in [false, true] {
            let (mut world, mut story) = shop(shards, ProviderKind::Outbox);
            if dead {
                assert_eq!(world.hear(vec![bounced(&world, "nadia")]).unwrap().new, 1);
                pass(&mut world, MINUTE);
            }
            let old_yes = event(&world, &mut story, "profile by=nadia subscribed").consent;
            world.erase(&email("nadia")).unwrap();
            pass(&mut world, DAY);
            let refused = if dead {
                ConsentState::Suppressed
            } else {
                ConsentState::Unsubscribed
            };
            // As somebody new, whose id lies where their customer's number does: the address's shard knows.
            tell(&world, &mut story, "signup by=nadia customer=12 implied");
            assert_eq!(consent(&world, "nadia"), Some(refused), "{shards} shards, {dead}");
            let mut import = event(&world, &mut story, "profile by=nadia customer=12");
            import.consent = old_yes;
            world.ingest(import).unwrap();
            assert_eq!(consent(&world, "nadia"), Some(refused), "an old yes, told anew");
            let mails = world.mails_to(&address("nadia")).unwrap().len();
            pass(&mut world, DAY);
            assert_eq!(world.mails_to(&address("nadia")).unwrap().len(), mails);
            tell(&world, &mut story, "profile by=nadia subscribed");
            let lifted = if dead { refused } else { ConsentState::Subscribed };
            assert_eq!(consent(&world, "nadia"), Some(lifted));
        }
    }
}

#[test]
fn a_dead_address_that_turns_up_with_somebody_new_is_known_in_their_first_turn() {
    for shards in SHARDS {
        let (mut world, mut story) = shop(shards, ProviderKind::Outbox);
        world.hear(vec![bounced(&world, "nadia")]).unwrap();
        pass(&mut world, MINUTE);
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, Delay::from_days(100));
        // The contact is there already, under another address and in another shard.
        for number in 20..24 {
            tell(
                &world,
                &mut story,
                &format!("signup by=x{number} customer={number}"),
            );
        }
        tell(&world, &mut story, "profile by=nadia customer=22");
        assert_eq!(consent(&world, "nadia"), Some(ConsentState::Suppressed));
    }
}

#[test]
fn an_address_that_somebody_else_has_by_now_leads_to_them() {
    for shards in SHARDS {
        let (mut world, mut story) = shop(shards, ProviderKind::Outbox);
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, DAY);
        tell(&world, &mut story, "profile by=nadia customer=9");
        pass(&mut world, MINUTE);
        assert_eq!(consent(&world, "nadia"), Some(ConsentState::Unsubscribed));
        assert_eq!(world.hear(vec![bounced(&world, "nadia")]).unwrap().new, 1);
        pass(&mut world, MINUTE);
        assert_eq!(consent(&world, "nadia"), Some(ConsentState::Suppressed));
        assert_eq!(world.live().unwrap().len(), 1, "{shards} shards");
    }
}

#[test]
fn an_old_order_does_not_come_back_to_somebody_else_who_has_the_address_by_now() {
    for shards in SHARDS {
        let (mut world, mut story) = shop(shards, ProviderKind::Outbox);
        let old = event(&world, &mut story, "order 79 by=nadia");
        pass(&mut world, DAY);
        world.erase(&email("nadia")).unwrap();
        pass(&mut world, DAY);
        tell(&world, &mut story, "profile by=nadia customer=9");
        pass(&mut world, MINUTE);
        let late = Event {
            received_at: world.now,
            ..old
        };
        let before = world.live().unwrap();
        assert_eq!(world.ingest(late).unwrap(), Ingested::Ignored, "{shards} shards");
        pass(&mut world, MINUTE);
        assert_eq!(world.live().unwrap(), before, "{shards} shards");
    }
}

#[test]
fn a_claimed_request_cannot_be_recalled_and_its_answer_finds_nobody() {
    for fault in [Fault::Silent, Fault::Broken, Fault::Lost] {
        let mut world = world(4, ProviderKind::Resend);
        let mut story = Story::default();
        world.provider.borrow_mut().faults.push_back(fault);
        tell(&world, &mut story, "order 77 by=nadia");
        pass(&mut world, Delay::from_seconds(1));
        assert_eq!(world.dispatches().unwrap().len(), 1, "{fault:?}");
        let dispatch = world.dispatches().unwrap().remove(0);
        let erased = world.erase(&email("nadia")).unwrap();
        assert_eq!((erased.in_flight, erased.rows["open_requests"]), (1, 1));
        let shard = world.settings.shards.of_contact(&contact_of(&world, "nadia"));
        let answered = [wend::domain::outcome::Outcome::Accepted(None)];
        let late = |world: &World| {
            world
                .turn(shard, |turn| turn.conclude(&dispatch, &answered))
                .unwrap()
        };
        assert_eq!(rows(&world, late).1, 0);
        pass(&mut world, Delay::from_days(3));
        assert_eq!(world.provider.borrow().requests, 1, "nothing is repeated");
        assert_eq!(holds(&world, "nadia"), Vec::<String>::new());
        assert_eq!(world.dispatches().unwrap(), []);
    }
}

#[test]
fn who_was_merged_goes_whole_by_either_name_and_at_any_moment_of_the_merge() {
    for shards in SHARDS {
        for name in ["nadia", "bea"] {
            for settled in [true, false] {
                let mut world = world(shards, ProviderKind::Outbox);
                let mut story = Story::default();
                for line in [
                    "signup by=nadia customer=7 subscribed",
                    "signup by=bea customer=8 name=Beatrix subscribed",
                    "order 80 by=bea checkout=T8",
                ] {
                    tell(&world, &mut story, line);
                }
                pass(&mut world, MINUTE);
                let join = event(&world, &mut story, "profile by=nadia customer=8");
                if settled {
                    world.ingest(join).unwrap();
                    pass(&mut world, MINUTE);
                } else {
                    // The loser is buried, and all of it still on its way.
                    let ids = ["nadia", "bea"].map(|name| contact_of(&world, name));
                    let (winner, loser) = (ids.iter().min().unwrap(), ids.iter().max().unwrap());
                    let shard = world.settings.shards.of_contact(loser);
                    world
                        .turn(shard, |turn| turn.absorb(loser, winner, turn.now))
                        .unwrap();
                }
                world.erase(&email(name)).unwrap();
                pass(&mut world, DAY);
                for trace in ["nadia", "bea", "Beatrix", "shopify:80"] {
                    assert_eq!(
                        holds(&world, trace),
                        Vec::<String>::new(),
                        "{shards} shards, by {name}, settled: {settled}"
                    );
                }
                assert_eq!((world.live().unwrap().len(), world.forwards().unwrap()), (0, 0));
            }
        }
    }
}

#[test]
fn somebody_whose_document_cannot_be_read_is_erased_as_well() {
    for shards in SHARDS {
        let (mut world, _) = shop(shards, ProviderKind::Outbox);
        let nadia = contact_of(&world, "nadia");
        let shard = world.settings.shards.of_contact(&nadia);
        let spoil = "UPDATE contact SET doc = '{' WHERE contact_id = ?1";
        world
            .turn(shard, |turn| Ok(turn.sql.query(spoil, &[(&nadia).into()])?))
            .unwrap();
        assert!(world.export(&email("nadia")).unwrap().contains_key("events"));
        assert!(world.erase(&email("nadia")).unwrap().rows["events"] >= 6);
        pass(&mut world, DAY);
        for trace in ["nadia", "Nadiezda", "shopify:77"] {
            assert_eq!(holds(&world, trace), Vec::<String>::new(), "{shards} shards");
        }
    }
}

#[test]
fn an_order_leads_to_its_person_only_where_nobody_else_is_named() {
    let (world, mut story) = shop(4, ProviderKind::Outbox);
    let shopify = SourceName::parse("shopify").unwrap();
    let order = |id: &str| Identifier::of_source(IdentifierKind::Order, &shopify, id).unwrap();
    let alone = Subject {
        identifiers: vec![order("78")],
    };
    let with = Subject {
        identifiers: [customer("7").identifiers, vec![order("78"), order("79")]].concat(),
    };
    let (nadia, omar) = (contact_of(&world, "nadia"), contact_of(&world, "omar"));
    let meant = |subject| {
        let people = world.meant(subject).unwrap().into_iter();
        people.filter_map(|person| person.contact).collect::<Vec<_>>()
    };
    assert_eq!(meant(&alone), [omar]);
    assert_eq!(meant(&with), [nadia]);
    // A sale at the till that nobody is known for goes by its number.
    tell(&world, &mut story, "order 79 anonymous=till");
    assert_eq!(holds(&world, "#79").len(), 2);
    let erased = world.erase(&with).unwrap();
    assert_eq!(erased.rows["parked_events"], 1);
    assert!(!holds(&world, "#78").is_empty(), "another person's order");
}
