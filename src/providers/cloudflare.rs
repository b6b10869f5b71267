//! Cloudflare Email Service: `POST /accounts/<id>/email/sending/send`, one email a request, transactional mail only.
//!
//! Called through `ProviderKind`, and never chosen for marketing: its terms exclude it. There are no batches, no
//! idempotency keys and no ids in answers; our message id travels in the `X-Wend-Message` header alone. Sources, below
//! `https://developers.cloudflare.com/email-service`: `/api/send-emails/rest-api/`, `/reference/headers/`,
//! `/examples/email-sending/recipients/`.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::{Api, Capabilities, Idempotency, quota, told, wire};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};

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
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    Ok(Json::Object(vec![
        ("to", to.into()),
        (
            "from",
            if from.name().is_empty() {
                from.address().as_str().to_owned().into()
            } else {
                wire::mailbox(["address", "name"], &from)
            },
        ),
        ("reply_to", reply_to.into()),
        ("subject", (&email.subject).into()),
        ("html", (&email.html).into()),
        ("text", (&email.text).into()),
        ("headers", Json::some(wire::headers(email))),
    ]))
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

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// The envelope of every Cloudflare API, `{"success": …, "errors": [{"code": …, "message": "…"}], "result": …}`, in which the
/// result names the recipients by what became of them.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = told::by(response);
    let Some(success) = told::flag(&told, "/success") else {
        return answer::by_status(response, now);
    };
    if (200..=299).contains(&status) && success {
        // One recipient a request: a bounced one is ours.
        let any = |name| !told::list(&told, name).is_empty();
        let bounced = any("/result/permanent_bounces") && !any("/result/delivered") && !any("/result/queued");
        return if bounced {
            answer::refused(answer::reason(status, "the address bounced at once"))
        } else {
            Outcome::Accepted(None)
        };
    }
    if told::list(&told, "/errors").is_empty() {
        return answer::by_status(response, now);
    }
    let code = told::number(&told, "/errors/0/code").unwrap_or_default();
    let reason = answer::reason(
        status,
        &format!("{code} {}", told::text(&told, "/errors/0/message")),
    );
    match (status, code) {
        (429, _) | (_, 10_004) => quota::or_rate(&reason, answer::retry_after(&response.headers, now), now),
        // The service that checks tokens is away: nothing was looked at.
        (_, 10_100) => answer::slow_down(None),
        // Invalid schema, too big, no length, invalid content.
        (_, 10_001 | 10_200 | 10_201 | 10_202) | (413, _) => answer::refused(reason),
        (500.., 10_003) => answer::misconfigured(reason),
        _ => answer::by_words(status, reason, true),
    }
}
