//! Every sample of a provider's webhooks, mapped: a snapshot a provider, with our id in the metadata as our requests put it.

use super::*;
use insta::assert_snapshot;
use std::fmt::Write as _;
use std::path::PathBuf;
use wend::domain::delivery_event::DeliveryEvent;
use wend::domain::ids::MessageId;
use wend::domain::outcome::Outcome;
use wend::http::Response;
use wend::providers::answer::Answer;

const OURS: &str = "0123456789abcdef0123456789abcdef01234567";

/// Bodies by their names, in order.
fn samples(kind: ProviderKind) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/providers")
        .join(kind.as_str());
    let mut samples: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.ends_with("send_responses.json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    samples.sort();
    samples
}

/// The samples have another sender's metadata; ours goes where our requests put it.
fn with_our_id(kind: ProviderKind, body: &str) -> String {
    let (theirs, ours) = match kind {
        ProviderKind::Resend => (r#""journey": "cart""#, format!(r#""message": "{OURS}""#)),
        ProviderKind::SendGrid => (r#""send_id": "snd_01""#, format!(r#""wend_message": "{OURS}""#)),
        ProviderKind::Ses => (
            r#"\"journey\": [\"cart\"]"#,
            format!(r#"\"message\": [\"{OURS}\"]"#),
        ),
        ProviderKind::Brevo => (r#"\"send_id\":\"snd_01\""#, format!(r#"\"message\":\"{OURS}\""#)),
        _ => (r#""send_id": "snd_01""#, format!(r#""message": "{OURS}""#)),
    };
    body.replace(theirs, &ours)
}

fn line(event: &DeliveryEvent) -> String {
    let mut line = format!("{} {} {}", event.occurred_at, event.kind.as_str(), event.id);
    let mut field = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            write!(line, " {name}={value}").unwrap();
        }
    };
    let is_ours = |message: &MessageId| message.as_str() == OURS;
    field(
        "message",
        event.message.as_ref().filter(|id| is_ours(id)).map(|_| "ours"),
    );
    field("provider_message", event.provider_message.as_deref());
    field("recipient", event.recipient.as_ref().map(|to| to.as_str()));
    field("machine", event.machine.then_some("yes"));
    field("agent", event.agent.as_deref());
    field("url", event.url.as_ref().map(|url| url.as_str()));
    field("reason", event.reason.as_deref());
    line
}

fn shown(report: &Report) -> String {
    let mut lines: Vec<String> = report.events.iter().map(line).collect();
    if report.ignored > 0 {
        lines.push(format!("ignored: {}", report.ignored));
    }
    lines.extend(report.unread.iter().map(|unread| format!("{unread:?}")));
    lines.extend(report.confirm.iter().map(|url| format!("confirm: {url}")));
    lines.join("\n")
}

#[test]
fn every_sample_is_mapped() {
    for (kind, _) in tellers() {
        let mut text = String::new();
        for (name, body) in samples(kind) {
            let report = sent(kind, with_our_id(kind, &body).as_bytes()).report().unwrap();
            writeln!(text, "{name}\n{}\n", shown(&report)).unwrap();
            assert!(report.unread.is_empty(), "{kind:?} {name}");
        }
        if !text.is_empty() {
            assert_snapshot!(format!("events_{}", kind.as_str()), text);
        }
    }
}

#[test]
fn our_id_is_found_wherever_it_travels_and_nobody_elses_is_taken_for_it() {
    for (kind, _) in tellers() {
        for (name, body) in samples(kind) {
            let with = sent(kind, with_our_id(kind, &body).as_bytes()).report().unwrap();
            let without = sent(kind, body.as_bytes()).report().unwrap();
            for (with, without) in with.events.iter().zip(&without.events) {
                let ours = with.message.as_ref().map(MessageId::as_str);
                let expected = kind.capabilities().metadata.then_some(OURS);
                assert_eq!(ours, expected, "{kind:?} {name}");
                assert_eq!(without.message, None, "{kind:?} {name}");
                let but_for_that = DeliveryEvent {
                    message: None,
                    ..with.clone()
                };
                assert_eq!(but_for_that, *without, "{kind:?} {name}");
            }
        }
    }
}

#[test]
fn whatever_is_told_can_be_kept_and_shown() {
    for (kind, _) in tellers() {
        for (_, body) in samples(kind) {
            let report = sent(kind, body.as_bytes()).report().unwrap();
            for event in report.events {
                assert!(event.id.as_str().starts_with(kind.as_str()));
                assert!(!event.id.as_str().contains('@'), "{}", event.id);
                assert!(event.recipient.is_some() && event.occurred_at < now());
                let reason = event.reason.clone().unwrap_or_default();
                assert!(!reason.contains(['@', ' ']), "{reason}");
                let debug = format!("{event:?}");
                assert!(!debug.contains('@') || kind == ProviderKind::Mailgun || kind == ProviderKind::Brevo);
                assert!(!debug.contains("demo-shop.example.com"), "{debug}");
                let stored = serde_json::to_string(&event).unwrap();
                assert_eq!(serde_json::from_str::<DeliveryEvent>(&stored).unwrap(), event);
            }
        }
    }
}

/// The id in an answer that takes one message.
fn answered(kind: ProviderKind, headers: &[(&str, &str)], body: &Value) -> String {
    let response = Response {
        status: 200,
        headers: headers.iter().copied().collect(),
        body: body.to_string().into_bytes(),
    };
    match kind.read(&response, 1, now()) {
        Answer::Each(outcomes) => match outcomes.as_slice() {
            [Outcome::Accepted(Some(id))] => id.clone(),
            other => panic!("{kind:?}: {other:?}"),
        },
        Answer::Split(reason) => panic!("{reason}"),
    }
}

/// The id that an answer to a sending request gives is the one that events carry.
#[test]
fn a_providers_id_is_that_of_its_answer() {
    let none = json!(null);
    for (kind, headers, body) in [
        (
            ProviderKind::Resend,
            &[][..],
            json!({"id": "56761188-7520-42d8-8898-ff6fc54ce618"}),
        ),
        (
            ProviderKind::Postmark,
            &[],
            json!({"ErrorCode": 0, "Message": "OK", "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483"}),
        ),
        (
            ProviderKind::SendGrid,
            &[("X-Message-Id", "14c5d75ce93.dfd.64b469")],
            none,
        ),
        (
            ProviderKind::Mailgun,
            &[],
            json!({"id": "<20260106160000.1.DF5966851B4BAA99@mg.northfold.example>", "message": "Queued. Thank you."}),
        ),
        (
            ProviderKind::Ses,
            &[],
            json!({"MessageId": "0102019b93a1f0d1-2f3f-47b5-a3f2-1e6d5a1b2c3d-000000"}),
        ),
        (
            ProviderKind::Brevo,
            &[],
            json!({"messageId": "<202601061600.123456789@smtp-relay.mailin.fr>"}),
        ),
        (
            ProviderKind::SparkPost,
            &[],
            json!({"results": {"total_rejected_recipients": 0, "total_accepted_recipients": 1, "id": "65832150921904138"}}),
        ),
        (
            ProviderKind::Mailtrap,
            &[],
            json!({"success": true, "message_ids": ["a8b1d8f6-1f8d-4a3c-9b2e-1a2b3c4d5e6f"]}),
        ),
        (
            ProviderKind::UniSenderGo,
            &[],
            json!({"status": "success", "job_id": "1ZymBc-00041N-9X", "emails": ["a@example.ru"]}),
        ),
    ] {
        let id = answered(kind, headers, &body);
        for (name, body) in samples(kind) {
            for event in sent(kind, body.as_bytes()).report().unwrap().events {
                assert_eq!(event.provider_message.as_ref(), Some(&id), "{kind:?} {name}");
            }
        }
    }
}
