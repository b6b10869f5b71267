//! Whatever is posted, nothing panics, one bad item fails no other, and ten thousand in one post are as good as one.

use super::*;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeSet;

/// `count` good items with a bad one after every hundredth.
fn batch(count: usize, item: impl Fn(usize) -> Value) -> Vec<Value> {
    let bad = [
        json!(null),
        json!("x"),
        json!([1]),
        json!({}),
        json!({"event": []}),
    ];
    (0..count)
        .flat_map(|index| {
            let spoilt = index
                .is_multiple_of(100)
                .then(|| bad[index / 100 % bad.len()].clone());
            [Some(item(index)), spoilt]
        })
        .flatten()
        .collect()
}

#[test]
fn ten_thousand_events_in_a_post_are_all_told_and_bad_ones_are_named() {
    const COUNT: usize = 10_000;
    let sendgrid = batch(COUNT, |index| {
        json!({
            "event": "delivered", "sg_event_id": format!("e{index}"), "email": "a@example.com",
            "timestamp": 1_767_715_203, "wend_message": format!("{index:040x}"), "unknown": {"deep": [index]},
        })
    });
    let sparkpost = batch(
        COUNT,
        |index| json!({"msys": {"message_event": {"type": "delivery", "event_id": format!("e{index}")}}}),
    );
    let mailtrap = batch(
        COUNT,
        |index| json!({"event": "delivery", "event_id": format!("e{index}")}),
    );
    let lines: Vec<String> = mailtrap.iter().map(Value::to_string).collect();
    for (kind, body) in [
        (ProviderKind::SendGrid, json!(sendgrid).to_string()),
        (ProviderKind::SparkPost, json!(sparkpost).to_string()),
        (ProviderKind::Mailtrap, json!({"events": mailtrap}).to_string()),
        (ProviderKind::Mailtrap, lines.join("\n")),
    ] {
        let report = sent(kind, body.as_bytes()).report().unwrap();
        assert_eq!(report.events.len(), COUNT, "{kind:?}");
        assert_eq!(report.unread.len(), COUNT / 100, "{kind:?}");
        assert_eq!(report.unread[0].index, 1);
        let ids: BTreeSet<_> = report.events.iter().map(|event| event.id.as_str()).collect();
        assert_eq!(ids.len(), COUNT, "{kind:?}");
    }
}

#[test]
fn an_item_that_cannot_be_read_is_named_and_the_next_is_told() {
    let body = r#"[{"event":"delivered","sg_event_id":"\ud800"},{"event":"delivered","n":1e999},
        {"event":"open","sg_event_id":"3"},{"sg_event_id":"4"}]"#;
    let report = sent(ProviderKind::SendGrid, body.as_bytes()).report().unwrap();
    assert_eq!(report.events.len(), 1);
    let unread: Vec<usize> = report.unread.iter().map(|unread| unread.index).collect();
    assert_eq!(unread, [0, 1, 3]);
}

#[test]
fn times_of_tomorrow_are_not_believed_and_missing_ones_are_now() {
    let report = told(
        ProviderKind::SendGrid,
        &json!([{"event": "open", "timestamp": 4_000_000_000_i64}, {"event": "open"}, {"event": "open", "timestamp": -1}]),
    );
    let ahead: Vec<_> = report
        .events
        .iter()
        .map(|event| event.occurred_at.since(now()).as_millis())
        .collect();
    assert_eq!(ahead, [300_000, 0, 0]);
}

#[test]
fn endless_texts_are_bounded() {
    let long = "x".repeat(100_000);
    let report = told(
        ProviderKind::SendGrid,
        &json!([{
            "event": "bounce", "sg_event_id": long, "sg_message_id": "m.1", "useragent": long, "url": long, "type": long,
            "email": format!("{long}@example.com"),
        }]),
    );
    let event = &report.events[0];
    assert!(event.id.as_str().len() < 64 && event.agent.as_ref().unwrap().len() <= 256);
    assert!(event.url.as_ref().unwrap().as_str().len() <= 2048 && event.reason.as_ref().unwrap().len() <= 64);
    assert_eq!(event.recipient, None);
}

/// Words that mean something to somebody, and some that mean nothing.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "type",
            "event",
            "data",
            "msys",
            "message_event",
            "events",
            "payload",
            "Type",
            "Message",
            "RecordType",
            "event-data",
            "signature",
            "timestamp",
            "email",
            "to",
            "tags",
            "headers",
            "name",
            "value",
            "bounce",
            "delivered",
            "bounced",
            "email.bounced",
            "Bounce",
            "Notification",
            "SubscriptionConfirmation",
            "failed",
            "transactional_email_status",
            "hard_bounced",
            "X-Mailin-custom",
            "sg_event_id",
            "ID",
            "reason",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ]
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::btree_map(words(), inner, 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// One body of each provider's form, for something to be changed in.
fn sample(kind: ProviderKind) -> Value {
    let name = match kind {
        ProviderKind::Resend => "email_clicked",
        ProviderKind::Postmark => "click",
        ProviderKind::Mailgun => "failed_permanent",
        ProviderKind::Ses => "bounce_permanent",
        ProviderKind::Brevo => "click",
        ProviderKind::SparkPost => "batch",
        ProviderKind::CloudflareEmail => "bounced",
        ProviderKind::SendGrid | ProviderKind::Mailtrap | ProviderKind::UniSenderGo => "events",
        ProviderKind::DashaMail => {
            return json!({"event": "click", "email": "a@example.ru", "url": "https://x.example"});
        }
        ProviderKind::Outbox | ProviderKind::Mailpit => return json!(null),
    };
    let path = format!(
        "{}/tests/fixtures/providers/{}/{name}.json",
        env!("CARGO_MANIFEST_DIR"),
        kind.as_str()
    );
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every place in a document.
fn places(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), into);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(field, &format!("{at}/{name}"), into);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn change(value: &mut Value, place: Index, to: Value) {
    // What SES tells is a document in a text.
    if let Some(Value::String(message)) = value.get("Message")
        && let Ok(mut inner) = serde_json::from_str::<Value>(message)
        && place.index(4) > 0
    {
        change(&mut inner, place, to);
        value["Message"] = json!(inner.to_string());
        return;
    }
    let mut found = Vec::new();
    places(value, "", &mut found);
    if let Some(target) = value.pointer_mut(place.get::<String>(&found)) {
        *target = to;
    }
}

fn holds_together(kind: ProviderKind, body: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(report) = sent(kind, body).report() {
        for event in &report.events {
            prop_assert!(event.id.as_str().starts_with(kind.as_str()));
            prop_assert!(event.occurred_at <= now().plus(wend::domain::time::FUTURE_TOLERANCE));
            let reason = event.reason.as_deref().unwrap_or_default();
            prop_assert!(!reason.contains(['@', ' ', '<']), "{}", reason);
        }
        prop_assert!(report.events.len() + report.ignored + report.unread.len() <= 50);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn arbitrary_json_never_panics(json in anything()) {
        for (kind, _) in tellers() {
            holds_together(kind, json.to_string().as_bytes())?;
        }
    }

    #[test]
    fn a_real_body_with_something_else_in_one_place_never_panics(
        place in any::<Index>(),
        to in anything(),
    ) {
        for (kind, _) in tellers() {
            let mut body = sample(kind);
            change(&mut body, place, to.clone());
            holds_together(kind, body.to_string().as_bytes())?;
        }
    }

    #[test]
    fn arbitrary_bytes_headers_and_tokens_never_panic(
        body in prop::collection::vec(any::<u8>(), 0..200),
        header in "\\PC{0,60}|(Basic|Bearer) [A-Za-z0-9+/=]{0,40}|v1,[A-Za-z0-9+/=]{0,60}|[0-9a-f]{0,80}",
        query in "\\PC{0,30}|event=[a-z]{0,9}",
    ) {
        for (kind, _) in tellers() {
            let mut posted = sent(kind, &body);
            query.clone_into(&mut posted.query);
            let _ = posted.report();
            let names = [
                "authorization", "svix-id", "svix-timestamp", "svix-signature", "mailtrap-signature",
                "X-Twilio-Email-Event-Webhook-Signature", "X-Twilio-Email-Event-Webhook-Timestamp",
            ];
            posted.headers = names.into_iter().map(|name| (name, header.as_str())).collect();
            posted.token = Some(header.clone());
            prop_assert!(posted.verified().is_err() || kind == ProviderKind::Ses);
        }
    }
}
