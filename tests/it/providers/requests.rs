//! Emails become requests of Resend: refused where they cannot be sent, safe against added headers. The outbox's form.

use super::now;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;
use wend::domain::email::EmailAddress;
use wend::domain::ids::{EmailName, JourneyId, MessageId, StepId};
use wend::domain::mail::{Mailbox, OutgoingEmail};
use wend::domain::message::Stream;
use wend::domain::outcome::Rejection;
use wend::providers::account::Account;
use wend::providers::registry::Error;
use wend::providers::{ProviderKind, resend};
use wend::render::outbox::OutboxMail;

pub(super) fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

pub(super) fn email(number: u8, to: &str) -> OutgoingEmail {
    let message = MessageId::from_digest(&format!("{number:02x}ab"));
    OutgoingEmail {
        message: message.clone(),
        to: address(to),
        from: Mailbox::new("Harbour Lane, Ltd.", address("hello@shop.example")),
        reply_to: Some(address("help@bücher.example")),
        subject: "Ваш заказ №7 — \"done\"".to_owned(),
        html: "<p>Hi &amp; welcome</p>".to_owned(),
        text: "Hi & welcome".to_owned(),
        headers: vec![
            ("X-Wend-Message".to_owned(), message.to_string()),
            (
                "List-Unsubscribe".to_owned(),
                "<https://shop.example/u/abc>".to_owned(),
            ),
            (
                "List-Unsubscribe-Post".to_owned(),
                "List-Unsubscribe=One-Click".to_owned(),
            ),
        ],
        stream: Stream::Marketing,
        journey: JourneyId::parse("welcome").unwrap(),
        step: StepId::parse("day 2: tour").unwrap(),
        email: EmailName::parse("welcome-tour").unwrap(),
    }
}

fn account() -> Account {
    Account::new(resend::DEFAULT_URL, "re_secret")
}

#[test]
fn kept_bytes_make_the_same_request_again() {
    let members = [email(1, "a@example.com"), email(2, "b@example.com")];
    let first = resend::request(&account(), "k", &members).unwrap();
    let kept = resend::body(&members).unwrap();
    assert_eq!(
        ProviderKind::Resend
            .request(&account(), "k", kept, 2, now())
            .unwrap(),
        Some(first)
    );
}

#[test]
fn requests_that_resend_cannot_take_are_not_built() {
    let fine = email(1, "a@example.com");
    assert_eq!(resend::body(&[]), Err(Error::NoMembers));
    let crowd = vec![fine.clone(); resend::BATCH_MAX + 1];
    assert_eq!(
        resend::body(&crowd),
        Err(Error::TooManyMembers {
            members: 101,
            max: 100
        })
    );
    for key in ["", "a b", "a\r\nX: y", "ключ", &"k".repeat(257)] {
        assert_eq!(
            resend::repeat(&account(), key, Vec::new(), 1),
            Err(Error::Key { max: 256 })
        );
    }
    let abroad = email(2, "иван@почта.рф");
    let Err(Error::Refused {
        index: 1,
        rejection: Rejection::Message(why),
    }) = resend::body(&[fine, abroad.clone()])
    else {
        panic!("a mailbox beyond ASCII must be refused");
    };
    assert!(why.contains("not sendable here"), "{why}");
    assert_eq!(
        ProviderKind::Resend.refusal(&abroad),
        Some(Rejection::Message(why))
    );
    assert_eq!(ProviderKind::Outbox.refusal(&abroad), None);
}

#[test]
fn a_sender_that_cannot_be_written_is_a_setting_to_mend() {
    let mut wrong = email(1, "a@example.com");
    wrong.from = Mailbox::new("Лавка", address("лавка@shop.example"));
    assert!(matches!(
        resend::refusal(&wrong),
        Some(Rejection::Configuration(_))
    ));
}

#[test]
fn no_header_can_be_added() {
    let refused = |change: &dyn Fn(&mut OutgoingEmail)| {
        let mut email = email(1, "a@example.com");
        change(&mut email);
        matches!(resend::refusal(&email), Some(Rejection::Message(_)))
    };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (name, value) in [
        ("X-A", "b\r\nBcc: spy@example.com"),
        ("X-A", "b\nc"),
        ("X-A", "b\0"),
        ("X-A\r\nBcc", "spy@example.com"),
        ("X A", "b"),
        ("X-A:", "b"),
        ("", "b"),
        ("Bcc", "spy@example.com"),
        ("cC", "spy@example.com"),
        ("list-unsubscribe", "<https://evil.example>"),
    ] {
        assert!(
            refused(&|email| email.headers.push(header(name, value))),
            "{name:?}: {value:?}"
        );
    }
    assert!(refused(
        &|email| email.subject = "Hi\r\nBcc: spy@example.com".to_owned()
    ));

    // A name is cleaned where it is made; here it is stored text that never passed there.
    let mut stored = serde_json::to_value(email(1, "a@example.com")).unwrap();
    stored["from"]["name"] = "Lane\r\nBcc: spy@example.com".into();
    let email: OutgoingEmail = serde_json::from_value(stored).unwrap();
    let body: Value = serde_json::from_slice(&resend::body(&[email]).unwrap()).unwrap();
    assert_eq!(body["from"], "\"Lane Bcc: spy@example.com\" <hello@shop.example>");
}

proptest! {
    #[test]
    fn whatever_the_texts_the_request_is_valid_or_refused(
        name in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
        subject in "\\PC{0,40}|[\\x00-\\x7f]{0,40}",
        header in "[\\x00-\\x7f]{0,12}",
        value in "[\\x00-\\xff]{0,40}",
        step in "\\PC{1,60}",
    ) {
        let mut email = email(1, "a@example.com");
        email.from = Mailbox::new(&name, address("hello@shop.example"));
        email.subject = subject;
        email.headers = vec![(header, value)];
        let Ok(step) = StepId::parse(&step) else { return Ok(()) };
        email.step = step;
        let Ok(body) = resend::body(&[email]) else { return Ok(()) };
        let body: Value = serde_json::from_slice(&body).unwrap();
        let one_line = |text: &Value| !text.as_str().unwrap().chars().any(char::is_control);
        prop_assert!(one_line(&body["from"]) && one_line(&body["subject"]));
        prop_assert!(body["headers"].as_object().unwrap().values().all(one_line));
        for tag in body["tags"].as_array().unwrap() {
            let value = tag["value"].as_str().unwrap();
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            prop_assert!(!value.is_empty() && value.len() <= 256 && value.bytes().all(fits));
        }
    }
}

#[test]
fn the_outbox_keeps_what_the_dev_page_shows() {
    let mail = OutboxMail::new(&email(1, "a@example.com"), now());
    assert_snapshot!(serde_json::to_string_pretty(&mail).unwrap());
    let again: OutboxMail = serde_json::from_str(&serde_json::to_string(&mail).unwrap()).unwrap();
    assert_eq!(again, mail);

    let kind = ProviderKind::Outbox;
    assert_eq!(
        kind.body(&account(), "k", &[email(1, "a@example.com")]),
        Ok(Vec::new())
    );
    assert_eq!(kind.request(&account(), "k", Vec::new(), 1, now()), Ok(None));
}
