//! Answers become outcomes: every documented class, everything broken, and never a panic.

use super::now;
use proptest::prelude::*;
use serde_json::Value;
use wend::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use wend::domain::time::{Delay, Timestamp};
use wend::http::{Headers, Response};
use wend::providers::answer::{Answer, RateHint};
use wend::providers::{ProviderKind, resend};

const DOCUMENTED: &str = include_str!("../../fixtures/providers/resend/send_responses.json");

fn response(status: u16, body: &str) -> Response {
    Response {
        status,
        headers: Headers::new(),
        body: body.as_bytes().to_vec(),
    }
}

fn read_one(status: u16, body: &str) -> Outcome {
    match resend::read(&response(status, body), 1, now()) {
        Answer::Each(outcomes) => outcomes.into_iter().next().unwrap(),
        Answer::Split(reason) => panic!("one message cannot be split: {reason}"),
    }
}

fn resend_error(status: u16, name: &str, message: &str) -> String {
    serde_json::json!({ "statusCode": status, "name": name, "message": message }).to_string()
}

#[test]
fn every_documented_answer_has_its_outcome() {
    let documented: Value = serde_json::from_str(DOCUMENTED).unwrap();
    for case in documented["cases"].as_array().unwrap() {
        let headers = case["headers"].as_object().unwrap();
        let answer = Response {
            status: u16::try_from(case["status"].as_u64().unwrap()).unwrap(),
            headers: headers
                .iter()
                .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
                .collect(),
            body: case["body"].to_string().into_bytes(),
        };
        let Answer::Each(outcomes) = resend::read(&answer, 1, now()) else {
            panic!("{case}");
        };
        let [outcome] = outcomes.as_slice() else {
            panic!("{case}")
        };
        let name = case["name"].as_str().unwrap();
        let class = match outcome {
            Outcome::Accepted(Some(id)) if id == case["message_id"].as_str().unwrap() => "sent",
            Outcome::RetryLater(_) | Outcome::Unknown(_) => "retry",
            Outcome::Rejected(Rejection::Message(_)) => "permanent_recipient",
            Outcome::Rejected(Rejection::Configuration(_)) => "permanent_config",
            Outcome::Accepted(_) | Outcome::Rejected(Rejection::Suppressed(_)) => "unexpected",
            // The fixture calls it a bug of ours; after a first attempt it means that the message was taken.
            Outcome::KeyMismatch => {
                assert_eq!(name, "idempotency reuse");
                "permanent_config"
            }
        };
        assert_eq!(class, case["expect"].as_str().unwrap(), "{name}: {outcome:?}");
    }
}

#[test]
fn answers_are_told_apart() {
    let unknown = |outcome: Outcome| matches!(outcome, Outcome::Unknown(_));
    let configuration = |outcome: Outcome| matches!(outcome, Outcome::Rejected(Rejection::Configuration(_)));
    let message = |outcome: Outcome| matches!(outcome, Outcome::Rejected(Rejection::Message(_)));

    for body in [
        "",
        "<html>OK</html>",
        r#"{"id": 7}"#,
        r#"{"id":"#,
        "{}",
        r#"{"id":""}"#,
    ] {
        assert_eq!(read_one(200, body), Outcome::Accepted(None), "{body}");
    }
    for status in [100, 408, 500, 502, 503, 504, 520, 524, 599, 999, 0] {
        assert!(
            unknown(read_one(status, &resend_error(status, "application_error", "x"))),
            "{status}"
        );
        assert!(unknown(read_one(status, "<html>Bad gateway</html>")), "{status}");
    }
    for status in [400, 403, 409, 418, 422, 451] {
        for body in [
            "",
            "<html>Access denied. Error 1010</html>",
            r#"{"statusCode":4"#,
            "[]",
            "null",
        ] {
            assert!(unknown(read_one(status, body)), "{status} {body}");
        }
    }
    for (status, name) in [
        (401, "missing_api_key"),
        (401, "restricted_api_key"),
        (403, "invalid_api_key"),
        (403, "suspended_api_key"),
        (403, "validation_error"),
        (404, "not_found"),
        (405, "method_not_allowed"),
        (422, "invalid_from_address"),
        (400, "invalid_idempotency_key"),
        (402, "a_name_of_tomorrow"),
    ] {
        assert!(
            configuration(read_one(status, &resend_error(status, name, "x"))),
            "{name}"
        );
    }
    assert!(configuration(read_one(
        422,
        &resend_error(422, "validation_error", "Invalid `from` field.")
    )));
    for status in [301, 307, 401, 404] {
        assert!(configuration(read_one(status, "<html></html>")), "{status}");
    }
    for (status, name) in [
        (400, "validation_error"),
        (422, "missing_required_field"),
        (422, "a_name_of_tomorrow"),
        (451, "security_error"),
        (413, "x"),
    ] {
        assert!(
            message(read_one(status, &resend_error(status, name, "x"))),
            "{name}"
        );
    }
    for name in ["concurrent_idempotent_requests", "resource_locked"] {
        assert!(unknown(read_one(409, &resend_error(409, name, "x"))), "{name}");
    }
}

#[test]
fn a_429_waits_for_the_rate_the_day_or_the_month() {
    let wait = |name: &str, headers: &[(&str, &str)]| {
        let answer = Response {
            status: 429,
            headers: headers.iter().copied().collect(),
            body: resend_error(429, name, "x").into_bytes(),
        };
        match resend::read(&answer, 1, now()) {
            Answer::Each(outcomes) => match outcomes.as_slice() {
                [Outcome::RetryLater(RetryLater { after, reason })] => (*after, *reason),
                other => panic!("{other:?}"),
            },
            Answer::Split(reason) => panic!("{reason}"),
        }
    };
    let rate = |seconds| (Some(Delay::from_seconds(seconds)), RetryReason::RateLimited);
    let quota = |delay| (Some(delay), RetryReason::QuotaExceeded);
    let limited = "rate_limit_exceeded";
    assert_eq!(
        wait(limited, &[("Retry-After", "3"), ("ratelimit-reset", "1")]),
        rate(3)
    );
    assert_eq!(
        wait(limited, &[("retry-after", "Sun, 01 Mar 2026 22:00:09 GMT")]),
        rate(9)
    );
    assert_eq!(wait(limited, &[("ratelimit-reset", "2")]), rate(2));
    assert_eq!(wait(limited, &[]), (None, RetryReason::RateLimited));

    // Two hours to midnight; a second's Retry-After is the rate's and not the day's.
    assert_eq!(
        wait("daily_quota_exceeded", &[("retry-after", "1")]),
        quota(Delay::from_hours(2))
    );
    assert_eq!(
        wait("daily_quota_exceeded", &[("retry-after", "3600")]),
        quota(Delay::from_hours(1))
    );
    assert_eq!(wait("monthly_quota_exceeded", &[]), quota(Delay::from_hours(24)));

    let page = resend::read(&response(429, "<html>slow down</html>"), 2, now());
    let slow = Outcome::RetryLater(RetryLater {
        after: None,
        reason: RetryReason::RateLimited,
    });
    assert_eq!(page, Answer::Each(vec![slow.clone(), slow]));
}

#[test]
fn a_batch_has_one_outcome_a_member_or_is_split() {
    let read = |status, body: &str| resend::read(&response(status, body), 3, now());
    let id = |text: &str| Outcome::Accepted(Some(text.to_owned()));
    let nameless = Answer::Each(vec![Outcome::Accepted(None); 3]);

    let whole = r#"{"data":[{"id":"a"},{"id":"b"},{"id":"c"}]}"#;
    assert_eq!(read(200, whole), Answer::Each(vec![id("a"), id("b"), id("c")]));
    for unclear in [
        r#"{"data":[{"id":"a"},{"id":"b"}]}"#,
        r#"{"data":[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"}]}"#,
        r#"{"data":[]}"#,
        r#"{"data":[{"id":"a"},{"#,
        "<html>",
    ] {
        assert_eq!(read(200, unclear), nameless, "{unclear}");
    }
    let partly = r#"{"data":[{"id":"a"},{"id":"c"}],"errors":[{"index":1,"message":"Invalid `to` field."}]}"#;
    let Answer::Each(outcomes) = read(200, partly) else {
        panic!()
    };
    assert_eq!([&outcomes[0], &outcomes[2]], [&id("a"), &id("c")]);
    assert!(matches!(outcomes[1], Outcome::Rejected(Rejection::Message(_))));

    for status in [400, 413, 422, 451] {
        let body = resend_error(
            status,
            "validation_error",
            "Invalid `to` field for anna@example.com",
        );
        let Answer::Split(reason) = read(status, &body) else {
            panic!("{status}")
        };
        assert!(!reason.contains('@'), "{reason}");
    }
    assert_eq!(
        read(409, &resend_error(409, "invalid_idempotent_request", "x")),
        Answer::Each(vec![Outcome::KeyMismatch; 3])
    );
    let Answer::Each(outcomes) = read(403, &resend_error(403, "invalid_api_key", "x")) else {
        panic!()
    };
    assert_eq!(outcomes.len(), 3);
}

#[test]
fn headers_teach_the_rate() {
    let hint = |pairs: &[(&str, &str)]| resend::rate_hint(&pairs.iter().copied().collect());
    let rate = |per_second, remaining, reset| {
        Some(RateHint {
            per_second,
            remaining,
            reset,
        })
    };
    let second = Some(Delay::from_seconds(1));
    let usual = [
        ("ratelimit-limit", "10"),
        ("RateLimit-Remaining", "9"),
        ("ratelimit-reset", "1"),
    ];
    assert_eq!(hint(&usual), rate(Some(10), Some(9), second));
    assert_eq!(
        hint(&[
            ("ratelimit-limit", "100, 100;w=10"),
            ("ratelimit-policy", "100;w=10")
        ]),
        rate(Some(10), None, None)
    );
    assert_eq!(
        hint(&[("ratelimit-limit", "many"), ("ratelimit-remaining", "0")]),
        rate(None, Some(0), None)
    );
    assert_eq!(
        hint(&[("content-type", "text/html"), ("ratelimit-reset", "-1")]),
        None
    );
    assert_eq!(
        ProviderKind::Outbox.rate_hint(&usual.into_iter().collect(), now()),
        None
    );
}

#[test]
fn what_is_left_of_a_window_is_the_pace_where_its_length_is_not_told() {
    let minute = Delay::from_seconds(60);
    // The headers of the API pages' examples, with the window's end a minute from now.
    let end = now().plus(minute).as_seconds().to_string();
    let sendgrid = |left| {
        let headers: Headers = [
            ("X-RateLimit-Limit", "500"),
            ("X-RateLimit-Remaining", left),
            ("X-RateLimit-Reset", end.as_str()),
        ]
        .into_iter()
        .collect();
        ProviderKind::SendGrid.rate_hint(&headers, now()).unwrap()
    };
    assert_eq!(
        (sendgrid("499").pace(), sendgrid("499").rest(now())),
        (Some(8), None)
    );
    assert_eq!(sendgrid("3").pace(), Some(1));
    let resting = sendgrid("0").rest(now()).unwrap();
    assert!(resting > now().plus(Delay::from_seconds(58)) && resting <= now().plus(minute));
    let brevo = |left| {
        let headers: Headers = [
            ("x-sib-ratelimit-limit", "1000"),
            ("x-sib-ratelimit-remaining", left),
            ("x-sib-ratelimit-reset", "1"),
        ]
        .into_iter()
        .collect();
        ProviderKind::Brevo.rate_hint(&headers, now()).unwrap()
    };
    assert_eq!((brevo("998").pace(), brevo("998").rest(now())), (Some(998), None));
    assert_eq!(brevo("0").rest(now()), Some(now().plus(Delay::from_seconds(1))));
    // One whose rate is told is paced by it, and not stopped at the end of each second.
    let resend: Headers = [
        ("ratelimit-limit", "2"),
        ("ratelimit-remaining", "0"),
        ("ratelimit-reset", "1"),
    ]
    .into_iter()
    .collect();
    let hint = ProviderKind::Resend.rate_hint(&resend, now()).unwrap();
    assert_eq!((hint.pace(), hint.rest(now())), (Some(2), None));
}

/// Provider, status, Amazon's name of the error, what it is, body.
const SLOW_DOWNS: &str = r#"
ses 400 ThrottlingException quota {"message":"Daily message quota exceeded."}
ses 429 TooManyRequestsException quota {"message":"Daily message quota exceeded."}
ses 400 LimitExceededException quota {"message":"Daily message quota exceeded."}
ses 400 ThrottlingException rate {"message":"Maximum sending rate exceeded."}
resend 429 - quota {"name":"daily_quota_exceeded"}
resend 429 - quota {"name":"monthly_quota_exceeded"}
resend 429 - rate {"name":"rate_limit_exceeded"}
sendgrid 401 - quota {"errors":[{"message":"Maximum credits exceeded"}]}
sendgrid 429 - rate {"errors":[{"message":"too many requests"}]}
mailgun 403 - quota {"message":"Domain x.example daily sending limit exceeded"}
mailgun 429 - rate {"message":"Too many requests"}
sparkpost 420 - quota {"errors":[{"message":"Exceed Sending Limit (daily)"}]}
sparkpost 429 - rate {"errors":[{"message":"Too many requests"}]}
mailtrap 429 - quota {"errors":["Daily email limit reached"]}
mailtrap 429 - rate {"errors":["Too many requests"]}
cloudflare_email 429 - quota {"success":false,"errors":[{"code":10004,"message":"daily limit exceeded"}]}
cloudflare_email 429 - rate {"success":false,"errors":[{"code":10004,"message":"too many requests"}]}
unisender_go 429 - rate {"status":"error","message":"Too many requests"}
"#;

#[test]
fn a_used_up_day_is_told_from_a_full_second() {
    for line in SLOW_DOWNS.trim().lines() {
        let [provider, status, name, expected, body] =
            line.splitn(5, ' ').collect::<Vec<_>>().try_into().unwrap();
        let answer = Response {
            status: status.parse().unwrap(),
            headers: Headers::new().with("x-amzn-errortype", name),
            body: body.as_bytes().to_vec(),
        };
        let kind = ProviderKind::parse(provider).unwrap();
        let Answer::Each(outcomes) = kind.read(&answer, 1, now()) else {
            panic!("{line}");
        };
        let [Outcome::RetryLater(later)] = outcomes.as_slice() else {
            panic!("{line}: {outcomes:?}");
        };
        let quota = later.reason == RetryReason::QuotaExceeded;
        assert_eq!(quota, expected == "quota", "{line}");
    }
}

proptest! {
    #[test]
    fn reading_never_panics_and_answers_for_every_member(
        status in any::<u16>(),
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"\{"(name|id|data|errors|message|statusCode)":("[a-z_@` ]{0,30}"|[0-9]{1,20}|\[\{"(id|index)":("x"|[0-9]{1,20})\}\])\}"#
                .prop_map(String::into_bytes),
        ],
        retry in "\\PC{0,30}",
        members in 0_usize..5,
        at in any::<i64>(),
    ) {
        let headers: Headers = ["retry-after", "ratelimit-reset", "ratelimit-limit", "ratelimit-policy"]
            .into_iter()
            .map(|name| (name, retry.as_str()))
            .collect();
        let _ = resend::rate_hint(&headers);
        match resend::read(&Response { status, headers, body }, members, Timestamp::from_millis(at)) {
            Answer::Each(outcomes) => prop_assert_eq!(outcomes.len(), members),
            Answer::Split(reason) => prop_assert!(members > 1 && !reason.contains('@')),
        }
    }
}
