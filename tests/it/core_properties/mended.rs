//! What was broken once, each as the shortest history that showed it.

use super::bounds::{contact, decided, event, store};
use super::machine::start;
use std::sync::Arc;
use wend::domain::consent::{ConsentGrade, ConsentSignal, ConsentState};
use wend::domain::email::EmailAddress;
use wend::domain::event::{Event, EventKind};
use wend::domain::ids::MessageId;
use wend::domain::message::DropReason;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::decide::decide;
use wend::engine::decision::{Change, Decision, Input, Settlement};
use wend::engine::guard::{self, Verdict};
use wend::engine::state::{Contact, Facts, Position};
use wend::journey::catalog::Catalog;

const SIGNUP: &str = "trigger: { on: Signed Up, key: contact }\n";
const MARKETING: &str = "send: note, stream: marketing";

fn hours(number: i64) -> Timestamp {
    start().plus(Delay::from_hours(number))
}

fn then(catalog: &Catalog, contact: &Contact, input: &Input, at: Timestamp) -> Decision {
    decide(catalog, contact, &Facts::default(), input, at)
}

fn happens(catalog: &Catalog, contact: &Contact, number: u32, kind: EventKind, at: Timestamp) -> Decision {
    let event = Event {
        occurred_at: at,
        received_at: at,
        ..event(number, kind)
    };
    then(catalog, contact, &Input::Event(Arc::new(event)), at)
}

fn signed_up(catalog: &Catalog) -> Contact {
    let mut event = event(1, EventKind::SignedUp);
    event.email = EmailAddress::parse("ada@example.com").ok();
    event.consent = Some(ConsentSignal {
        state: ConsentState::Subscribed,
        grade: ConsentGrade::Explicit,
        at: start(),
        method: None,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    });
    decided(catalog, &contact(1), event).contact
}

fn message_of(contact: &Contact) -> MessageId {
    let mut sending = contact.enrollments.iter().filter_map(|run| run.sending());
    sending.next().unwrap().message.clone()
}

fn accepted(message: MessageId) -> Input {
    let how = Settlement::Accepted {
        provider: "outbox".to_owned(),
        provider_id: None,
    };
    Input::Settled { message, how }
}

fn verdict(catalog: &Catalog, contact: &Contact, at: Timestamp) -> Verdict {
    let run = contact
        .enrollments
        .iter()
        .find(|run| run.sending().is_some())
        .unwrap();
    guard::check(
        catalog,
        contact,
        run,
        run.sending().unwrap(),
        &guard::Facts::default(),
        at,
    )
}

/// It was run on from where it had stood, and so rose from the dead.
#[test]
fn who_is_stopped_in_the_same_moment_does_not_go_on() {
    let stops = format!("{SIGNUP}steps:\n  - {{ wait: 1h, id: w }}\n  - stop: b\n");
    let goes =
        format!("{SIGNUP}steps:\n  - {{ wait: 1h, id: w }}\n  - {{ send: note, stream: transactional }}\n");
    let catalog = store(&[("a", stops), ("b", goes)]);
    let before = signed_up(&catalog);
    assert_eq!(before.enrollments.len(), 2);
    let after = then(&catalog, &before, &Input::Wake, hours(1));
    assert!(after.contact.enrollments.is_empty());
    let ended = |change: &&Change| matches!(change, Change::EndEnrollment(_));
    assert_eq!(after.changes.iter().filter(ended).count(), 2);
}

/// The second mail had the id of the first, and the ledger refused it.
#[test]
fn a_goal_that_leads_back_to_a_send_makes_another_mail() {
    let goal = "goal: { on: Product Viewed, within: 5d, then: hello }\n";
    let steps = format!(
        "steps:\n  - {{ {MARKETING}, id: hello }}\n  - {{ wait: 3d, id: w }}\n  - {{ {MARKETING}, id: last }}\n"
    );
    let catalog = store(&[("a", format!("{SIGNUP}{goal}{steps}"))]);
    let first = signed_up(&catalog);
    let sent = then(&catalog, &first, &accepted(message_of(&first)), hours(1)).contact;
    let again = happens(&catalog, &sent, 2, EventKind::ProductViewed, hours(2)).contact;
    assert_ne!(message_of(&again), message_of(&first));
}

/// Both starts made the same run, whose mails were then the same too.
#[test]
fn each_start_is_a_run_of_its_own_and_once_means_once() {
    for (again, runs) in [("restart", 3), ("parallel", 3), ("once", 1), ("after 3d", 1)] {
        let starts = format!(
            "{SIGNUP}steps:\n  - start: b\n  - {{ wait: 1d, id: w }}\n  - {{ goto: w, times: 1, id: g }}\n  - start: b\n  - start: b\n"
        );
        let quick =
            format!("reenter: {again}\ntrigger: {{ manual: true, key: contact }}\nsteps:\n  - tag: seen\n");
        let catalog = store(&[("a", starts), ("b", quick)]);
        let mut contact = signed_up(&catalog);
        let mut ids = vec![];
        let first = decided(
            &catalog,
            &super::bounds::contact(1),
            event(1, EventKind::SignedUp),
        );
        let ended = |changes: Vec<Change>| {
            let rows = changes.into_iter().filter_map(|change| match change {
                Change::EndEnrollment(ended) => Some(ended),
                _ => None,
            });
            rows.collect::<Vec<_>>()
        };
        let mut facts = Facts {
            ended: ended(first.changes),
            ..Facts::default()
        };
        for day in 1..3 {
            let woken = decide(&catalog, &contact, &facts, &Input::Wake, hours(24 * day));
            contact = woken.contact;
            facts.ended.extend(ended(woken.changes));
        }
        for run in facts.ended {
            if run.journey.as_str() == "b" {
                ids.push(run.id);
            }
        }
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), all), (runs, runs), "{again}");
    }
}

/// It waited to its timeout and then went on as if nothing had come.
#[test]
fn an_event_that_came_while_the_journey_was_paused_has_come() {
    let steps = "steps:\n  - id: w\n    wait: { for: Product Added, timeout: 1d, otherwise: exit }\n  - { send: note, stream: marketing }\n";
    let with = |status: &str| store(&[("a", format!("status: {status}\n{SIGNUP}{steps}"))]);
    let (active, paused) = (with("active"), with("paused"));
    let waits = signed_up(&active);
    let came = happens(&paused, &waits, 2, EventKind::ProductAdded, hours(1)).contact;
    let resumed = then(&active, &came, &Input::Wake, hours(24)).contact;
    assert!(resumed.enrollments.iter().any(|run| run.sending().is_some()));
}

/// The run had ended while its request was out, and with it went the memory of the mail.
#[test]
fn a_mail_whose_run_left_counts_for_the_caps() {
    let exit = "reenter: parallel\nexit: [{ on: Product Viewed }]\n";
    let journey =
        format!("title: Random\nstage: decision\n{exit}{SIGNUP}steps:\n  - {{ {MARKETING}, late: send }}\n");
    let journeys = std::collections::BTreeMap::from([("journeys/a.yaml".to_owned(), journey)]);
    let catalog = super::plan::catalog(journeys, "caps: [{ mails: 1, per: 1d }]\nregion: opt_out\n");
    let first = signed_up(&catalog);
    let message = message_of(&first);
    let out = then(
        &catalog,
        &first,
        &Input::Dispatched {
            message: message.clone(),
        },
        hours(0),
    )
    .contact;
    let left = happens(&catalog, &out, 2, EventKind::ProductViewed, hours(1)).contact;
    assert!(left.enrollments.is_empty());
    let second = happens(&catalog, &left, 3, EventKind::SignedUp, hours(2)).contact;
    assert!(matches!(
        verdict(&catalog, &second, hours(2)),
        Verdict::Defer { .. }
    ));
    let taken = then(&catalog, &second, &accepted(message.clone()), hours(3)).contact;
    assert!(matches!(
        verdict(&catalog, &taken, hours(26)),
        Verdict::Defer { .. }
    ));
    assert!(matches!(verdict(&catalog, &taken, hours(27)), Verdict::Allow(_)));
    let how = Settlement::GivenUp("nobody knows".to_owned());
    let failed = then(&catalog, &second, &Input::Settled { message, how }, hours(3)).contact;
    assert!(matches!(verdict(&catalog, &failed, hours(3)), Verdict::Allow(_)));
}

/// The mail was written for the team, and the gate asked no more.
#[test]
fn a_step_that_turned_from_the_team_to_the_contact_asks_for_consent() {
    let with = |send: &str| {
        store(&[(
            "a",
            format!("{SIGNUP}steps:\n  - {{ send: note, {send}, id: s }}\n"),
        )])
    };
    let before = with("to: team");
    let after = with("stream: marketing, late: send");
    let mut contact = signed_up(&before);
    assert!(matches!(verdict(&before, &contact, hours(1)), Verdict::Allow(_)));
    assert!(matches!(verdict(&after, &contact, hours(1)), Verdict::Allow(_)));
    contact.enrollments[0].held_out = true;
    assert!(matches!(verdict(&before, &contact, hours(1)), Verdict::Allow(_)));
    assert_eq!(
        verdict(&after, &contact, hours(1)),
        Verdict::Drop(DropReason::HeldOut)
    );
    contact.enrollments[0].held_out = false;
    contact.addresses[0].consent.state = ConsentState::Unsubscribed;
    assert_eq!(
        verdict(&after, &contact, hours(1)),
        Verdict::Drop(DropReason::Unsubscribed)
    );
}

/// A test order with a ticked box made a subscriber of who had said no.
#[test]
fn a_test_order_gives_nobodys_consent() {
    let catalog = store(&[("a", format!("{SIGNUP}steps:\n  - {{ {MARKETING} }}\n"))]);
    let told = |contact: &Contact, number: u32, state: ConsentState| {
        let mut event = event(number, EventKind::OrderCompleted);
        event.test = true;
        event.email = EmailAddress::parse("ada@example.com").ok();
        event.consent = Some(ConsentSignal {
            state,
            grade: ConsentGrade::Explicit,
            at: hours(i64::from(number)),
            method: None,
            text: None,
            ip: None,
            agent: None,
            actor: None,
        });
        decided(&catalog, contact, event).contact
    };
    let known = told(&contact(1), 1, ConsentState::Subscribed);
    assert_eq!(known.addresses[0].consent.state, ConsentState::Unknown);
    let no = told(&signed_up(&catalog), 2, ConsentState::Unsubscribed);
    assert_eq!(no.addresses[0].consent.state, ConsentState::Unsubscribed);
}

/// It was put off for ever, and the run never ended. The build refuses such a store; the gate does not rely on it.
#[test]
fn a_window_that_quiet_hours_cover_lets_nothing_wait_for_ever() {
    let journey = format!(
        "title: Random\nstage: decision\nwindow: \"22:00-05:00\"\n{SIGNUP}steps:\n  - {{ {MARKETING} }}\n"
    );
    let journeys = std::collections::BTreeMap::from([("journeys/a.yaml".to_owned(), journey)]);
    let mut catalog = super::plan::catalog(journeys, "caps: []\n");
    let other = format!("title: Other\nstage: decision\n{SIGNUP}steps:\n  - tag: seen\n");
    let other = [("journeys/b.yaml".to_owned(), other)].into();
    catalog.store.quiet_hours = super::plan::catalog(other, "quiet_hours: \"21:00-08:00\"\n")
        .store
        .quiet_hours;
    let contact = signed_up(&catalog);
    assert!(matches!(contact.enrollments[0].position, Position::Sending(_)));
    assert_eq!(
        verdict(&catalog, &contact, hours(0)),
        Verdict::Drop(DropReason::TooLate)
    );
}

/// Told a second time, the mail of a run that is over counted as a second mail; and one to the team as one to them.
#[test]
fn a_mail_counts_once_for_the_contact_whatever_its_run_does() {
    for (send, mails) in [
        ("stream: marketing", 1),
        ("stream: transactional", 1),
        ("to: team", 0),
    ] {
        let exit = "exit: [{ on: Product Viewed }]\n";
        let journey = format!(
            "{exit}{SIGNUP}steps:\n  - {{ send: note, {send}, id: s }}\n  - {{ wait: 1d, id: w }}\n  - {{ send: note, stream: marketing, id: last }}\n"
        );
        let catalog = store(&[("a", journey)]);
        let first = signed_up(&catalog);
        let message = message_of(&first);
        let out = Input::Dispatched {
            message: message.clone(),
        };
        let out = then(&catalog, &first, &out, hours(0)).contact;
        let left = happens(&catalog, &out, 2, EventKind::ProductViewed, hours(1)).contact;
        for mut contact in [out, left] {
            for hour in 2..4 {
                contact = then(&catalog, &contact, &accepted(message.clone()), hours(hour)).contact;
            }
            assert_eq!(contact.engagement.mails, mails, "{send}");
        }
    }
}
