//! What people choose by the links in their mails: the page and its form, and the ledger that proves it.

use crate::world::{contact_of, event, pass, tell, world};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use wend::domain::consent::{ConsentRecord, ConsentState};
use wend::domain::email::EmailAddress;
use wend::domain::ids::{MessageId, TopicName};
use wend::domain::preferences::{Frequency, Pause, PreferenceChange, Preferences};
use wend::domain::time::{Delay, Timestamp};
use wend::journey::catalog::Catalog;
use wend::providers::ProviderKind;
use wend::render::links::{Mark, Purpose};
use wend::render::preferences::{Asked, Reader, Wrong, page, read};
use wend::simulation::setup::edited;
use wend::simulation::story::address;
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::turn::call::{Answer, Call};
use wend::turn::choice::{By, Choice, Chosen};

const HOUR: Delay = Delay::from_hours(1);

fn catalog() -> Catalog {
    edited(Path::new(env!("CARGO_MANIFEST_DIR")), &BTreeMap::new()).unwrap()
}

/// Saturday evening in London, Sunday morning in Tokyo.
fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-21T21:05:00Z").unwrap()
}

fn reader(preferences: &Preferences) -> Reader<'_> {
    Reader {
        preferences,
        consent: ConsentState::Subscribed,
        locale: Some("en-US"),
        timezone: Some("Asia/Tokyo"),
    }
}

fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn asked(text: &str) -> Result<Asked, Wrong> {
    read(&catalog(), reader(&Preferences::default()), &fields(text), now())
}

fn topics(names: &[&str]) -> BTreeSet<TopicName> {
    names.iter().map(|name| TopicName::parse(name).unwrap()).collect()
}

#[test]
fn a_form_says_what_was_shown_and_what_of_it_is_wanted() {
    let form = "shown=news&shown=carts&shown=gone&topic=carts&frequency=less&pause=none&action=save";
    let expected = Asked::Save {
        change: PreferenceChange {
            on: topics(&["carts"]),
            // The topic that no deploy knows any more is left alone.
            off: topics(&["news"]),
            frequency: Some(Frequency::LessOften),
            pause: Some(Pause::Over),
        },
        locale: None,
    };
    assert_eq!(asked(form), Ok(expected));
    assert_eq!(asked("action=leave"), Ok(Asked::Leave));
    assert_eq!(asked("action=return"), Ok(Asked::Return));
}

#[test]
fn a_break_ends_at_midnight_of_the_readers_own() {
    let pause = |text: &str| match asked(&format!("frequency=all&action=save&{text}")) {
        Ok(Asked::Save { change, .. }) => Ok(change.pause),
        Ok(other) => panic!("{other:?}"),
        Err(wrong) => Err(wrong),
    };
    let until = |text: &str| Ok(Some(Pause::Until(Timestamp::parse_rfc3339(text).unwrap())));
    // In Tokyo it is the 22nd already.
    assert_eq!(pause("pause=30"), until("2026-04-20T15:00:00Z"));
    assert_eq!(
        pause("pause=date&until=2026-03-23"),
        until("2026-03-22T15:00:00Z")
    );
    assert_eq!(pause("pause=keep"), Ok(None));
    for day in ["2026-03-22", "2027-04-01", "", "31.05.2026", "2026-02-30"] {
        assert_eq!(
            pause(&format!("pause=date&until={day}")),
            Err(Wrong::Date),
            "{day}"
        );
    }
    assert_eq!(pause("pause=31"), Err(Wrong::Form));
    assert_eq!(pause("pause=30&pause=60"), Err(Wrong::Form));
}

#[test]
fn the_page_shows_what_holds_in_the_readers_language() {
    let catalog = catalog();
    let held = Preferences {
        off: topics(&["carts"]),
        frequency: Frequency::LessOften,
        paused_until: Some(Timestamp::parse_rfc3339("2026-05-30T15:00:00Z").unwrap()),
    };
    let german = Reader {
        locale: Some("de-AT"),
        ..reader(&held)
    };
    let html = page(&catalog, german, now(), true).unwrap();
    for expected in [
        "<html lang=\"de\">",
        "Gespeichert",
        "Ihr Warenkorb",
        "value=\"news\" checked",
        "value=\"carts\">",
        "value=\"less\" checked",
        "value=\"keep\" checked",
        "Bis 31. Mai 2026, wie bisher",
        "min=\"2026-03-23\"",
        "höchstens eine E-Mail pro Woche",
    ] {
        assert!(html.contains(expected), "{expected} is not in\n{html}");
    }
    let english = page(&catalog, reader(&Preferences::default()), now(), false).unwrap();
    assert!(english.contains("<html lang=\"en\">") && !english.contains("value=\"keep\""));
    for html in [html, english] {
        let labelled = html.matches("<label").count();
        let inputs = html.matches("<input").count() - html.matches("type=\"hidden\"").count();
        let selects = html.matches("<select").count();
        assert_eq!(labelled, inputs + selects, "each field has its label");
        assert_eq!(
            html.matches("<fieldset>").count(),
            html.matches("<legend>").count()
        );
        assert_eq!(html.matches("<h1>").count(), 1);
        assert!(!html.contains("<script") && !html.contains("src="));
    }
}

/// The ledger of the one contact that is left, the oldest line first.
fn ledger(world: &World) -> Vec<ConsentRecord> {
    let id = world.live().unwrap().remove(0).id;
    let mut lines = world.consents(&id).unwrap();
    lines.sort_by_key(|line| line.recorded_at);
    lines
}

fn mail_to(world: &World, name: &str) -> MessageId {
    world.mails_to(&address(name)).unwrap().pop().unwrap()
}

fn mark(world: &World, message: &MessageId, name: &str) -> Mark {
    let keys = world.settings.link_keys.as_ref().unwrap();
    let to = EmailAddress::parse(&address(name)).unwrap();
    let token = keys.token(Purpose::Preferences, message, &to);
    keys.verify(Purpose::Preferences, &token).unwrap().mark
}

fn choose(world: &World, message: &MessageId, choice: Choice, by: By) -> (Chosen, u64) {
    let shard = world.settings.shards.of_message(message);
    let before = world.rows_written();
    let call = Call::Choose {
        message: message.clone(),
        choice,
        by,
    };
    let Answer::Chosen(chosen) = world.call(shard, call).unwrap() else {
        panic!("another answer");
    };
    (chosen, world.rows_written() - before)
}

/// The shop's clock is ahead, and who signed up leaves at once.
#[test]
fn a_no_outlasts_a_yes_that_a_fast_clock_dates_after_it() {
    let mut world = world(1, ProviderKind::Outbox);
    let signed_up = world.now;
    tell(&world, &mut Story::default(), "signup by=nadia subscribed");
    pass(&mut world, HOUR);
    let message = mail_to(&world, "nadia");
    let by = By {
        at: Some(signed_up.minus(Delay::from_minutes(4))),
        ..By::default()
    };
    assert_eq!(
        choose(&world, &message, Choice::Unsubscribe, by),
        (Chosen::Done, 3)
    );
    let addresses = world.live().unwrap().remove(0).addresses;
    assert_eq!(addresses[0].consent.state, ConsentState::Unsubscribed);
}

#[test]
fn each_change_of_consent_is_one_row_with_its_proof() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    pass(&mut world, HOUR);
    let message = mail_to(&world, "nadia");
    let by = By {
        ip: Some("203.0.113.7".to_owned()),
        agent: Some("Mail/1.0".to_owned()),
        one_click: true,
        at: None,
    };
    // The event, the document, the line of the ledger.
    assert_eq!(
        choose(&world, &message, Choice::Unsubscribe, by.clone()),
        (Chosen::Done, 3)
    );
    assert_eq!(
        choose(&world, &message, Choice::Unsubscribe, by),
        (Chosen::Done, 0)
    );
    pass(&mut world, HOUR);
    let back = Choice::Subscribe(mark(&world, &message, "nadia"));
    assert_eq!(
        choose(&world, &message, back.clone(), By::default()),
        (Chosen::Done, 3)
    );
    assert_eq!(choose(&world, &message, back, By::default()), (Chosen::Done, 0));
    let lines = ledger(&world);
    let states: Vec<(ConsentState, Option<&str>)> = lines
        .iter()
        .map(|line| (line.state, line.signal.method.as_deref()))
        .collect();
    assert_eq!(
        states,
        [
            (ConsentState::Subscribed, None),
            (ConsentState::Unsubscribed, Some("one_click")),
            (ConsentState::Subscribed, Some("preference_centre")),
        ]
    );
    assert_eq!(lines[1].signal.ip.as_deref(), Some("203.0.113.7"));
    assert_eq!(lines[1].signal.agent.as_deref(), Some("Mail/1.0"));
    let address: Vec<&str> = lines.iter().map(|line| line.address.as_str()).collect();
    assert_eq!(
        address,
        [contact_of(&world, "nadia").as_str(); 3],
        "the hash of the address"
    );
}

#[test]
fn a_second_no_outlasts_a_yes_between_the_two_however_soon_it_came() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    pass(&mut world, HOUR);
    let message = mail_to(&world, "nadia");
    let leaves = |world: &World| choose(world, &message, Choice::Unsubscribe, By::default());
    assert_eq!(leaves(&world), (Chosen::Done, 3));
    pass(&mut world, Delay::from_minutes(10));
    let between = event(&world, &mut story, "profile by=nadia subscribed");
    pass(&mut world, Delay::from_minutes(10));
    // The document alone.
    assert_eq!(leaves(&world), (Chosen::Done, 1));
    // The shop is slow to tell.
    pass(&mut world, Delay::from_minutes(10));
    world.ingest(between).unwrap();
    let consent = |world: &World| world.live().unwrap().remove(0).addresses[0].consent.state;
    assert_eq!(consent(&world), ConsentState::Unsubscribed);
    let back = Choice::Subscribe(mark(&world, &message, "nadia"));
    assert_eq!(choose(&world, &message, back, By::default()).0, Chosen::Done);
    assert_eq!(consent(&world), ConsentState::Subscribed);
}

/// The shop dates a no a little ahead, and on the page they come back at once.
#[test]
fn the_page_says_yes_only_where_a_yes_holds() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed");
    pass(&mut world, HOUR);
    let message = mail_to(&world, "nadia");
    tell(&world, &mut story, "profile by=nadia unsubscribed time=+63m");
    let back = Choice::Subscribe(mark(&world, &message, "nadia"));
    let passed_on = By {
        at: Some(world.now),
        ..By::default()
    };
    // A click of before, that another shard passed on, is overtaken by the no.
    assert_eq!(
        choose(&world, &message, back.clone(), passed_on).0,
        Chosen::Expired
    );
    pass(&mut world, Delay::from_minutes(1));
    assert_eq!(choose(&world, &message, back, By::default()).0, Chosen::Done);
    let addresses = world.live().unwrap().remove(0).addresses;
    assert_eq!(addresses[0].consent.state, ConsentState::Subscribed);
}

#[test]
fn a_yes_by_a_link_is_for_its_own_mailbox() {
    let mut world = world(1, ProviderKind::Outbox);
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
    pass(&mut world, HOUR);
    let message = mail_to(&world, "nadia");
    // Another address of the same account, which said no and was seen last.
    tell(&world, &mut story, "profile by=victim customer=7 unsubscribed");
    let yes = Choice::Subscribe(mark(&world, &message, "nadia"));
    assert_eq!(choose(&world, &message, yes, By::default()), (Chosen::Done, 0));
    let stranger = Choice::Confirm(mark(&world, &message, "somebody"));
    assert_eq!(
        choose(&world, &message, stranger, By::default()),
        (Chosen::NotFound, 0)
    );
    let contact = world.live().unwrap().remove(0);
    let victim = contact
        .addresses
        .iter()
        .find(|held| held.email.as_str().starts_with("victim"));
    assert_eq!(victim.unwrap().consent.state, ConsentState::Unsubscribed);
}

#[test]
fn the_ledger_survives_a_merge_and_outlives_the_contacts_events() {
    for shards in [1, 4] {
        let mut world = world(shards, ProviderKind::Outbox);
        let mut story = Story::default();
        tell(&world, &mut story, "signup by=nadia customer=7 subscribed");
        tell(&world, &mut story, "signup by=other subscribed");
        pass(&mut world, HOUR);
        tell(&world, &mut story, "unsubscribe by=other");
        tell(&world, &mut story, "profile by=other customer=7");
        pass(&mut world, HOUR);
        pass(&mut world, Delay::from_days(500));
        for _ in 0..20 {
            for shard in world.indices() {
                world.call(shard, Call::Prune).unwrap();
            }
        }
        let lines = ledger(&world);
        let mut told: Vec<(String, ConsentState)> = lines
            .iter()
            .map(|line| (line.address.to_string(), line.state))
            .collect();
        told.sort();
        let mut expected = vec![
            (contact_of(&world, "nadia").to_string(), ConsentState::Subscribed),
            (contact_of(&world, "other").to_string(), ConsentState::Subscribed),
            (
                contact_of(&world, "other").to_string(),
                ConsentState::Unsubscribed,
            ),
        ];
        expected.sort();
        assert_eq!(told, expected, "{shards} shards");
    }
}

#[test]
fn pending_marketing_is_cancelled_in_the_turn_of_the_no() {
    let mut world = world(1, ProviderKind::Outbox);
    world.catalog.store.quiet_hours = Some("00:00-23:00".parse().unwrap());
    let mut story = Story::default();
    tell(&world, &mut story, "signup by=nadia subscribed zone=UTC");
    pass(&mut world, HOUR);
    let waiting = world.messages().unwrap().remove(0).message;
    assert_eq!(waiting.state.as_str(), "intended");
    choose(&world, &waiting.id, Choice::Unsubscribe, By::default());
    let dropped = world.messages().unwrap().remove(0).message;
    assert_eq!(
        (dropped.state.as_str(), dropped.reason.as_deref()),
        ("dropped", Some("unsubscribed"))
    );
}
