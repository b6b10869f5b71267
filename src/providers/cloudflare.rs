//! Cloudflare Email Service: `POST /accounts/<id>/email/sending/send`, one email a request, transactional mail only.
//!
//! Called through `ProviderKind`, and never chosen for marketing: its terms exclude it. There are no batches, no
//! idempotency keys and no ids in answers; our message id travels in the `X-Wend-Message` header alone. Sources, below
//! `https://developers.cloudflare.com/email-service`: `/api/send-emails/rest-api/`, `/reference/headers/`,
//! `/examples/email-sending/recipients/`.

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire;
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};
use serde::{Deserialize, Serialize};

const ACCOUNT_ID: &str = "CLOUDFLARE_EMAIL_ACCOUNT_ID";

pub const API: Api = Api {
    name: "cloudflare_email",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional],
        own_unsubscribe: false,
        metadata: false,
        local: false,
        reaches_people: true,
        guarantee: "transactional mail only, marketing waits for another provider; each message is taken once unless an \
                    answer is lost; what is then unknown is never repeated blindly, and is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("CLOUDFLARE_EMAIL_URL", "https://api.cloudflare.com/client/v4"),
        Setting::secret("CLOUDFLARE_EMAIL_API_TOKEN", "API token that may send emails"),
        Setting::text(ACCOUNT_ID, "id of the account"),
    ],
    refusal: |email| wire_email(email).err(),
    body: |_, _, members| wire::json(&wire::only(members, wire_email)?),
    repeat: Some(repeat),
    read,
    rate_hint: |_| None,
};

#[derive(Serialize)]
struct WireEmail<'a> {
    to: String,
    from: WireSender,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    subject: &'a str,
    html: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "wire::as_object")]
    headers: &'a [(String, String)],
}

#[derive(Serialize)]
#[serde(untagged)]
enum WireSender {
    Plain(String),
    Named { address: String, name: String },
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let (address, name) = (from.address().as_str().to_owned(), from.name().to_owned());
    Ok(WireEmail {
        to,
        from: if name.is_empty() {
            WireSender::Plain(address)
        } else {
            WireSender::Named { address, name }
        },
        reply_to,
        subject: &email.subject,
        html: &email.html,
        text: &email.text,
        headers: &email.headers,
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let url = format!(
        "{}/accounts/{}/email/sending/send",
        account.url(),
        account.get(ACCOUNT_ID)
    );
    let bearer = format!("Bearer {}", account.key());
    Ok(wire::post(url, Some(("Authorization", &bearer)), body))
}

/// The envelope of every Cloudflare API.
#[derive(Deserialize)]
struct WireAnswer {
    success: bool,
    #[serde(default)]
    errors: Vec<WireError>,
    #[serde(default)]
    result: Option<WireResult>,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: i64,
    #[serde(default)]
    message: String,
}

/// The recipients by what became of them.
#[derive(Deserialize)]
struct WireResult {
    #[serde(default)]
    delivered: Vec<String>,
    #[serde(default)]
    permanent_bounces: Vec<String>,
    #[serde(default)]
    queued: Vec<String>,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let Ok(told) = crate::http::json::<WireAnswer>(&response.body) else {
        return answer::by_status(response, now);
    };
    if (200..=299).contains(&status) && told.success {
        // One recipient a request: a bounced one is ours.
        let bounced = told.result.is_some_and(|result| {
            !result.permanent_bounces.is_empty() && result.delivered.is_empty() && result.queued.is_empty()
        });
        return if bounced {
            answer::refused(answer::reason(status, "the address bounced at once"))
        } else {
            Outcome::Accepted(None)
        };
    }
    let Some(WireError { code, message }) = told.errors.into_iter().next() else {
        return answer::by_status(response, now);
    };
    let reason = answer::reason(status, &format!("{code} {message}"));
    match (status, code) {
        (429, _) | (_, 10_004) => answer::slow_down(answer::retry_after(&response.headers, now)),
        // The service that checks tokens is away: nothing was looked at.
        (_, 10_100) => answer::slow_down(None),
        // Invalid schema, too big, no length, invalid content.
        (_, 10_001 | 10_200 | 10_201 | 10_202) | (413, _) => answer::refused(reason),
        (500.., 10_003) => answer::misconfigured(reason),
        (408 | 409 | 425 | 500.., _) => Outcome::Unknown(reason),
        _ => answer::misconfigured(reason),
    }
}
