//! What holds for the answers of every provider: the documented ones mean what the fixtures say, and no bytes panic.

use super::{batches, now, over_http};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::Path;
use wend::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use wend::domain::time::{Delay, Timestamp};
use wend::http::{Headers, Response};
use wend::providers::ProviderKind;
use wend::providers::answer::Answer;

/// Where we read an answer in another way than the fixture names it, and why.
const OTHERWISE: [(&str, &str, &str, &str); 6] = [
    (
        "resend",
        "idempotency reuse",
        "key_mismatch",
        "after a first attempt it means that the message was taken",
    ),
    (
        "sendgrid",
        "size",
        "permanent_recipient",
        "one mail is too large; the others must not wait for it",
    ),
    (
        "mailpit",
        "size",
        "permanent_recipient",
        "one mail is too large; the others must not wait for it",
    ),
    (
        "mailpit",
        "header",
        "permanent_recipient",
        "one mail has the header; the others must not wait for it",
    ),
    (
        "mailtrap",
        "bad",
        "permanent_recipient",
        "one mail lacks it; the others must not wait for it",
    ),
    (
        "mailtrap",
        "batch partial",
        "sent, permanent_recipient",
        "judged entry by entry",
    ),
];

fn class(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted(_) => "sent",
        Outcome::RetryLater(_) | Outcome::Unknown(_) => "retry",
        Outcome::Rejected(Rejection::Message(_)) => "permanent_recipient",
        Outcome::Rejected(Rejection::Suppressed(_)) => "suppressed",
        Outcome::Rejected(Rejection::Configuration(_)) => "permanent_config",
        Outcome::KeyMismatch => "key_mismatch",
    }
}

fn read(kind: ProviderKind, answer: &Response, members: usize) -> Vec<Outcome> {
    match kind.read(answer, members, now()) {
        Answer::Each(outcomes) => outcomes,
        Answer::Split(reason) => panic!("{kind:?} was split: {reason}"),
    }
}

fn one(kind: ProviderKind, status: u16, headers: &[(&str, &str)], body: &str) -> Outcome {
    let answer = Response {
        status,
        headers: headers.iter().copied().collect(),
        body: body.as_bytes().to_vec(),
    };
    read(kind, &answer, 1).remove(0)
}

#[test]
fn every_documented_answer_has_its_outcome() {
    for kind in over_http() {
        let path = format!("tests/fixtures/providers/{}/send_responses.json", kind.as_str());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let documented: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        for case in documented["cases"].as_array().unwrap() {
            let name = case["name"].as_str().unwrap();
            let body = match &case["body"] {
                Value::String(text) => text.clone(),
                json => json.to_string(),
            };
            let headers = case["headers"].as_object().unwrap();
            let answer = Response {
                status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
                headers: headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
                    .collect(),
                body: body.into_bytes(),
            };
            let members = if name == "batch partial" { 2 } else { 1 };
            let outcomes = read(kind, &answer, members);
            let classes: Vec<&str> = outcomes.iter().map(class).collect();
            let otherwise = OTHERWISE
                .iter()
                .find(|(of, case, ..)| *of == kind.as_str() && *case == name);
            let expected = otherwise.map_or(case["expect"].as_str().unwrap(), |(_, _, class, _)| class);
            assert_eq!(classes.join(", "), expected, "{kind:?}, {name}: {outcomes:?}");
            if let Some(id) = case["message_id"].as_str() {
                assert_eq!(
                    outcomes,
                    [Outcome::Accepted(Some(id.to_owned()))],
                    "{kind:?}, {name}"
                );
            }
        }
    }
}

#[test]
fn a_2xx_that_cannot_be_read_is_accepted_without_an_id() {
    for kind in over_http() {
        for body in ["", "<html>OK</html>", "{", "[]", "{}", "null", r#"{"id": 7}"#] {
            assert_eq!(
                one(kind, 200, &[], body),
                Outcome::Accepted(None),
                "{kind:?}: {body}"
            );
        }
    }
}

#[test]
fn what_may_have_been_taken_is_unknown_and_what_was_not_is_kept() {
    for kind in over_http() {
        for status in [100, 408, 500, 502, 504, 520, 524, 599, 999, 0] {
            let outcome = one(kind, status, &[], "<html>Bad gateway</html>");
            assert!(
                matches!(outcome, Outcome::Unknown(_)),
                "{kind:?}, {status}: {outcome:?}"
            );
        }
        for status in [301, 307, 401, 404] {
            let outcome = one(kind, status, &[], "<html></html>");
            assert_eq!(class(&outcome), "permanent_config", "{kind:?}, {status}");
        }
        // Nothing that is no verdict of the API may cost a mail.
        for status in [400, 403, 409, 418, 422, 425, 429, 451] {
            for body in ["", "<html>Access denied</html>", "[]", "null", "{"] {
                let outcome = one(kind, status, &[], body);
                assert!(
                    matches!(class(&outcome), "retry" | "permanent_config"),
                    "{kind:?}, {status} {body}: {outcome:?}"
                );
            }
        }
        let slow = |after| {
            Outcome::RetryLater(RetryLater {
                after,
                reason: RetryReason::RateLimited,
            })
        };
        assert_eq!(one(kind, 429, &[], "<html></html>"), slow(None), "{kind:?}");
        let asked = [("Retry-After", "7")];
        assert_eq!(
            one(kind, 429, &asked, ""),
            slow(Some(Delay::from_seconds(7))),
            "{kind:?}"
        );
    }
}

fn quota(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::RetryLater(later) if later.reason == RetryReason::QuotaExceeded)
}

// Answers of APIs that the fixtures leave out.

#[test]
fn postmark_says_by_its_code_whose_fault_it_is() {
    let postmark = |status, code: u32, message: &str| {
        let body = json!({ "ErrorCode": code, "Message": message }).to_string();
        class(&one(ProviderKind::Postmark, status, &[], &body))
    };
    assert_eq!(
        postmark(422, 300, "Invalid 'From' address: 'x'."),
        "permanent_config"
    );
    assert_eq!(
        postmark(422, 400, "The Sender Signature was not found."),
        "permanent_config"
    );
    assert_eq!(postmark(422, 1235, "No such stream."), "permanent_config");
    assert_eq!(postmark(200, 406, "in a 200"), "suppressed");
    assert_eq!(
        postmark(500, 0, ""),
        "retry",
        "a failing server says nothing of the mail"
    );
}

#[test]
fn sendgrid_says_by_the_field_whose_fault_it_is() {
    let credits = json!({ "errors": [{ "message": "Maximum credits exceeded", "field": null }] }).to_string();
    assert!(quota(&one(ProviderKind::SendGrid, 401, &[], &credits)));
    let sender = json!({ "errors": [{ "message": "The from email does not contain a valid address.", "field": "from.email" }] });
    assert_eq!(
        class(&one(ProviderKind::SendGrid, 400, &[], &sender.to_string())),
        "permanent_config"
    );
    let reset = now().plus(Delay::from_seconds(40)).as_seconds().to_string();
    let limited = one(ProviderKind::SendGrid, 429, &[("X-RateLimit-Reset", &reset)], "");
    assert_eq!(
        limited,
        Outcome::RetryLater(RetryLater {
            after: Some(Delay::from_seconds(40)),
            reason: RetryReason::RateLimited
        })
    );
}

#[test]
fn mailgun_says_by_its_words_whose_fault_it_is() {
    let wrong = one(ProviderKind::Mailgun, 200, &[], "Mailgun Magnificent API");
    assert_eq!(class(&wrong), "permanent_config");
    let sandbox = json!({ "message": "Sandbox subdomains are for test purposes only." }).to_string();
    assert_eq!(
        class(&one(ProviderKind::Mailgun, 400, &[], &sandbox)),
        "permanent_config"
    );
}

#[test]
fn sparkpost_tells_domains_and_allowances() {
    let unconfigured = json!({ "errors": [{ "message": "Invalid domain", "description": "Unconfigured Sending Domain <x>" }] });
    assert_eq!(
        class(&one(ProviderKind::SparkPost, 400, &[], &unconfigured.to_string())),
        "permanent_config"
    );
    assert!(quota(&one(ProviderKind::SparkPost, 420, &[], "")));
}

#[test]
fn amazon_says_by_the_name_of_the_error() {
    let ses = |status, name: &str, message: &str| {
        let body = json!({ "message": message }).to_string();
        one(ProviderKind::Ses, status, &[("X-Amzn-ErrorType", name)], &body)
    };
    assert_eq!(
        class(&ses(400, "BadRequestException", "Illegal address")),
        "permanent_recipient"
    );
    assert_eq!(
        class(&ses(400, "MessageRejected:http://x", "A virus.")),
        "permanent_recipient"
    );
    assert_eq!(
        class(&ses(
            404,
            "NotFoundException",
            "Configuration set <x> does not exist."
        )),
        "permanent_config"
    );
    assert_eq!(
        class(&ses(400, "MailFromDomainNotVerifiedException", "x")),
        "permanent_config"
    );
    assert!(quota(&ses(
        400,
        "LimitExceededException",
        "Daily message quota exceeded."
    )));
    assert!(matches!(ses(500, "InternalFailure", "x"), Outcome::Unknown(_)));
    let in_body = r#"{"__type":"com.amazonaws.sesv2#SendingPausedException","Message":"x"}"#;
    assert_eq!(
        class(&one(ProviderKind::Ses, 400, &[], in_body)),
        "permanent_config"
    );
}

#[test]
fn unisender_says_in_a_200_what_became_of_the_address() {
    let failed = |why: &str| {
        let body = json!({ "status": "success", "job_id": "j", "failed_emails": { "a@example.ru": why } });
        one(ProviderKind::UniSenderGo, 200, &[], &body.to_string())
    };
    assert_eq!(failed("duplicate"), Outcome::Accepted(Some("j".to_owned())));
    assert_eq!(class(&failed("permanent_unavailable")), "suppressed");
    let address = failed("temporary_unavailable");
    assert!(matches!(address, Outcome::RetryLater(later) if later.reason == RetryReason::Address));
}

#[test]
fn dashamail_says_all_in_a_200() {
    let dashamail = |code: i64, text: &str| {
        let body = json!({ "response": { "msg": { "err_code": code, "text": text }, "data": [] } });
        class(&one(ProviderKind::DashaMail, 200, &[], &body.to_string()))
    };
    assert_eq!(dashamail(7, "Неверный адрес получателя"), "permanent_recipient");
    assert_eq!(
        dashamail(7, "Домен отправителя не подтверждён"),
        "permanent_config"
    );
    assert_eq!(dashamail(99, "?"), "permanent_config");
}

#[test]
fn a_batch_is_read_entry_by_entry() {
    let read = |kind: ProviderKind, status, body: Value| {
        let answer = Response {
            status,
            headers: Headers::new(),
            body: body.to_string().into_bytes(),
        };
        kind.read(&answer, 3, now())
    };
    let id = |text: &str| Outcome::Accepted(Some(text.to_owned()));
    let nameless = Answer::Each(vec![Outcome::Accepted(None); 3]);

    let postmark = json!([
        { "ErrorCode": 0, "Message": "OK", "MessageID": "a" },
        { "ErrorCode": 406, "Message": "Inactive" },
        { "ErrorCode": 300, "Message": "Invalid 'To' address" },
    ]);
    let mailtrap = json!({ "success": true, "responses": [
        { "success": true, "message_ids": ["a"] },
        { "success": false, "errors": ["'to' address is invalid"] },
        { "success": true, "message_ids": ["c"] },
    ]});
    let Answer::Each(outcomes) = read(ProviderKind::Postmark, 200, postmark) else {
        panic!()
    };
    assert_eq!(outcomes[0], id("a"));
    assert_eq!(
        (class(&outcomes[1]), class(&outcomes[2])),
        ("suppressed", "permanent_recipient")
    );
    let Answer::Each(outcomes) = read(ProviderKind::Mailtrap, 200, mailtrap) else {
        panic!()
    };
    assert_eq!([&outcomes[0], &outcomes[2]], [&id("a"), &id("c")]);
    assert_eq!(class(&outcomes[1]), "permanent_recipient");

    // With too few results there is no telling whose is missing.
    let few = json!([{ "ErrorCode": 406, "Message": "Inactive" }]);
    assert_eq!(read(ProviderKind::Postmark, 200, few), nameless);
    let few = json!({ "success": true, "responses": [{ "success": true, "message_ids": ["a"] }] });
    assert_eq!(read(ProviderKind::Mailtrap, 200, few), nameless);

    // Refused as a whole for one of them: they go singly.
    let whole = json!({ "ErrorCode": 402, "Message": "Invalid JSON for anna@example.com" });
    let Answer::Split(reason) = read(ProviderKind::Postmark, 422, whole) else {
        panic!()
    };
    assert!(!reason.contains('@'), "{reason}");
    let whole = json!({ "success": false, "errors": ["'subject' is required"] });
    assert!(matches!(
        read(ProviderKind::Mailtrap, 400, whole),
        Answer::Split(_)
    ));
    let token = json!({ "ErrorCode": 10, "Message": "No token" });
    let Answer::Each(outcomes) = read(ProviderKind::Postmark, 401, token) else {
        panic!()
    };
    assert!(
        outcomes
            .iter()
            .all(|outcome| class(outcome) == "permanent_config")
    );
}

#[test]
fn a_reason_holds_no_address() {
    let body = json!({
        "ErrorCode": 300, "Message": "bad anna@example.com", "message": "bad anna@example.com", "code": "invalid_parameter",
        "errors": [{ "message": "bad anna@example.com" }], "Error": "bad anna@example.com", "status": "error", "success": false,
        "name": "validation_error", "statusCode": 400,
    });
    for kind in over_http() {
        let outcome = one(
            kind,
            400,
            &[("x-amzn-errortype", "BadRequestException")],
            &body.to_string(),
        );
        assert!(!format!("{outcome:?}").contains("anna@"), "{kind:?}: {outcome:?}");
    }
}

/// Words that some API's answers are made of.
const WORDS: &str = r#"(name|id|ID|data|errors|message|Message|MessageID|MessageId|ErrorCode|Error|statusCode|code|status|success|results|result|responses|response|msg|err_code|message_ids|messageIds|failed_emails|emails|job_id|delivered|permanent_bounces|total_rejected_recipients|__type)"#;

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        "[a-zA-Z_@` 'а-я]{0,30}".prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(Value::from(0)),
    ];
    let tree = leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(WORDS, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        tree.prop_map(|json| json.to_string().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn reading_never_panics_and_answers_for_every_member(
        status in prop_oneof![any::<u16>(), Just(200), Just(202), 400_u16..430, Just(500)],
        body in bodies(),
        retry in "\\PC{0,30}|[0-9]{1,20}",
        members in 0_usize..5,
        at in any::<i64>(),
    ) {
        let names = [
            "retry-after", "ratelimit-reset", "ratelimit-limit", "ratelimit-policy", "x-ratelimit-reset",
            "x-ratelimit-remaining", "x-sib-ratelimit-reset", "x-sib-ratelimit-remaining", "x-message-id", "x-amzn-errortype",
        ];
        let headers: Headers = names.into_iter().map(|name| (name, retry.as_str())).collect();
        for kind in ProviderKind::ALL {
            if let Some(hint) = kind.rate_hint(&headers, Timestamp::from_millis(at)) {
                let _ = (hint.pace(), hint.rest(Timestamp::from_millis(at)));
            }
            let answer = Response { status, headers: headers.clone(), body: body.clone() };
            match kind.read(&answer, members, Timestamp::from_millis(at)) {
                Answer::Each(outcomes) => prop_assert_eq!(outcomes.len(), members, "{:?}", kind),
                Answer::Split(reason) => {
                    prop_assert!(members > 1 && !reason.contains('@'), "{kind:?}");
                    prop_assert!(batches(kind.capabilities()) || members > kind.capabilities().batch_max);
                }
            }
        }
    }
}
