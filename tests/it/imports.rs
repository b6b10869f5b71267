//! Lists of other programs, read: what is taken of each line, what is rejected and why. The snapshots are the review.

use std::fmt::Write as _;
use std::path::Path;
use wend::domain::consent::ConsentState;
use wend::domain::event::Event;
use wend::domain::money::Currency;
use wend::domain::time::Timestamp;
use wend::imports::file::File;
use wend::imports::form::Subject;
use wend::imports::read::{List, SaidOfAll, Settings, Taken};
use wend::imports::record::{Batch, MAX_RECORDS, Record};
use wend::journey::region::Region;

fn bytes(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/imports");
    std::fs::read(path.join(name)).unwrap()
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-11-23T12:00:00Z").unwrap()
}

pub fn settings() -> Settings {
    Settings {
        zone: "Europe/London".parse().unwrap(),
        currency: Currency::parse("GBP").unwrap(),
        region: Region::Strict,
        now: now(),
        renamed: Vec::new(),
        said: SaidOfAll::default(),
    }
}

fn taken(file: &File, subject: Subject, settings: &Settings) -> Result<(String, Vec<Taken>), String> {
    let list = List::of(file, subject, settings)?;
    let mut all = Vec::new();
    list.each(subject, |taken| {
        all.push(taken);
        Ok::<(), String>(())
    })?;
    Ok((list.form.to_string(), all))
}

fn records(file: &[u8], subject: Subject, settings: &Settings) -> Vec<Record> {
    let (_, all) = taken(&File::read(file).unwrap(), subject, settings).unwrap();
    let records = all.into_iter().filter_map(|taken| match taken {
        Taken::Record(_, record) => Some(*record),
        Taken::Rejected(..) => None,
    });
    records.collect()
}

/// A fixture as people would check it: each line with its events.
fn told(name: &str, subject: Subject) -> String {
    let file = File::read(&bytes(name)).unwrap();
    let (form, all) = taken(&file, subject, &settings()).unwrap();
    let mut text = format!("{name}: {form}, {}\n", file.encoding);
    for taken in all {
        match taken {
            Taken::Record(line, record) => {
                writeln!(text, "line {line}").unwrap();
                for event in record.events(now()).unwrap() {
                    tell(&mut text, &event);
                }
            }
            Taken::Rejected(line, reason) => {
                writeln!(text, "line {} REJECTED: {reason}", line.number).unwrap()
            }
        }
    }
    text
}

fn tell(text: &mut String, event: &Event) {
    let json = serde_json::to_value(event).unwrap();
    let at = event.occurred_at;
    let when = if at == now() {
        "now".to_owned()
    } else {
        at.to_rfc3339()
    };
    let id = event.id.as_str();
    let id = if id.starts_with("import:") { "import" } else { id };
    writeln!(text, "  {} {id} {when}", event.kind).unwrap();
    let since = event.imported.and_then(|imported| imported.since);
    if let Some(since) = since {
        writeln!(text, "    since {}", since.to_rfc3339()).unwrap();
    }
    for identifier in &event.identifiers {
        let (kind, source, value) = (identifier.kind.as_str(), &identifier.source, &identifier.value);
        writeln!(
            text,
            "    {kind} {source}{}{value}",
            if source.is_empty() { "" } else { ":" }
        )
        .unwrap();
    }
    writeln!(text, "    profile {}", json["profile"]).unwrap();
    if let Some(consent) = &event.consent {
        let (state, grade) = (consent.state.as_str(), consent.grade.as_str());
        let at = if consent.at == now() {
            "now".to_owned()
        } else {
            consent.at.to_rfc3339()
        };
        let (method, ip) = (consent.method.as_deref(), consent.ip.as_deref());
        let actor = consent.actor.as_deref().unwrap_or_default();
        writeln!(
            text,
            "    consent {state}, {grade}, {at}, by {actor}, method {}, ip {}",
            method.unwrap_or("-"),
            ip.unwrap_or("-")
        )
        .unwrap();
    }
    if event.kind.order_status().is_some() {
        writeln!(text, "    order {}", json["data"]).unwrap();
    }
}

#[test]
fn contacts_of_every_program_are_read_as_their_lists_say() {
    let lists = [
        "klaviyo.csv",
        "mailchimp-subscribed.csv",
        "mailchimp-unsubscribed.csv",
        "mailchimp-cleaned.csv",
        "listmonk.csv",
        "shopify-customers.csv",
        "woocommerce-customers.csv",
        "woocommerce-users.csv",
        "own-cp1251.csv",
    ];
    let text: Vec<String> = lists.iter().map(|name| told(name, Subject::Contacts)).collect();
    insta::assert_snapshot!("contacts", text.join("\n"));
}

#[test]
fn orders_of_every_shop_are_read_with_what_became_of_them() {
    let lists = ["shopify-orders.csv", "woocommerce-orders.csv", "own-orders.csv"];
    let text: Vec<String> = lists.iter().map(|name| told(name, Subject::Orders)).collect();
    insta::assert_snapshot!("orders", text.join("\n"));
}

#[test]
fn a_heading_that_nobody_has_is_told_what_is_accepted() {
    let refusal = |text: &str, subject| {
        let file = File::read(text.as_bytes()).unwrap();
        taken(&file, subject, &settings()).unwrap_err()
    };
    let text = [
        refusal("E-mail,Imię\na@example.com,Ana\n", Subject::Contacts),
        refusal("email,colour\na@example.com,red\n", Subject::Contacts),
        refusal("Date,Order #,Status,Customer\n", Subject::Orders),
    ];
    insta::assert_snapshot!("refusals", text.join("\n\n"));
}

#[test]
fn a_column_may_be_read_under_another_name() {
    let renamed = Settings {
        renamed: vec![
            ("E-Mail".to_owned(), "email".to_owned()),
            ("Imię".to_owned(), "first_name".to_owned()),
        ],
        ..settings()
    };
    let file = "E-mail;Imię\na@example.com;Ana\n".as_bytes();
    let found = records(file, Subject::Contacts, &renamed);
    let Record::Contact(contact) = &found[0] else {
        panic!("{found:?}")
    };
    assert_eq!(contact.profile.first_name.as_deref(), Some("Ana"));
    let missing = Settings {
        renamed: vec![("Courriel".to_owned(), "email".to_owned())],
        ..settings()
    };
    let error = taken(&File::read(file).unwrap(), Subject::Contacts, &missing).unwrap_err();
    assert!(error.contains("there is no column `Courriel`"), "{error}");
}

#[test]
fn who_imports_may_say_what_a_list_does_not_and_never_overrules_it() {
    let states = |said| {
        let settings = Settings { said, ..settings() };
        let found = records(&bytes("listmonk.csv"), Subject::Contacts, &settings);
        let states = found.into_iter().map(|record| match record {
            Record::Contact(contact) => contact.consent.map(|consent| (consent.state, consent.method)),
            Record::Order(_) => None,
        });
        states.collect::<Vec<_>>()
    };
    let no = Some((ConsentState::Unsubscribed, None));
    assert_eq!(states(SaidOfAll::default()), [None, no.clone(), no.clone()]);
    let yes = Some((ConsentState::Subscribed, Some("double_opt_in".to_owned())));
    let said = SaidOfAll {
        state: Some(ConsentState::Subscribed),
        method: Some("double_opt_in".to_owned()),
    };
    assert_eq!(states(said), [yes, no.clone(), no]);
}

#[test]
fn where_no_yes_is_needed_a_list_that_cannot_tell_a_no_is_refused_until_somebody_says() {
    let file = File::read(&bytes("shopify-customers.csv")).unwrap();
    let of = |region, state| {
        let said = SaidOfAll { state, method: None };
        let settings = Settings {
            region,
            said,
            ..settings()
        };
        taken(&file, Subject::Contacts, &settings).map(|(_, all)| all.len())
    };
    assert!(of(Region::Us, None).unwrap_err().contains("--state unsubscribed"));
    assert_eq!(of(Region::Us, Some(ConsentState::Unsubscribed)), Ok(4));
    assert_eq!(of(Region::Strict, None), Ok(4));
}

#[test]
fn what_the_host_writes_the_worker_reads() {
    for (name, subject) in [
        ("klaviyo.csv", Subject::Contacts),
        ("own-cp1251.csv", Subject::Contacts),
        ("shopify-orders.csv", Subject::Orders),
        ("own-orders.csv", Subject::Orders),
    ] {
        let batch = Batch {
            records: records(&bytes(name), subject, &settings()),
        };
        assert!(!batch.records.is_empty() && batch.records.len() < MAX_RECORDS);
        let wire = serde_json::to_string(&batch).unwrap();
        assert_eq!(serde_json::from_str::<Batch>(&wire).unwrap(), batch, "{name}");
        let ids = |now: Timestamp| {
            let events = batch
                .records
                .iter()
                .flat_map(|record| record.events(now).unwrap());
            events.map(|event| event.id).collect::<Vec<_>>()
        };
        let later = Timestamp::parse_rfc3339("2027-01-01T00:00:00Z").unwrap();
        assert_eq!(
            ids(now()),
            ids(later),
            "{name}: an import made again is the same one"
        );
    }
}
