//! DashaMail: the method `transactional.send`, one email a request.
//!
//! Called through `ProviderKind`. There are no batches and no idempotency keys. The API wants its key in the body; the
//! kept bytes are without it, and it is put in front of them as the request is made. The HTTP status says nothing: errors
//! come with 200. Sources: `https://dashamail.ru/transactional/`, github.com/kra-so/dashamail-go.

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::{Api, Capabilities, Idempotency, told, wire};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Request, Response};

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
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

fn wire_email(email: &OutgoingEmail) -> Result<Json<'_>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    // There is no field for it.
    let reply_to = reply_to.map(|reply_to| ("Reply-To", reply_to.into()));
    let headers = reply_to.into_iter().chain(wire::headers(email)).collect();
    Ok(Json::Object(vec![
        ("to", to.into()),
        ("from_email", from.address().as_str().to_owned().into()),
        ("from_name", Json::filled(from.name().to_owned())),
        ("subject", (&email.subject).into()),
        ("message", (&email.html).into()),
        ("plain_text", (&email.text).into()),
        ("headers", Json::some(headers)),
        // Tracking is on unless it is turned off; links in our mails are signed and counted by ourselves.
        ("no_track_opens", Json::Flag(true)),
        ("no_track_clicks", Json::Flag(true)),
    ]))
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let not_ours = || Error::Json("the kept bytes are no object".to_owned());
    let fields = body.strip_prefix(b"{").ok_or_else(not_ours)?;
    let mut sent = b"{\"api_key\":".to_vec();
    sent.extend(wire::json(&account.key().into())?);
    sent.push(b',');
    sent.extend_from_slice(fields);
    let url = format!("{}/?method=transactional.send&format=JSON", account.url());
    Ok(wire::post(url, None, sent))
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// `{"response": {"msg": {"err_code": 0, "text": "OK"}, "data": {"transaction_id": "…"}}}`; `data` of an error is `[]`.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    if status == 429 {
        return answer::slow_down(answer::retry_after(&response.headers, now));
    }
    let told = told::by(response);
    let Some(code) = told::number(&told, "/response/msg/err_code") else {
        return answer::by_status(response, now);
    };
    let text = told::text(&told, "/response/msg/text");
    let reason = answer::reason(status, &format!("{code} {text}"));
    let about_sender = answer::mentions(text, &["from_email", "отправител", "домен"]);
    match code {
        0 => answer::accepted(Some(told::text(&told, "/response/data/transaction_id"))),
        _ if !about_sender && answer::mentions(text, &["получател", "адрес", "email"]) => {
            answer::refused(reason)
        }
        // 2 is a wrong key. The other codes are not published; a mail that is kept can be sent later, one that has
        // failed cannot.
        _ => answer::misconfigured(reason),
    }
}
