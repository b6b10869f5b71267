//! DashaMail, whose posts have no published form: the kind by the address or the body, the fields in JSON or a form.

use super::*;
use wend::domain::delivery_event::DeliveryKind::{
    Clicked, Complaint, Delivered, Failed, HardBounce, Opened, SoftBounce, Unsubscribed,
};

#[test]
fn a_post_is_read_in_every_form_and_by_the_kind_of_its_address() {
    let kind = ProviderKind::DashaMail;
    let post = |query: &str, body: &str| {
        let mut sent = sent(kind, body.as_bytes());
        query.clone_into(&mut sent.query);
        sent
    };
    for (query, body) in [
        (
            "event=hard",
            "email=anna%2Bshop%40example.ru&transaction_id=5a80&time=2026-01-06+16%3A00%3A03",
        ),
        (
            "event=hard",
            r#"{"email":"anna+shop@example.ru","transaction_id":"5a80","time":"2026-01-06 16:00:03"}"#,
        ),
        (
            "",
            r#"{"event":"hard","to":"anna+shop@example.ru","transaction_id":"5a80","timestamp":1767715203}"#,
        ),
    ] {
        let sent = post(query, body);
        let report = sent.report().unwrap();
        let event = &report.events[0];
        assert_eq!(event.kind, HardBounce, "{body}");
        assert_eq!(event.recipient.as_ref().unwrap().as_str(), "anna+shop@example.ru");
        assert_eq!(event.provider_message.as_deref(), Some("5a80"));
        assert_eq!(event.occurred_at.as_seconds(), 1_767_715_203);
    }
    for (name, expected) in [
        ("delivered", Some(Delivered)),
        ("soft", Some(SoftBounce)),
        ("spam", Some(Complaint)),
        ("unsub", Some(Unsubscribed)),
        ("open", Some(Opened)),
        ("click", Some(Clicked)),
        ("dropped", Some(Failed)),
        ("send", None),
        ("confirm", None),
    ] {
        let sent = post(&format!("event={name}"), "email=a%40example.ru");
        let report = sent.report().unwrap();
        assert_eq!(report.events.first().map(|event| event.kind), expected, "{name}");
    }
    // The same words to two addresses are two events, and twice to one are one.
    let id = |query: &str| {
        let sent = post(query, "email=a%40example.ru");
        let report = sent.report().unwrap();
        report.events[0].id.clone()
    };
    assert_ne!(id("event=open"), id("event=click"));
    assert_eq!(id("event=open"), id("event=open"));
    assert!(matches!(
        post("", "hello").report(),
        Err(Error::Unreadable { .. })
    ));
}
