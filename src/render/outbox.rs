//! The dev outbox: what would have reached people, and what was kept back, with the clock to run weeks in a second.
//!
//! The edge calls it for `/dev/outbox` and `/dev/outbox.json`, which exist only where no provider can reach anybody.
//! It shows addresses and whole mails, so it must never be part of a production answer.

use crate::domain::email::EmailAddress;
use crate::domain::ids::{EmailName, JourneyId, MessageId, StepId};
use crate::domain::mail::OutgoingEmail;
use crate::domain::message::Stream;
use crate::domain::time::{Delay, Timestamp};
use askama::Template;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// Most mails the page lists; the JSON has them all.
const MAX_LISTED: usize = 200;

/// Value of `Content-Security-Policy` for the page. The mail's frame inherits it, hence the images.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     img-src https: http: data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// One mail of the outbox. Serialises to exactly the fields of `/dev/outbox.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMail {
    pub id: MessageId,
    pub to: EmailAddress,
    pub subject: String,
    pub html: String,
    pub text: String,
    pub headers: BTreeMap<String, String>,
    pub stream: Stream,
    pub journey: JourneyId,
    pub step: StepId,
    #[serde(serialize_with = "rfc3339", deserialize_with = "from_rfc3339")]
    pub sent_at: Timestamp,
}

/// A message that was not sent, or not yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    pub to: Option<EmailAddress>,
    pub email: EmailName,
    pub journey: JourneyId,
    pub step: StepId,
    pub fate: Fate,
    /// In words for people.
    pub reason: String,
}

/// Someone who left a journey before its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftRow {
    pub to: Option<EmailAddress>,
    pub journey: JourneyId,
    /// The step they stood on.
    pub step: StepId,
    pub at: Timestamp,
    /// In words for people.
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fate {
    /// Never to be sent, decided at this time.
    Dropped(Timestamp),
    /// Looked at again at this time.
    HeldUntil(Timestamp),
}

/// What the page shows.
#[derive(Debug, Clone, Copy)]
pub struct OutboxPage<'a> {
    /// Of the dev clock.
    pub now: Timestamp,
    /// `http://127.0.0.1:8787`, for the commands of the empty page.
    pub origin: &'a str,
    /// Oldest first, as in the JSON; the page turns them round.
    pub mails: &'a [OutboxMail],
    /// `?id=` of the request; the newest is shown without one.
    pub selected: Option<&'a str>,
    pub held: &'a [HeldRow],
}

#[derive(Template)]
#[template(path = "pages/outbox.html")]
struct View<'a> {
    now: String,
    now_seconds: i64,
    now_rfc3339: String,
    origin: &'a str,
    total: usize,
    rows: Vec<Row<'a>>,
    open: Option<Open<'a>>,
    /// Whether the reader asked for this mail: on a phone the list gives way to it.
    chosen: bool,
    held: Vec<Held<'a>>,
}

struct Row<'a> {
    mail: &'a OutboxMail,
    age: String,
    open: bool,
}

struct Open<'a> {
    mail: &'a OutboxMail,
    sent: String,
    document: String,
}

struct Held<'a> {
    row: &'a HeldRow,
    fate: &'static str,
    when: String,
}

impl OutboxMail {
    /// The mail with its own headers, and `From` and `Reply-To`, which the JSON has no fields for.
    pub fn new(mail: &OutgoingEmail, sent_at: Timestamp) -> Self {
        let mut headers: BTreeMap<String, String> = mail.headers.iter().cloned().collect();
        headers.insert("From".to_owned(), mail.from.to_string());
        if let Some(reply_to) = &mail.reply_to {
            headers.insert("Reply-To".to_owned(), reply_to.as_str().to_owned());
        }
        Self {
            id: mail.message.clone(),
            to: mail.to.clone(),
            subject: mail.subject.clone(),
            html: mail.html.clone(),
            text: mail.text.clone(),
            headers,
            stream: mail.stream,
            journey: mail.journey.clone(),
            step: mail.step.clone(),
            sent_at,
        }
    }
}

impl OutboxPage<'_> {
    /// # Errors
    /// Only if a template fails, which writing to a string does not.
    pub fn render(&self) -> askama::Result<String> {
        let asked = self
            .mails
            .iter()
            .find(|mail| self.selected == Some(mail.id.as_str()));
        let open = asked.or(self.mails.last());
        let rows = self.mails.iter().rev().take(MAX_LISTED).map(|mail| Row {
            mail,
            age: age(self.now.since(mail.sent_at)),
            open: open.is_some_and(|open| open.id == mail.id),
        });
        let held = self.held.iter().map(|row| match row.fate {
            Fate::Dropped(at) => Held {
                row,
                fate: "dropped",
                when: clock(at),
            },
            Fate::HeldUntil(at) => Held {
                row,
                fate: "held",
                when: format!("until {}", clock(at)),
            },
        });
        View {
            now: clock(self.now),
            now_seconds: self.now.as_seconds(),
            now_rfc3339: self.now.to_rfc3339(),
            origin: self.origin,
            total: self.mails.len(),
            rows: rows.collect(),
            open: open.map(|mail| Open {
                mail,
                sent: clock(mail.sent_at),
                document: document(&mail.html),
            }),
            chosen: asked.is_some(),
            held: held.collect(),
        }
        .render()
    }
}

/// The mail for its frame: links open in a new tab, since the frame itself may not navigate.
fn document(html: &str) -> String {
    html.replacen("<head>", "<head><base target=\"_blank\">", 1)
}

/// `Sat 21 Mar 2026, 10:05`, in UTC.
fn clock(at: Timestamp) -> String {
    at.to_chrono().format("%a %-d %b %Y, %H:%M").to_string()
}

fn age(delay: Delay) -> String {
    let minutes = delay.as_millis() / 60_000;
    match minutes {
        0 => "just now".to_owned(),
        1..60 => format!("{minutes} min ago"),
        60..1440 => format!("{} h ago", minutes / 60),
        _ => format!("{} d ago", minutes / 1440),
    }
}

fn from_rfc3339<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(deserializer)?;
    Timestamp::parse_rfc3339(&text).map_err(serde::de::Error::custom)
}

fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_rfc3339())
}
