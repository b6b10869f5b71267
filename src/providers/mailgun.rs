//! Mailgun (Sinch): `POST /v3/<domain>/messages`, one email a request, as a form.
//!
//! Called through `ProviderKind`. Its batches are one content with variables, so there are none for us, and there are no
//! idempotency keys. Sources: `https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages`, and
//! Anymail's backend for what the page leaves out (github.com/anymail/django-anymail, `anymail/backends/mailgun.py`).

mod events;

use super::account::{Account, Setting};
use super::answer::{self, Answer};
use super::envelope::{Envelope, envelope};
use super::registry::Error;
use super::wire::{self, Metadata, USER_AGENT};
use super::{Api, Capabilities, Idempotency, quota, told};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::{Outcome, Rejection};
use crate::domain::time::Timestamp;
use crate::http::{Headers, Method, Request, Response};
use crate::signing::BASE64;
use base64::Engine as _;

const DOMAIN: &str = "MAILGUN_DOMAIN";

pub const API: Api = Api {
    name: "mailgun",
    capabilities: Capabilities {
        batch_max: 1,
        idempotency: Idempotency::None,
        streams: &[Stream::Transactional, Stream::Marketing],
        own_unsubscribe: false,
        metadata: true,
        local: false,
        reaches_people: true,
        guarantee: "each message is taken once unless an answer is lost; what is then unknown is never repeated blindly, \
                    and is settled by `on_unknown`",
    },
    settings: &[
        Setting::url("MAILGUN_URL", "https://api.mailgun.net"),
        Setting::secret("MAILGUN_API_KEY", "sending key"),
        Setting::text(DOMAIN, "the domain mails are sent from"),
        Setting::proof(events::SIGNING_KEY, "HTTP webhook signing key"),
    ],
    refusal: |email| form(email).err(),
    body: |_, _, members| wire::only(members, form).map(String::into_bytes),
    repeat: Some(repeat),
    read,
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

/// The fields of the form. `h:` is a header, `v:` comes back in events, `o:` is an option; all tracking is off, as links
/// in our mails are signed and counted by ourselves.
fn form(email: &OutgoingEmail) -> Result<String, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    let Metadata {
        message,
        journey,
        step,
    } = Metadata::of(email);
    let mut form = String::new();
    let mut field = |name: &str, value: &str| {
        let and = if form.is_empty() { "" } else { "&" };
        form.push_str(and);
        encode(name, &mut form);
        form.push('=');
        encode(value, &mut form);
    };
    field("from", &from.to_string());
    field("to", &to);
    field("subject", &email.subject);
    field("text", &email.text);
    field("html", &email.html);
    if let Some(reply_to) = &reply_to {
        field("h:Reply-To", reply_to);
    }
    for (name, value) in &email.headers {
        field(&format!("h:{name}"), value);
    }
    field("o:tag", &wire::word(&journey, 128));
    field("o:tracking", "no");
    field("o:tracking-clicks", "no");
    field("o:tracking-opens", "no");
    field("v:message", &message);
    field("v:journey", &journey);
    field("v:step", &step);
    Ok(form)
}

/// As `application/x-www-form-urlencoded` has it, with every byte in doubt escaped.
fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0'));
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => into.push(char::from(byte)),
            b' ' => into.push('+'),
            _ => into.extend(['%', digit(byte >> 4), digit(byte & 15)]),
        }
    }
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, _: Timestamp) -> Result<Request, Error> {
    let mut domain = String::new();
    encode(account.get(DOMAIN), &mut domain);
    let basic = BASE64.encode(format!("api:{}", account.key()));
    Ok(Request {
        method: Method::Post,
        url: format!("{}/v3/{domain}/messages", account.url()),
        headers: Headers::new()
            .with("Authorization", &format!("Basic {basic}"))
            .with("Content-Type", "application/x-www-form-urlencoded")
            .with("User-Agent", USER_AGENT),
        body,
    })
}

fn read(response: &Response, members: usize, now: Timestamp) -> Answer {
    answer::whole(judge(response, now), members)
}

/// `{"id": "<…@…>", "message": "Queued. Thank you."}`; errors have the message only.
fn judge(response: &Response, now: Timestamp) -> Outcome {
    let status = response.status;
    let told = told::by(response);
    if !told.is_object() {
        // An address that is none of the API's answers 200 as well, and took nothing.
        let body = String::from_utf8_lossy(&response.body);
        if body.contains("Mailgun Magnificent API") {
            return answer::misconfigured(answer::reason(
                status,
                "MAILGUN_URL or MAILGUN_DOMAIN leads nowhere",
            ));
        }
        return answer::by_status(response, now);
    }
    let message = told::text(&told, "/message");
    let reason = answer::reason(status, message);
    let asked = || answer::retry_after(&response.headers, now);
    match status {
        // No words of the API's: some other JSON.
        300.. if message.is_empty() => answer::by_status(response, now),
        // Webhooks carry the id without its angle brackets.
        200..=299 => answer::accepted(Some(told::text(&told, "/id").trim_matches(['<', '>']))),
        429 => quota::or_rate(message, asked(), now),
        _ if message.contains("limit exceeded") => Outcome::RetryLater(quota::daily(asked(), now)),
        _ => answer::by_words(status, reason, answer::mentions(message, &ABOUT_ACCOUNT)),
    }
}

/// The texts are all there is: "from parameter is not a valid address", "Sandbox subdomains are for test purposes only",
/// "Domain … is not allowed to send".
const ABOUT_ACCOUNT: [&str; 5] = [
    "from parameter",
    "sandbox",
    "not allowed to send",
    "domain is disabled",
    "reply-to",
];
