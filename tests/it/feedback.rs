//! What providers tell of mails they took: how far the ledger says each came, what it costs, and whom it stops.

use crate::world::{contact_of, hash, pass, tell, world};
use wend::domain::consent::ConsentState;
use wend::domain::delivery_event::{ClickedUrl, DeliveryEvent, DeliveryKind};
use wend::domain::delivery_state::{DeliveryState, Failure, Progress};
use wend::domain::email::EmailAddress;
use wend::domain::identity::IdentifierKind;
use wend::domain::ids::{EventId, MessageId};
use wend::domain::message::MessageState;
use wend::domain::time::{Delay, Timestamp};
use wend::providers::ProviderKind;
use wend::simulation::provider::Fault;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::message::Stored;
use wend::turn::call::Heard;

use DeliveryKind::{
    Clicked, Complaint, Delivered, HardBounce, Opened, ProviderSuppressed, SoftBounce, Unsubscribed,
};

const MINUTE: Delay = Delay::from_minutes(1);
const DAY: Delay = Delay::from_days(1);

/// A greeting, and what follows a click on it.
const NURTURE: &str = "title: Nurture\nstage: consideration\ntrigger: { on: Signed Up, key: contact }\nsteps:\n\
    \x20 - send: welcome-hello\n    stream: marketing\n\
    \x20 - wait: { for: Email Clicked, timeout: 5d, then: [{ send: welcome-story }], otherwise: exit }\n    id: click\n\
    \x20 - wait: 1d\n  - send: welcome-favourites\n";
/// A mail a day, for as long as it is wanted.
const DAILY: &str = "title: Daily\nstage: retention\ntrigger: { on: Signed Up, key: contact }\nsteps:\n\
    \x20 - send: welcome-hello\n    stream: marketing\n  - wait: 1d\n  - send: welcome-story\n  - wait: 1d\n\
    \x20 - send: welcome-favourites\n  - wait: 1d\n  - send: checkout-last-call\n";

const NEW: Heard = Heard {
    new: 1,
    repeated: 0,
    unknown: 0,
    failed: 0,
};
const REPEATED: Heard = Heard {
    new: 0,
    repeated: 1,
    ..NEW
};
const UNKNOWN: Heard = Heard {
    new: 0,
    unknown: 1,
    ..NEW
};

/// A world in which this journey takes the place of the greeting.
fn world_of(shards: u16, provider: ProviderKind, journey: &str) -> World {
    let mut world = world(shards, provider);
    world
        .deploy(&[
            ("welcome".to_owned(), None),
            ("abandoned-checkout".to_owned(), None),
            ("letter".to_owned(), Some(journey.to_owned())),
        ])
        .unwrap();
    world
}

/// The last mail that somebody got.
fn mail(world: &World, name: &str) -> MessageId {
    world.mails_to(&address(name)).unwrap().pop().unwrap()
}

fn ledger(world: &World, message: &MessageId) -> Stored {
    world.message(message).unwrap().unwrap()
}

/// What a provider tells of a message, now; the id is as new as the time.
fn told(world: &World, kind: DeliveryKind, message: &MessageId) -> DeliveryEvent {
    let id = format!("resend:{}:{}", kind.as_str(), world.now.as_millis());
    let mut event = DeliveryEvent::new(EventId::parse(&id).unwrap(), kind, world.now);
    event.message = Some(message.clone());
    event
}

fn of_address(world: &World, kind: DeliveryKind, name: &str) -> DeliveryEvent {
    let mut event = told(world, kind, &MessageId::parse(&"0".repeat(40)).unwrap());
    event.message = None;
    event.recipient = EmailAddress::parse(&address(name)).ok();
    event
}

fn hear(world: &World, event: &DeliveryEvent) -> (Heard, u64) {
    let before = world.rows_written();
    let heard = world.hear(vec![event.clone()]).unwrap();
    (heard, world.rows_written() - before)
}

fn consent(world: &World, name: &str) -> ConsentState {
    let email = EmailAddress::parse(&address(name)).unwrap();
    let live = world.live().unwrap();
    let mut addresses = live.iter().flat_map(|contact| &contact.addresses);
    addresses.find(|held| held.email == email).unwrap().consent.state
}

fn signed_up(shards: u16, provider: ProviderKind, journey: &str) -> (World, MessageId) {
    let mut world = world_of(shards, provider, journey);
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, MINUTE);
    let message = mail(&world, "nadia");
    (world, message)
}

#[test]
fn a_mail_that_is_delivered_opened_and_clicked_costs_five_rows_and_moves_its_run() {
    for shards in [1, 4] {
        let (mut world, message) = signed_up(shards, ProviderKind::Outbox, NURTURE);
        let mut seen = Vec::new();
        for (kind, rows) in [(Delivered, 1), (Opened, 2)] {
            let event = told(&world, kind, &message);
            assert_eq!(hear(&world, &event), (NEW, rows), "{kind:?}");
            assert_eq!(hear(&world, &event), (REPEATED, 0), "{kind:?}");
            seen.push(event);
            pass(&mut world, MINUTE);
        }
        let run = &world.live().unwrap()[0].enrollments[0];
        assert!(run.last.as_ref().is_some_and(|last| last.opened && !last.clicked));
        let event = told(&world, Clicked, &message);
        // Besides the two rows: the contact's place in the schedule, as its wait is over.
        assert_eq!(hear(&world, &event), (NEW, 3));
        seen.push(event);
        let delivery = ledger(&world, &message).delivery;
        assert_eq!(delivery.progress, Progress::Clicked);
        assert_eq!(delivery.clicked_at, Some(world.now));
        pass(&mut world, DAY);
        assert_eq!(world.outbox().unwrap().len(), 2, "{shards} shards");
        // Later ones of the same say nothing new, in any order.
        for event in seen.iter().rev() {
            let mut later = event.clone();
            later.id = EventId::parse(&format!("{}:2", event.id)).unwrap();
            later.occurred_at = world.now;
            assert_eq!(hear(&world, &later), (REPEATED, 0));
        }
        assert_eq!(ledger(&world, &message).delivery, delivery);
    }
}

#[test]
fn a_click_that_moves_nothing_costs_two_rows() {
    let (world, message) = signed_up(1, ProviderKind::Outbox, DAILY);
    let mut event = told(&world, Clicked, &message);
    event.occurred_at = world.now.plus(MINUTE);
    assert_eq!(hear(&world, &event), (NEW, 2));
    let contact = world.live().unwrap().remove(0);
    assert_eq!(contact.engagement.clicked_at, Some(event.occurred_at));
    assert_eq!(contact.engagement.opened_at, Some(event.occurred_at));
    // Who clicked had opened: the picture that loads late is no news.
    let opened = told(&world, Opened, &message);
    assert_eq!(hear(&world, &opened), (NEW, 1));
}

#[test]
fn in_every_order_the_ledger_comes_to_the_same() {
    let kinds = [Delivered, Opened, Clicked];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut states = Vec::new();
    for order in orders {
        let (world, message) = signed_up(1, ProviderKind::Outbox, DAILY);
        for at in order {
            let mut event = told(&world, kinds[at], &message);
            event.occurred_at = world.now.plus(Delay::from_minutes(at as i64));
            let (heard, rows) = hear(&world, &event);
            assert!(heard == NEW && rows <= 2, "{order:?}: {rows}");
        }
        let contact = world.live().unwrap().remove(0);
        states.push((ledger(&world, &message).delivery, contact.engagement.clicked_at));
    }
    assert_eq!(states[0].0.progress, Progress::Clicked);
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
}

#[test]
fn a_machine_moves_nothing() {
    let (mut world, message) = signed_up(1, ProviderKind::Outbox, NURTURE);
    let before = world.live().unwrap();
    let taken_at = ledger(&world, &message).message.settled_at.unwrap();
    let after = |seconds| taken_at.plus(Delay::from_seconds(seconds));
    let click = |at: Timestamp, link: &str| {
        let mut event = told(&world, Clicked, &message);
        event.id = EventId::parse(&format!("resend:{}:{link}", at.as_millis())).unwrap();
        (event.occurred_at, event.url) = (at, Some(ClickedUrl::new(link)));
        event
    };
    // Sooner than anybody reads; two links at once; and what says of itself that it is one.
    let soon = click(after(5), "a");
    let sweep = vec![click(after(60), "a"), click(after(61), "b")];
    let mut flagged = click(after(70), "a");
    flagged.machine = true;
    assert_eq!(hear(&world, &soon), (NEW, 1));
    let heard = world.hear(sweep).unwrap();
    assert_eq!((heard.new, heard.repeated), (0, 2));
    assert_eq!(hear(&world, &flagged), (REPEATED, 0));
    let delivery = ledger(&world, &message).delivery;
    assert_eq!(
        delivery,
        DeliveryState {
            machine_at: Some(after(5)),
            ..DeliveryState::default()
        }
    );
    assert_eq!(world.live().unwrap(), before);
    pass(&mut world, DAY);
    assert_eq!(world.outbox().unwrap().len(), 1);
}

#[test]
fn after_a_hard_bounce_or_a_complaint_nothing_is_sent_any_more() {
    for (kind, reason) in [
        (HardBounce, "hard_bounce"),
        (Complaint, "complaint"),
        (ProviderSuppressed, "provider"),
    ] {
        let (mut world, message) = signed_up(4, ProviderKind::Outbox, DAILY);
        let event = told(&world, kind, &message);
        // The message, the contact, its event, the suppression, the change of consent.
        assert_eq!(hear(&world, &event), (NEW, 5), "{kind:?}");
        assert_eq!(hear(&world, &event), (REPEATED, 0), "{kind:?}");
        assert_eq!(consent(&world, "nadia"), ConsentState::Suppressed);
        let shard = world.settings.shards.of_contact(&contact_of(&world, "nadia"));
        let of = hash(&world, IdentifierKind::Email, "nadia");
        let held = world.turn(shard, |turn| Ok(wend::store::suppression::get(turn.sql, &of)?));
        assert_eq!(held.unwrap().unwrap().ground.as_str(), reason);
        pass(&mut world, DAY);
        // A yes in a form does not bring a dead address back, and its receipt is not sent either.
        tell(&world, &mut Story::default(), "order 1 by=nadia subscribed");
        pass(&mut world, DAY);
        let reasons: Vec<_> = world
            .messages()
            .unwrap()
            .into_iter()
            .filter(|row| row.message.state == MessageState::Dropped)
            .map(|row| row.message.reason.unwrap())
            .collect();
        assert!(reasons.len() >= 3, "{kind:?}: {reasons:?}");
        assert!(reasons.iter().all(|reason| reason == "suppressed"), "{reasons:?}");
        assert_eq!(world.outbox().unwrap().len(), 1, "{kind:?}");
    }
}

#[test]
fn soft_bounces_on_three_days_end_an_address_unless_something_arrived() {
    for arrives in [false, true] {
        let (mut world, _) = signed_up(1, ProviderKind::Outbox, DAILY);
        for day in 0..3 {
            let message = mail(&world, "nadia");
            let kind = if arrives && day == 1 {
                Delivered
            } else {
                SoftBounce
            };
            let event = told(&world, kind, &message);
            let (heard, rows) = hear(&world, &event);
            assert!(
                heard == NEW && rows == if day == 2 && !arrives { 5 } else { 2 },
                "{day}: {rows}"
            );
            assert_eq!(hear(&world, &event), (REPEATED, 0));
            pass(&mut world, DAY);
        }
        let (state, mails) = if arrives {
            (ConsentState::Subscribed, 4)
        } else {
            (ConsentState::Suppressed, 3)
        };
        assert_eq!(consent(&world, "nadia"), state);
        assert_eq!(world.outbox().unwrap().len(), mails);
    }
}

#[test]
fn who_unsubscribes_at_the_provider_gets_receipts_and_no_marketing() {
    for named in [true, false] {
        let (mut world, message) = signed_up(4, ProviderKind::Outbox, DAILY);
        let mut event = told(&world, Unsubscribed, &message);
        event.recipient = EmailAddress::parse(&address("nadia")).ok().filter(|_| named);
        assert_eq!(hear(&world, &event), (NEW, 4));
        assert_eq!(hear(&world, &event), (REPEATED, 0));
        assert_eq!(consent(&world, "nadia"), ConsentState::Unsubscribed);
        tell(&world, &mut Story::default(), "order 1 by=nadia");
        pass(&mut world, Delay::from_days(2));
        let mails = world.outbox().unwrap().into_iter();
        let steps: Vec<String> = mails.map(|mail| mail.step.to_string()).collect();
        assert_eq!(steps.len(), 2, "named {named}: {steps:?}");
        assert!(steps[1].starts_with("order-"), "{steps:?}");
    }
}

#[test]
fn an_event_of_a_mail_whose_answer_was_lost_settles_it() {
    let mut world = world_of(1, ProviderKind::Resend, NURTURE);
    world.provider.borrow_mut().faults.push_back(Fault::Silent);
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, Delay::from_seconds(1));
    let stored = world.messages().unwrap().remove(0);
    let message = stored.message.id;
    assert!(!stored.message.state.is_final());
    let mut event = told(&world, Delivered, &message);
    event.provider_message = Some("re_7".to_owned());
    assert_eq!(hear(&world, &event).0, NEW);
    assert_eq!(hear(&world, &event), (REPEATED, 0));
    let settled = ledger(&world, &message);
    assert_eq!(settled.message.state, MessageState::Accepted);
    assert_eq!(settled.message.provider_id.as_deref(), Some("re_7"));
    assert_eq!(settled.delivery.progress, Progress::Delivered);
    pass(&mut world, Delay::from_days(2));
    assert_eq!(world.provider.borrow().requests, 1, "nothing is sent again");
    assert_eq!(world.dispatches().unwrap().len(), 0);
    let run = &world.live().unwrap()[0].enrollments[0];
    assert_eq!(run.step.as_str(), "click", "the run goes on from the mail");
}

#[test]
fn what_concerns_nobody_we_know_writes_nothing() {
    for shards in [1, 4] {
        let (world, _) = signed_up(shards, ProviderKind::Outbox, NURTURE);
        let stranger = MessageId::parse(&"0".repeat(40)).unwrap();
        assert_eq!(hear(&world, &told(&world, HardBounce, &stranger)), (UNKNOWN, 0));
        assert_eq!(
            hear(&world, &of_address(&world, HardBounce, "omar")),
            (UNKNOWN, 0)
        );
        let mut bare = of_address(&world, HardBounce, "omar");
        bare.recipient = None;
        assert_eq!(hear(&world, &bare), (UNKNOWN, 0));
    }
}

#[test]
fn an_event_without_our_id_is_heard_by_its_recipient() {
    for shards in [1, 4] {
        // Nadia, and her second address, whose row may be in another shard.
        for name in ["nadia", "bea"] {
            let mut world = world_of(shards, ProviderKind::Resend, DAILY);
            let mut story = Story::default();
            tell(&world, &mut story, "profile by=nadia customer=7");
            tell(
                &world,
                &mut story,
                &format!("signup by={name} customer=7 subscribed"),
            );
            pass(&mut world, MINUTE);
            let stored = world.messages().unwrap().remove(0);
            let provider_id = stored.message.provider_id.clone();
            assert!(provider_id.is_some());
            let mut opened = of_address(&world, Opened, name);
            opened.provider_message = provider_id;
            assert_eq!(hear(&world, &opened).0, NEW);
            assert_eq!(
                ledger(&world, &stored.message.id).delivery.progress,
                Progress::Opened
            );
            // Of no mail that we know, yet it says that the address is dead.
            assert_eq!(hear(&world, &of_address(&world, HardBounce, name)).0, NEW);
            assert_eq!(consent(&world, name), ConsentState::Suppressed, "{shards} shards");
            let before = world.live().unwrap();
            hear(&world, &of_address(&world, HardBounce, name));
            assert_eq!((world.live().unwrap(), world.forwards().unwrap()), (before, 0));
        }
    }
}

#[test]
fn after_a_merge_events_reach_who_is_left() {
    for shards in [1, 4, 16] {
        let mut world = world_of(shards, ProviderKind::Outbox, DAILY);
        let mut story = Story::default();
        for line in [
            "signup by=nadia customer=7 subscribed",
            "signup by=bea customer=8 subscribed",
        ] {
            tell(&world, &mut story, line);
        }
        pass(&mut world, MINUTE);
        let mails = ["nadia", "bea"].map(|name| mail(&world, name));
        tell(&world, &mut story, "profile by=nadia customer=8");
        pass(&mut world, MINUTE);
        assert_eq!(world.live().unwrap().len(), 1);
        for (name, message) in ["nadia", "bea"].iter().zip(&mails) {
            let clicked = told(&world, Clicked, message);
            assert_eq!(hear(&world, &clicked).0, NEW, "{shards} shards");
            assert_eq!(hear(&world, &clicked), (REPEATED, 0));
            let contact = world.live().unwrap().remove(0);
            assert_eq!(contact.engagement.clicked_at, Some(world.now));
            pass(&mut world, MINUTE);
            let mut bounced = told(&world, HardBounce, message);
            bounced.recipient = EmailAddress::parse(&address(name)).ok();
            assert_eq!(hear(&world, &bounced).0, NEW);
            assert_eq!(consent(&world, name), ConsentState::Suppressed, "{shards} shards");
            assert_eq!(ledger(&world, message).delivery.failure, Failure::HardBounce);
            pass(&mut world, MINUTE);
        }
        assert_eq!(
            (world.forwards().unwrap(), world.letters().unwrap()),
            (0, Vec::new())
        );
    }
}

#[test]
fn one_event_that_fails_is_put_aside_and_the_others_apply() {
    let mut world = world_of(1, ProviderKind::Outbox, DAILY);
    let mut story = Story::default();
    for name in ["nadia", "omar"] {
        tell(&world, &mut story, &format!("signup by={name} subscribed"));
    }
    pass(&mut world, MINUTE);
    let [broken, whole] = ["nadia", "omar"].map(|name| mail(&world, name));
    let nadia = contact_of(&world, "nadia");
    world
        .turn(world.indices()[0], |turn| {
            let spoil = "UPDATE contact SET doc = '{' WHERE contact_id = ?1";
            Ok(turn.sql.query(spoil, &[(&nadia).into()])?)
        })
        .unwrap();
    let events = vec![told(&world, Opened, &broken), told(&world, Opened, &whole)];
    let heard = world.hear(events).unwrap();
    assert_eq!((heard.new, heard.failed), (1, 1));
    assert_eq!(ledger(&world, &whole).delivery.progress, Progress::Opened);
    let letter = world.letters().unwrap().remove(0);
    assert_eq!(letter.what, "delivery");
    assert!(letter.body.contains(broken.as_str()) && !letter.reason.contains('@'));
}
