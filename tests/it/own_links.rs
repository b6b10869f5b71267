//! Mails' own links, from the mail that was sent to what follows: clicks and opens that a shard hears of, mails that are shown
//! once more.

use crate::world::{pass, tell, world};
use wend::domain::delivery_event::{ClickedUrl, DeliveryEvent};
use wend::domain::delivery_state::Progress;
use wend::domain::email::EmailAddress;
use wend::domain::ids::{EventId, MessageId};
use wend::domain::message::MessageState;
use wend::domain::time::{Delay, Timestamp};
use wend::providers::ProviderKind;
use wend::render::links::Purpose;
use wend::simulation::provider::Fault;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::{Answer, Call, Heard, Seen};
use wend::turn::seen::sighting;

const MINUTE: Delay = Delay::from_minutes(1);
const DAY: Delay = Delay::from_days(1);
const SALE: &str = "https://northfold.example/sale";
const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";

/// A greeting, and what follows a click on it.
const NURTURE: &str = "title: Nurture\nstage: consideration\ntrigger: { on: Signed Up, key: contact }\nsteps:\n\
    \x20 - send: welcome-hello\n    stream: transactional\n\
    \x20 - wait: { for: Email Clicked, timeout: 5d, otherwise: exit }\n    id: click\n\
    \x20 - send: welcome-story\n    stream: transactional\n\
    \x20 - wait: 1d\n  - send: welcome-favourites\n    stream: transactional\n";
/// Whoever clicks on the sale.
const SALE_SEEKERS: &str = "title: Sale\nstage: consideration\n\
    trigger: { on: Email Clicked, key: contact, when: 'event.url == \"https://northfold.example/sale\"' }\nsteps:\n\
    \x20 - send: review-request\n    stream: transactional\n";
/// A mail to the store's own people about somebody.
const TO_TEAM: &str = "title: Told\nstage: retention\ntrigger: { on: Signed Up, key: contact }\nsteps:\n\
    \x20 - send: welcome-hello\n    stream: transactional\n    to: team\n";

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

/// A world in which these journeys take the place of the greeting.
fn signed_up(shards: u16, provider: ProviderKind, journeys: &[(&str, &str)]) -> World {
    let mut world = world(shards, provider);
    let own = journeys
        .iter()
        .map(|(name, text)| ((*name).to_owned(), Some((*text).to_owned())));
    let edits: Vec<_> = [
        ("welcome".to_owned(), None),
        ("abandoned-checkout".to_owned(), None),
    ]
    .into_iter()
    .chain(own)
    .collect();
    world.deploy(&edits).unwrap();
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, MINUTE);
    world
}

fn last_mail(world: &World) -> MessageId {
    world.mails_to(&address("nadia")).unwrap().pop().unwrap()
}

fn seen(world: &World, event: DeliveryEvent, beside: &[(Timestamp, &str)]) -> (Heard, u64) {
    let shard = world.settings.shards.of_message(event.message.as_ref().unwrap());
    let beside = beside
        .iter()
        .map(|(at, url)| (*at, ClickedUrl::new(url)))
        .collect();
    let before = world.rows_written();
    let call = Call::See(Box::new(Seen { event, beside }));
    let Answer::Heard(heard) = world.call(shard, call).unwrap() else {
        panic!("another answer");
    };
    (heard, world.rows_written() - before)
}

fn click(world: &World, message: &MessageId, url: &str) -> DeliveryEvent {
    sighting(message.clone(), Some(url), Some(PHONE), world.now).unwrap()
}

fn sent(world: &World) -> Vec<String> {
    let mails = world.outbox().unwrap().into_iter();
    mails.map(|mail| mail.step.to_string()).collect()
}

fn view(world: &World, message: &MessageId) -> Option<String> {
    view_of(world, message, "nadia")
}

/// The page behind the link of a mail that went to somebody's address.
fn view_of(world: &World, message: &MessageId, who: &str) -> Option<String> {
    let keys = world.settings.link_keys.as_ref().unwrap();
    let to = EmailAddress::parse(&address(who)).unwrap();
    let token = keys.token(Purpose::View, message, &to);
    let mark = keys.verify(Purpose::View, &token).unwrap().mark;
    let shard = world.settings.shards.of_message(message);
    let before = world.rows_written();
    let call = Call::View {
        message: message.clone(),
        mark,
    };
    let Answer::Viewed(html) = world.call(shard, call).unwrap() else {
        panic!("another answer");
    };
    assert_eq!(world.rows_written(), before, "looking writes nothing");
    html
}

#[test]
fn a_click_moves_its_run_once_and_tells_journeys_where_it_led() {
    for shards in [1, 4] {
        let journeys = [("nurture", NURTURE), ("sale", SALE_SEEKERS)];
        let mut world = signed_up(shards, ProviderKind::Outbox, &journeys);
        let message = last_mail(&world);
        let opened = sighting(message.clone(), None, Some(PHONE), world.now).unwrap();
        assert_eq!(seen(&world, opened.clone(), &[]), (NEW, 2));
        assert_eq!(seen(&world, opened, &[]), (REPEATED, 0));
        let first = click(&world, &message, SALE);
        // Besides the two rows: the contact's place in the schedule, as its wait is over, and the mail about the sale.
        assert_eq!(seen(&world, first.clone(), &[]), (NEW, 4));
        for again in [first, click(&world, &message, "https://northfold.example/")] {
            assert_eq!(seen(&world, again, &[]), (REPEATED, 0));
        }
        assert_eq!(
            world.message(&message).unwrap().unwrap().delivery.progress,
            Progress::Clicked
        );
        pass(&mut world, MINUTE);
        assert_eq!(sent(&world), ["welcome-hello", "welcome-story", "review-request"]);
        pass(&mut world, DAY);
        assert_eq!(sent(&world).len(), 4, "{shards} shards");
    }
}

#[test]
fn a_click_elsewhere_starts_nothing_that_asks_where() {
    let mut world = signed_up(
        1,
        ProviderKind::Outbox,
        &[("nurture", NURTURE), ("sale", SALE_SEEKERS)],
    );
    let event = click(&world, &last_mail(&world), "https://northfold.example/other");
    assert_eq!(seen(&world, event, &[]).0, NEW);
    pass(&mut world, MINUTE);
    assert_eq!(sent(&world), ["welcome-hello", "welcome-story"]);
}

/// The provider rewrites our links to its own, so that each click is seen twice.
#[test]
fn a_click_that_the_provider_tells_too_counts_once() {
    let second = Delay::from_seconds(1);
    for (provider_first, is_later) in [(true, true), (false, true), (false, false)] {
        let mut world = signed_up(1, ProviderKind::Outbox, &[("nurture", NURTURE)]);
        let message = last_mail(&world);
        let ours = click(&world, &message, SALE);
        let mut theirs = ours.clone();
        theirs.id = EventId::parse("resend:msg_1").unwrap();
        theirs.occurred_at = if is_later {
            ours.occurred_at.plus(second)
        } else {
            ours.occurred_at.minus(second)
        };
        if provider_first {
            assert_eq!(world.hear(vec![theirs]).unwrap(), NEW);
            // An earlier time of the same click is noted in the message's row, and nobody is told again.
            assert_eq!(seen(&world, ours, &[]), (NEW, 1));
        } else {
            assert_eq!(seen(&world, ours, &[]).0, NEW);
            let heard = world.hear(vec![theirs]).unwrap();
            assert_eq!(heard, if is_later { REPEATED } else { NEW });
        }
        pass(&mut world, MINUTE);
        assert_eq!(sent(&world), ["welcome-hello", "welcome-story"]);
    }
}

#[test]
fn scanners_move_nothing() {
    let mut world = signed_up(1, ProviderKind::Outbox, &[("nurture", NURTURE)]);
    let message = last_mail(&world);
    let taken_at = world
        .message(&message)
        .unwrap()
        .unwrap()
        .message
        .settled_at
        .unwrap();
    let before = world.live().unwrap();
    let mut soon = click(&world, &message, SALE);
    soon.occurred_at = taken_at.plus(Delay::from_seconds(9));
    let nameless = sighting(message.clone(), Some(SALE), None, world.now).unwrap();
    let proxied = sighting(message.clone(), None, Some("Mozilla/5.0"), world.now).unwrap();
    let swept = click(&world, &message, SALE);
    let other = [(
        world.now.plus(Delay::from_seconds(2)),
        "https://northfold.example/",
    )];
    assert_eq!(seen(&world, soon, &[]), (NEW, 1));
    for machine in [nameless, proxied] {
        assert_eq!(seen(&world, machine, &[]), (REPEATED, 0));
    }
    assert_eq!(seen(&world, swept, &other), (REPEATED, 0));
    assert_eq!(world.live().unwrap(), before);
    pass(&mut world, DAY);
    assert_eq!(sent(&world), ["welcome-hello"]);
}

#[test]
fn a_click_settles_a_mail_whose_answer_was_lost() {
    let mut world = world(1, ProviderKind::Resend);
    world.provider.borrow_mut().faults.push_back(Fault::Silent);
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, Delay::from_seconds(1));
    let message = world.messages().unwrap().remove(0).message.id;
    assert_eq!(seen(&world, click(&world, &message, SALE), &[]).0, NEW);
    let settled = world.message(&message).unwrap().unwrap();
    assert_eq!(settled.message.state, MessageState::Accepted);
    assert_eq!(settled.message.provider.as_deref(), Some("resend"));
    pass(&mut world, DAY);
    assert_eq!(world.provider.borrow().requests, 1, "nothing is sent again");
}

#[test]
fn a_mail_to_the_team_is_nobodys_to_track() {
    let world = signed_up(1, ProviderKind::Outbox, &[("told", TO_TEAM)]);
    let mail = world.outbox().unwrap().remove(0);
    for part in [&mail.html, &mail.text] {
        assert!(part.contains("https://northfold.example"), "{part}");
        for own in ["/c/", "/o/", "/m/", "utm_"] {
            assert!(!part.contains(own), "{own} in {part}");
        }
    }
}

#[test]
fn a_mail_is_shown_for_sixty_days_as_it_was() {
    for shards in [1, 4] {
        let mut world = signed_up(shards, ProviderKind::Outbox, &[("nurture", NURTURE)]);
        let message = last_mail(&world);
        let mail = world.outbox().unwrap().remove(0);
        let shown = view(&world, &message).unwrap();
        // The same mail but for what makes no sense on a page: the way to it, and the picture.
        let without = |html: &str| -> Vec<String> {
            let extra = ["/m/", "/o/"];
            let lines = html
                .lines()
                .filter(|line| !extra.iter().any(|own| line.contains(own)));
            lines.map(str::to_owned).collect()
        };
        assert_eq!(without(&shown), without(&mail.html));
        assert!(!shown.contains("/m/") && !shown.contains("/o/"));
        // The run ends, and its mail is still known.
        pass(&mut world, Delay::from_days(50));
        assert!(world.live().unwrap()[0].enrollments.is_empty());
        assert_eq!(view(&world, &message).as_deref(), Some(shown.as_str()));
        pass(&mut world, Delay::from_days(11));
        assert_eq!(view(&world, &message), None);
        let nobodys = MessageId::parse(&"0".repeat(40)).unwrap();
        assert_eq!(view(&world, &nobodys), None);
    }
}

#[test]
fn the_cart_of_a_mail_is_the_one_it_showed() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    tell(&world, &mut story, "checkout c1 by=nadia value=30 items=2");
    pass(&mut world, Delay::from_hours(2));
    let mails = world.outbox().unwrap();
    let nudge = mails
        .iter()
        .find(|mail| mail.step.as_str() == "checkout-nudge")
        .unwrap();
    let before = view(&world, &nudge.id).unwrap();
    tell(&world, &mut story, "update c1 by=nadia value=99 items=3");
    pass(&mut world, Delay::from_minutes(1));
    assert!(before.contains("30.00"), "{before}");
    assert_eq!(view(&world, &nudge.id).as_deref(), Some(before.as_str()));
    // Bought: the run has ended, and the cart is found among what happened.
    tell(&world, &mut story, "order 1 by=nadia checkout=c1 value=99");
    pass(&mut world, MINUTE);
    assert_eq!(view(&world, &nudge.id).as_deref(), Some(before.as_str()));
}

#[test]
fn a_mail_to_a_former_address_is_shown_as_it_went_there_and_without_what_is_known_since() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    tell(&world, &mut story, "profile by=nadia customer=501");
    pass(&mut world, MINUTE);
    let message = last_mail(&world);
    tell(
        &world,
        &mut story,
        "profile by=nadia-new customer=501 name=Newname",
    );
    pass(&mut world, MINUTE);
    let present = world.live().unwrap();
    assert_eq!((present.len(), present[0].addresses.len()), (1, 2));
    let shown = view(&world, &message).unwrap();
    assert!(shown.contains("nadia@example.com"), "{shown}");
    for news in ["nadia-new", "Newname"] {
        assert!(!shown.contains(news), "{news}");
    }
    // Nobody has such a link; but the name stands where the address of today does.
    assert!(
        view_of(&world, &message, "nadia-new")
            .unwrap()
            .contains("Newname")
    );
    assert_eq!(view_of(&world, &message, "somebody"), None, "it never went there");
}
