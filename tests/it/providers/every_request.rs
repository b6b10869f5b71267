//! What holds for the requests of every provider, and a snapshot of each: the single one, and the batch where there is one.

use super::requests::{address, email};
use super::{account, batches, now, over_http};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;
use wend::domain::ids::StepId;
use wend::domain::mail::{Mailbox, OutgoingEmail};
use wend::domain::message::Stream;
use wend::domain::outcome::Rejection;
use wend::domain::time::Delay;
use wend::http::Request;
use wend::providers::ProviderKind;
use wend::providers::registry::Error;

/// An email that this provider may carry: marketing wherever it may.
fn carried(kind: ProviderKind, number: u8) -> OutgoingEmail {
    let mut email = email(number, &format!("buyer{number}@Bücher.example"));
    if !kind.may_carry(Stream::Marketing) {
        email.stream = Stream::Transactional;
    }
    email
}

fn request(kind: ProviderKind, members: &[OutgoingEmail]) -> Request {
    let account = account(kind);
    let body = kind.body(&account, "key-1", members).unwrap();
    let request = kind.request(&account, "key-1", body, members.len(), now());
    request.unwrap().unwrap()
}

/// As a person reviews it: the version hidden, JSON indented, a form with one field a line.
fn shown(request: &Request) -> String {
    let mut lines = vec![format!("{} {}", request.method.as_str(), request.url)];
    for (name, value) in request.headers.iter() {
        lines.push(format!(
            "{name}: {}",
            value.replace(env!("CARGO_PKG_VERSION"), "[version]")
        ));
    }
    lines.push(String::new());
    let text = String::from_utf8(request.body.clone()).unwrap();
    lines.push(match serde_json::from_str::<Value>(&text) {
        Ok(json) => serde_json::to_string_pretty(&json).unwrap(),
        Err(_) => text.replace('&', "\n"),
    });
    lines.join("\n")
}

#[test]
fn every_provider_has_its_single_request() {
    for kind in over_http() {
        let single = request(kind, &[carried(kind, 1)]);
        assert_snapshot!(format!("single_{}", kind.as_str()), shown(&single));
    }
}

#[test]
fn every_provider_with_batches_has_its_batch_request() {
    for kind in over_http().filter(|kind| batches(kind.capabilities())) {
        let mut plain = carried(kind, 2);
        plain.reply_to = None;
        plain.headers.clear();
        let batch = request(kind, &[carried(kind, 1), plain]);
        assert_snapshot!(format!("batch_{}", kind.as_str()), shown(&batch));
    }
}

#[test]
fn our_message_id_travels_in_the_header_and_in_the_metadata() {
    for kind in over_http() {
        let email = carried(kind, 1);
        let body = kind
            .body(&account(kind), "key-1", std::slice::from_ref(&email))
            .unwrap();
        let body = String::from_utf8(body).unwrap();
        let times = body.matches(email.message.as_str()).count();
        let wanted = if kind.capabilities().metadata { 2 } else { 1 };
        assert_eq!(times, wanted, "{kind:?}: {body}");
    }
}

#[test]
fn the_kept_bytes_hold_no_secret_and_make_the_same_request_at_every_attempt() {
    for kind in over_http() {
        let account = account(kind);
        let members = [carried(kind, 1)];
        let kept = kind.body(&account, "key-1", &members).unwrap();
        assert_eq!(kind.body(&account, "key-1", &members).unwrap(), kept, "{kind:?}");
        assert!(!String::from_utf8_lossy(&kept).contains("secret-"), "{kind:?}");
        let attempt = |after| {
            let at = now().plus(Delay::from_minutes(after));
            let request = kind.request(&account, "key-1", kept.clone(), 1, at);
            request.unwrap().unwrap()
        };
        let (first, later) = (attempt(0), attempt(20));
        assert_eq!(first, attempt(0), "{kind:?}");
        // Only a signature has the time in it.
        assert_eq!(first == later, kind != ProviderKind::Ses, "{kind:?}");
        assert_eq!((&first.body, &first.url), (&later.body, &later.url), "{kind:?}");
    }
}

#[test]
fn each_stream_goes_where_it_belongs() {
    let sent = |kind, stream| {
        let mut email = email(1, "a@example.com");
        email.stream = stream;
        let request = request(kind, &[email]);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        (request.url, body)
    };
    let both = |kind| (sent(kind, Stream::Transactional), sent(kind, Stream::Marketing));

    let (transactional, marketing) = both(ProviderKind::Mailtrap);
    assert_eq!(transactional.0, "https://send.api.mailtrap.io/api/send");
    assert_eq!(marketing.0, "https://bulk.api.mailtrap.io/api/send");

    let (transactional, marketing) = both(ProviderKind::SparkPost);
    assert_eq!(transactional.1["options"]["transactional"], true);
    assert_eq!(marketing.1["options"]["transactional"], false);

    let (transactional, marketing) = both(ProviderKind::Postmark);
    assert_eq!(transactional.1["MessageStream"], "postmark_transactional_stream");
    assert_eq!(marketing.1["MessageStream"], "postmark_broadcast_stream");
    let bare = |stream| {
        let mut email = email(1, "a@example.com");
        email.stream = stream;
        let body = ProviderKind::Postmark
            .body(&Default::default(), "k", &[email])
            .unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["MessageStream"].clone()
    };
    assert_eq!(bare(Stream::Transactional), "outbound");
    assert_eq!(bare(Stream::Marketing), "broadcast");
}

#[test]
fn unisenders_block_leads_to_our_page_until_it_may_be_left_out() {
    let kind = ProviderKind::UniSenderGo;
    let message = |account: &wend::providers::account::Account| {
        let body = kind.body(account, "key-1", &[email(1, "a@example.com")]).unwrap();
        serde_json::from_slice::<Value>(&body).unwrap()["message"].clone()
    };
    let forced = message(&Default::default());
    assert_eq!(forced["options"]["unsubscribe_url"], "https://shop.example/u/abc");
    assert_eq!(forced["headers"].as_object().unwrap().len(), 1);
    let own = message(&account(kind).with("UNISENDER_GO_SKIP_UNSUBSCRIBE", "1"));
    assert_eq!(own["skip_unsubscribe"], 1);
    assert_eq!(own["headers"]["List-Unsubscribe"], "<https://shop.example/u/abc>");
    assert_eq!(own["options"], Value::Null);
}

#[test]
fn ses_signs_for_the_host_it_is_sent_to() {
    let kind = ProviderKind::Ses;
    let at = |url: &str| {
        let get = |name: &str| match name {
            "SES_URL" => Some(url.to_owned()).filter(|url| !url.is_empty()),
            _ => Some("eu-west-1".to_owned()),
        };
        let account = wend::providers::account::Account::read(kind, get);
        let body = kind.body(&account, "k", &[email(1, "a@example.com")]).unwrap();
        let request = kind.request(&account, "k", body, 1, now()).unwrap().unwrap();
        let signature = request.headers.get("authorization").unwrap().to_owned();
        (request.url, signature)
    };
    let (url, regional) = at("");
    assert_eq!(
        url,
        "https://email.eu-west-1.amazonaws.com/v2/email/outbound-emails"
    );
    let (url, local) = at("http://127.0.0.1:9/");
    assert_eq!(url, "http://127.0.0.1:9/v2/email/outbound-emails");
    assert_ne!(regional, local);
}

#[test]
fn what_cannot_be_sent_is_refused_by_every_provider() {
    for kind in over_http() {
        let refused = |change: &dyn Fn(&mut OutgoingEmail)| {
            let mut email = carried(kind, 1);
            change(&mut email);
            let refusal = kind.refusal(&email);
            let body = kind.body(&account(kind), "k", &[email]);
            match (&refusal, body) {
                (Some(told), Err(Error::Refused { index: 0, rejection })) => assert_eq!(*told, rejection),
                (refusal, body) => panic!("{kind:?}: {refusal:?}, {body:?}"),
            }
            refusal.unwrap()
        };
        assert_eq!(kind.refusal(&carried(kind, 1)), None, "{kind:?}");
        let push = |name: &str, value: &str| {
            let header = (name.to_owned(), value.to_owned());
            refused(&|email| email.headers.push(header.clone()))
        };
        let about_message = |rejection| matches!(rejection, Rejection::Message(_));
        assert!(about_message(push("Bcc", "spy@example.com")), "{kind:?}");
        assert!(
            about_message(push("X-A", "b\r\nBcc: spy@example.com")),
            "{kind:?}"
        );
        assert!(about_message(push("x-wend-message", "twice")), "{kind:?}");
        let abroad = refused(&|email| email.to = address("иван@почта.рф"));
        assert!(about_message(abroad), "{kind:?}");
        let two_lines = refused(&|email| email.subject = "Hi\r\nBcc: spy@example.com".to_owned());
        assert!(about_message(two_lines), "{kind:?}");
        let own = refused(&|email| email.from = Mailbox::new("Лавка", address("лавка@shop.example")));
        assert!(matches!(own, Rejection::Configuration(_)), "{kind:?}");

        let max = kind.capabilities().batch_max;
        let crowd = vec![carried(kind, 1); max + 1];
        let members = crowd.len();
        assert_eq!(kind.body(&account(kind), "k", &[]), Err(Error::NoMembers));
        assert_eq!(
            kind.body(&account(kind), "k", &crowd),
            Err(Error::TooManyMembers { members, max })
        );
    }
}

#[test]
fn headers_beyond_ascii_are_refused_where_they_would_be_sent_raw() {
    for kind in over_http() {
        let mut email = carried(kind, 1);
        email.headers.push(("X-Shop".to_owned(), "Лавка".to_owned()));
        let raw = matches!(
            kind,
            ProviderKind::Ses | ProviderKind::Brevo | ProviderKind::UniSenderGo
        );
        assert_eq!(kind.refusal(&email).is_some(), raw, "{kind:?}");
    }
}

#[test]
fn a_name_beyond_ascii_is_encoded_for_those_who_do_not() {
    let sender = |kind: ProviderKind, name: &str| {
        let mut email = email(1, "a@example.com");
        email.from = Mailbox::new(name, address("hello@shop.example"));
        let body = kind.body(&account(kind), "k", &[email]).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let field = if kind == ProviderKind::Ses {
            &body["FromEmailAddress"]
        } else {
            &body["sender"]["name"]
        };
        field.as_str().unwrap().to_owned()
    };
    assert_eq!(
        sender(ProviderKind::Ses, "Лавка"),
        "=?UTF-8?B?0JvQsNCy0LrQsA==?= <hello@shop.example>"
    );
    assert_eq!(
        sender(ProviderKind::Ses, "Lane, Ltd."),
        "\"Lane, Ltd.\" <hello@shop.example>"
    );
    assert_eq!(sender(ProviderKind::Brevo, "Лавка"), "Лавка");
    assert_eq!(
        sender(ProviderKind::Brevo, "Лавка."),
        "=?UTF-8?B?0JvQsNCy0LrQsC4=?="
    );
}

proptest! {
    #[test]
    fn whatever_the_texts_every_request_is_whole_or_refused(
        name in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
        subject in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
        value in "[\\x00-\\xff]{0,40}",
        step in "\\PC{1,60}",
        key in "\\PC{0,40}",
    ) {
        let Ok(step) = StepId::parse(&step) else { return Ok(()) };
        for kind in over_http() {
            let mut email = carried(kind, 1);
            email.from = Mailbox::new(&name, address("hello@shop.example"));
            email.subject.clone_from(&subject);
            email.headers = vec![("X-Text".to_owned(), value.clone())];
            email.step = step.clone();
            let account = account(kind);
            let Ok(body) = kind.body(&account, &key, &[email]) else { continue };
            let Ok(Some(request)) = kind.request(&account, &key, body, 1, now()) else { continue };
            for (name, value) in request.headers.iter() {
                prop_assert!(!value.chars().any(char::is_control), "{kind:?}: {name}");
            }
            prop_assert!(request.url.is_ascii() && !request.url.contains(' '), "{kind:?}: {}", request.url);
            match kind {
                // A form: each field once, and nothing of a text between them.
                ProviderKind::Mailgun => {
                    let form = String::from_utf8(request.body).unwrap();
                    prop_assert!(form.is_ascii() && form.split('&').all(|field| field.matches('=').count() == 1));
                    prop_assert_eq!(form.split('&').filter(|field| field.starts_with("to=")).count(), 1);
                }
                _ => {
                    let json: Result<Value, _> = serde_json::from_slice(&request.body);
                    prop_assert!(json.is_ok_and(|json| json.is_object()), "{kind:?}");
                }
            }
        }
    }
}
