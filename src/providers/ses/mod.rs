//! Amazon SES, API version 2: `POST /v2/email/outbound-emails`, one email a request, signed by SigV4.
//!
//! Called through `ProviderKind`. Its bulk call takes stored templates only, so there are no batches for us, and there
//! are no idempotency keys. The body is kept; the signature around it has the time in it and is made anew. Source: the
//! service's own description, `sesv2/2019-09-27/service-2.json` in github.com/boto/botocore.

mod answers;
mod events;
mod sns;

use super::account::{Account, Setting};
use super::envelope::{self, Envelope, envelope};
use super::json::Json;
use super::registry::Error;
use super::wire::{self, Metadata, USER_AGENT};
use super::{Api, Capabilities, Idempotency};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::outcome::Rejection;
use crate::domain::time::Timestamp;
use crate::http::{Headers, Method, Request};
use crate::signing::sigv4::{self, Credentials, Signed};

const REGION: &str = "SES_REGION";
const ACCESS_KEY_ID: &str = "SES_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "SES_SECRET_ACCESS_KEY";
const CONFIGURATION_SET: &str = "SES_CONFIGURATION_SET";

const PATH: &str = "/v2/email/outbound-emails";

/// Shapes `MessageHeaderList`, `MessageHeaderName` and `MessageHeaderValue`.
const HEADERS_MAX: usize = 15;
const HEADER_NAME_MAX: usize = 126;
const HEADER_VALUE_MAX: usize = 995;

/// Shape `MessageTagValue`: at most 256 ASCII letters, digits, `_` and `-`.
const TAG_MAX: usize = 256;

pub const API: Api = Api {
    name: "ses",
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
        Setting::made("SES_URL", "base address, else made of the region"),
        Setting::secret(ACCESS_KEY_ID, "id of an access key that may `ses:SendEmail`"),
        Setting::secret(SECRET_ACCESS_KEY, "its secret"),
        Setting::text(REGION, "region, as `eu-west-1`"),
        Setting::optional(CONFIGURATION_SET, "configuration set that publishes the events"),
        Setting::proof(sns::TOPIC_ARN, "ARNs of the SNS topics that events may come by"),
    ],
    refusal: |email| wire_email(&Account::default(), email).err(),
    body: |account, _, members| wire::json(&wire::only(members, |email| wire_email(account, email))?),
    repeat: Some(repeat),
    read: answers::read,
    rate_hint: |_, _| None,
    events: Some(&events::EVENTS),
};

/// The words of a header, and of a tag of an event.
const NAMED: [&str; 2] = ["Name", "Value"];

fn wire_email<'a>(account: &Account, email: &'a OutgoingEmail) -> Result<Json<'a>, Rejection> {
    let Envelope { to, from, reply_to } = envelope(email)?;
    check_headers(email)?;
    let Metadata {
        message,
        journey,
        step,
    } = Metadata::of(email);
    let text = |data| wire::pair(["Data", "Charset"], data, "UTF-8".into());
    let tag =
        |name: &'static str, value: &str| wire::pair(NAMED, name.into(), wire::word(value, TAG_MAX).into());
    let headers = wire::header_list(email, NAMED);
    let simple = Json::Object(vec![
        ("Subject", text((&email.subject).into())),
        (
            "Body",
            wire::pair(
                ["Text", "Html"],
                text((&email.text).into()),
                text((&email.html).into()),
            ),
        ),
        (
            "Headers",
            if headers.is_empty() {
                Json::Absent
            } else {
                Json::List(headers)
            },
        ),
    ]);
    let tags = vec![
        tag("message", &message),
        tag("journey", &journey),
        tag("step", &step),
    ];
    let alone = |name, value| Json::Object(vec![(name, value)]);
    let listed = |address: String| Json::List(vec![address.into()]);
    Ok(Json::Object(vec![
        // "The name must be encoded by RFC 2047 if it has letters beyond ASCII", says `FromEmailAddress`.
        ("FromEmailAddress", envelope::encoded_mailbox(&from).into()),
        ("Destination", alone("ToAddresses", listed(to))),
        ("ReplyToAddresses", reply_to.map(listed).into()),
        ("Content", alone("Simple", simple)),
        ("EmailTags", Json::List(tags)),
        (
            "ConfigurationSetName",
            Json::filled(account.get(CONFIGURATION_SET).to_owned()),
        ),
    ]))
}

fn check_headers(email: &OutgoingEmail) -> Result<(), Rejection> {
    envelope::check_ascii_headers(email)?;
    let fits = |(name, value): &(String, String)| {
        name.len() <= HEADER_NAME_MAX && !value.is_empty() && value.len() <= HEADER_VALUE_MAX
    };
    if email.headers.len() > HEADERS_MAX {
        return Err(Rejection::Message(format!(
            "it has more than {HEADERS_MAX} headers"
        )));
    }
    match email.headers.iter().find(|header| !fits(header)) {
        Some((name, _)) => Err(Rejection::Message(format!(
            "the header {name} is empty or too long"
        ))),
        None => Ok(()),
    }
}

fn repeat(account: &Account, _: &str, body: Vec<u8>, _: usize, now: Timestamp) -> Result<Request, Error> {
    let region = account.get(REGION);
    let base = match account.url() {
        "" => format!("https://email.{region}.amazonaws.com"),
        set => set.to_owned(),
    };
    let url = format!("{base}{PATH}");
    // What is signed is what arrives: a base address may have a path of its own.
    let after_scheme = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
    let (host, path) = after_scheme
        .find('/')
        .map_or((after_scheme, PATH), |at| after_scheme.split_at(at));
    let date = sigv4::date(now);
    let authorization = sigv4::authorization(
        Credentials {
            access_key_id: account.get(ACCESS_KEY_ID),
            secret_access_key: account.get(SECRET_ACCESS_KEY),
            region,
            service: "ses",
        },
        Signed {
            method: Method::Post,
            path,
            headers: &[
                ("content-type", "application/json"),
                ("host", host),
                ("x-amz-date", &date),
            ],
            body: &body,
        },
        &date,
    );
    let headers = Headers::new()
        .with("Authorization", &authorization)
        .with("Content-Type", "application/json")
        .with("User-Agent", USER_AGENT)
        .with("X-Amz-Date", &date);
    Ok(Request {
        method: Method::Post,
        url,
        headers,
        body,
    })
}
