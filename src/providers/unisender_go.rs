//! UniSender Go: `POST /email/send.json`, one email a request.
//!
//! Called through `ProviderKind`. A request has one content for all recipients, so there are no batches for us. It takes an
//! idempotency key in the body, but it is written nowhere for how long: nothing is repeated in reliance on it. Sources:
//! `https://godocs.unisender.ru/web-api-ref#email-send`, and Anymail's backend for what its pages leave out.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{self, Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata};
use super::{Api, Capabilities, Idempotency, quota, told};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde_json::Value;

const SKIP_UNSUBSCRIBE: &str = "UNISENDER_GO_SKIP_UNSUBSCRIBE";

pub const API: Api = Api {
    name: "unisender_go",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: true,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; its request carries a key against doubles, but \
                    as its lifetime is not published, what is unknown is settled by `on_unknown`",
    },
    settings: &[
        Setting::url(
            "UNISENDER_GO_URL",
            "https://go1.unisender.ru/ru/transactional/api/v1",
        ),
        Setting::secret(events::API_KEY, "API key of the account or project"),
        Setting::optional(
            SKIP_UNSUBSCRIBE,
            "`1` once support has allowed mails without their unsubscribe block; ours is then in the mail alone",
        ),
    ],
    refusal: |email| wire_email(&Account::default(), "", email).err(),
    body: |account, key, members| {
        let message = wire::only(members, |email| wire_email(account, key, email))?;
        wire::json(&Json::Object(vec![("message", message)]))
    },
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

fn wire_email<'a>(account: &Account, key: &'a str, email: &'a OutgoingEmail) -> Result<Json<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // Others go out as ISO-8859-1, without encoding.
    envelope::check_ascii_headers(email)?;
    let own_block = account.get(SKIP_UNSUBSCRIBE) == "1";
    let ours = email
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("list-unsubscribe"));
    // Where the forced unsubscribe block leads: to our page.
    let options = ours.filter(|_| !own_block).map(|(_, value)| {
        let page = value.trim_matches(['<', '>']);
        Json::Object(vec![("unsubscribe_url", page.into())])
    });
    let mut headers = wire::headers(email);
    // Beside their block our List-Unsubscribe is not allowed.
    headers.retain(|(name, _)| own_block || !name.to_ascii_lowercase().starts_with("list-unsubscribe"));
    let metadata = Metadata::of(email).into_json();
    let recipient = wire::pair(["email", "metadata"], to.into(), metadata);
    Ok(Json::Object(vec![
        ("recipients", Json::List(vec![recipient])),
        ("from_email", from.address().as_str().to_owned().into()),
        ("from_name", Json::filled(from.name().to_owned())),
        ("reply_to", reply_to.into()),
        ("subject", (&email.subject).into()),
        (
            "body",
            wire::pair(["html", "plaintext"], (&email.html).into(), (&email.text).into()),
        ),
        ("headers", Json::some(headers)),
        // Tracking is off: links in our mails are signed and counted by ourselves.
        ("track_links", Json::Number(0)),
        ("track_read", Json::Number(0)),
        ("skip_unsubscribe", own_block.then_some(Json::Number(1)).into()),
        ("options", options.into()),
        ("idempotence_key", key.into()),
    ]))
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!("{}/email/send.json", account.url());
    Ok(wire::post(url, Some(("X-API-KEY", account.key())), body))
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// `{"status": "success", "job_id": "…", "emails": […], "failed_emails": {"…": "unsubscribed"}}`, or
/// `{"status": "error", "code": 114, "message": "…"}`.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = told::by(response);
    if status == 429 {
        let asked = answer::retry_after(&response.headers, now);
        return quota::or_rate(told::text(&told, "/message"), asked, now);
    }
    let accepted = (200..=299).contains(&status);
    match told::text(&told, "/status") {
        "" => return answer::by_status(response, now),
        "error" => {}
        _ if accepted => {
            // One recipient a request: a failed one is ours.
            let failures = told.get("failed_emails").and_then(Value::as_object);
            let failure = failures.and_then(|failures| failures.values().next());
            let job = answer::accepted(Some(told::text(&told, "/job_id")));
            return match failure.and_then(Value::as_str) {
                Some(failure) => failed(status, failure, job),
                None => job,
            };
        }
        _ => {}
    }
    let code = told::number(&told, "/code").unwrap_or_default();
    let message = told::text(&told, "/message");
    // 114 is an account of the other data centre.
    let ours = code == 114 || answer::mentions(message, &ABOUT_ACCOUNT);
    // An error with status 200 is one all the same.
    let judged_as = if accepted { 400 } else { status };
    answer::by_words(
        judged_as,
        answer::reason(status, &format!("{code} {message}")),
        ours,
    )
}

/// The recipient is in `failed_emails`, and the HTTP status is 200 all the same.
fn failed(status: u16, failure: &str, job: Outcome) -> Outcome {
    let reason = answer::reason(status, failure);
    match failure {
        // Named among those that were taken as well.
        "duplicate" => job,
        "temporary_unavailable" => Outcome::RetryLater(RetryLater {
            after: None,
            reason: RetryReason::Address,
        }),
        "unsubscribed" | "permanent_unavailable" => answer::suppressed(reason),
        _ => answer::refused(reason),
    }
}

const ABOUT_ACCOUNT: [&str; 7] = [
    "from_email",
    "domain",
    "user with id",
    "decode key",
    "reply_to",
    "not allowed",
    "balance",
];
