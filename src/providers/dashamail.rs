//! DashaMail: the method `transactional.send`, one email a request.
//!
//! Called through `ProviderKind`. There are no batches and no idempotency keys. The API wants its key in the body; the
//! kept bytes are without it, and it is put in front of them as the request is made. The HTTP status says nothing: errors
//! come with 200. Sources: `https://dashamail.ru/transactional/`, github.com/kra-so/dashamail-go.

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
use serde_json::Value;

pub const API: Api = Api {
    name: "dashamail",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: false,
        metadata: false,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; what is then unknown is never repeated blindly, \
                    and is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("DASHAMAIL_URL", "https://api.dashamail.com"),
        Setting::secret("DASHAMAIL_API_KEY", "API key"),
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
    from_email: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    from_name: String,
    subject: &'a str,
    message: &'a str,
    plain_text: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_headers")]
    headers: Vec<(String, String)>,
    /// Tracking is on unless it is turned off; links in our mails are signed and counted by ourselves.
    no_track_opens: bool,
    no_track_clicks: bool,
}

fn as_headers<S: serde::Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    wire::as_object(headers, serializer)
}

fn wire_email(email: &OutgoingEmail) -> Result<WireEmail<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // There is no field for it.
    let reply_to = reply_to.map(|reply_to| ("Reply-To".to_owned(), reply_to));
    Ok(WireEmail {
        to,
        from_email: from.address().as_str().to_owned(),
        from_name: from.name().to_owned(),
        subject: &email.subject,
        message: &email.html,
        plain_text: &email.text,
        headers: reply_to
            .into_iter()
            .chain(email.headers.iter().cloned())
            .collect(),
        no_track_opens: true,
        no_track_clicks: true,
    })
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let not_ours = || Error::Json("the kept bytes are no object".to_owned());
    let fields = body.strip_prefix(b"{").ok_or_else(not_ours)?;
    let key = serde_json::to_string(account.key()).map_err(|error| Error::Json(error.to_string()))?;
    let mut sent = format!("{{\"api_key\":{key},").into_bytes();
    sent.extend_from_slice(fields);
    let url = format!("{}/?method=transactional.send&format=JSON", account.url());
    Ok(wire::post(url, None, sent))
}

/// `{"response": {"msg": {"err_code": 0, "text": "OK"}, "data": {"transaction_id": "…"}}}`; `data` of an error is `[]`.
#[derive(Deserialize)]
struct WireAnswer {
    response: WireResponse,
}

#[derive(Deserialize)]
struct WireResponse {
    msg: WireMessage,
    #[serde(default)]
    data: Value,
}

#[derive(Deserialize)]
struct WireMessage {
    err_code: i64,
    #[serde(default)]
    text: String,
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    if status == 429 {
        return answer::slow_down(answer::retry_after(&response.headers, now));
    }
    let Ok(WireAnswer { response: told }) = crate::http::json::<WireAnswer>(&response.body) else {
        return answer::by_status(response, now);
    };
    let WireMessage { err_code, text } = told.msg;
    let reason = answer::reason(status, &format!("{err_code} {text}"));
    match err_code {
        0 => answer::accepted(told.data.get("transaction_id").and_then(Value::as_str)),
        _ if about_recipient(&text) => answer::refused(reason),
        // 2 is a wrong key. The other codes are not published; a mail that is kept can be sent later, one that has
        // failed cannot.
        _ => answer::misconfigured(reason),
    }
}

fn about_recipient(text: &str) -> bool {
    let text = text.to_lowercase();
    let sender = ["from_email", "отправител", "домен"]
        .iter()
        .any(|words| text.contains(words));
    let recipient = ["получател", "адрес", "email"]
        .iter()
        .any(|words| text.contains(words));
    recipient && !sender
}
