//! A provider in memory, and one that fails when told to: a Resend, which takes each key once in 24 hours, or a Postmark, which
//! takes whatever comes.

mod dialect;

use super::error::Failure;
use crate::domain::time::{Delay, Timestamp};
use crate::http::{self, Request, Response};
use dialect::Dialect;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const KEY_WINDOW: Delay = Delay::from_hours(24);

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No answer, and nothing taken.
    Lost,
    /// Taken, but the answer gets lost.
    Silent,
    /// 500, and nothing taken.
    Broken,
    /// 429, with a wait of a minute.
    Busy,
    /// 401: our key is wrong.
    Unauthorised,
    /// 422: it will never take this message.
    Refused,
}

impl Fault {
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Lost => "no answer, nothing taken",
            Self::Silent => "taken, but no answer",
            Self::Broken => "500",
            Self::Busy => "429",
            Self::Unauthorised => "401",
            Self::Refused => "422",
        }
    }
}

/// A mail it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub at: Timestamp,
    /// A request without one has its number.
    pub key: String,
    /// A provider that knows no keys took it.
    pub keyless: bool,
    pub message: String,
    pub step: String,
    pub to: String,
    /// Requests with this key before whose fate was left open; without keys, requests with this message. One that was refused goes
    /// through the gate again.
    pub doubted_before: u32,
}

#[derive(Default)]
pub struct Provider {
    keys: BTreeMap<String, (Timestamp, Vec<u8>)>,
    /// How often the fate of a request was left open, by its key or its messages, for ever.
    doubts: BTreeMap<String, u32>,
    /// Messages of all requests, with the time of the first.
    pub asked: BTreeMap<String, Timestamp>,
    /// Those of requests whose fate was left open.
    pub left_open: BTreeSet<String>,
    /// Keys that came with other bytes than before.
    pub mismatched: Vec<String>,
    pub faults: VecDeque<Fault>,
    pub taken: Vec<Taken>,
    pub requests: usize,
}

impl Provider {
    /// Answers a request; none when no answer comes.
    ///
    /// # Errors
    /// When the request is not one that Wend makes.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Result<Option<Response>, Failure> {
        self.requests += 1;
        let dialect = Dialect::of(request)?;
        let fault = self.faults.pop_front();
        let response = self.respond(&dialect, request, fault, now)?;
        let messages = messages(&dialect, request)?;
        for message in &messages {
            self.asked.entry(message.clone()).or_insert(now);
        }
        if matches!(fault, Some(Fault::Lost | Fault::Broken | Fault::Silent)) {
            let doubted = match &dialect {
                Dialect::Keyed(key) => vec![key.clone()],
                Dialect::Keyless => messages.clone(),
            };
            for name in doubted {
                let doubts = self.doubts.entry(name).or_default();
                *doubts = doubts.saturating_add(1);
            }
            self.left_open.extend(messages);
        }
        Ok(response)
    }

    fn respond(
        &mut self,
        dialect: &Dialect,
        request: &Request,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Result<Option<Response>, Failure> {
        let (status, name, code) = match fault {
            Some(Fault::Lost) => return Ok(None),
            Some(Fault::Broken) => (500, "internal_server_error", 0),
            Some(Fault::Busy) => (429, "rate_limit_exceeded", 429),
            Some(Fault::Unauthorised) => (401, "missing_api_key", 10),
            Some(Fault::Refused) => (422, "validation_error", 300),
            Some(Fault::Silent) | None => {
                let response = self.take(dialect, request, now)?;
                return Ok((fault != Some(Fault::Silent)).then_some(response));
            }
        };
        let wait: &[(&str, &str)] = match fault {
            Some(Fault::Busy) => &[("retry-after", "60")],
            Some(_) | None => &[],
        };
        Ok(Some(dialect.error(status, name, code, wait)))
    }

    /// How often the fate of a request was left open, by its key, or by its message where it knows no keys.
    pub fn doubts_about(&self, name: &str) -> u32 {
        self.doubts.get(name).copied().unwrap_or_default()
    }

    /// Forgets the keys whose time is over, as a provider does: a long simulation would keep every body.
    pub fn forget(&mut self, now: Timestamp) {
        self.keys.retain(|_, (at, _)| now.since(*at) < KEY_WINDOW);
    }

    fn take(&mut self, dialect: &Dialect, request: &Request, now: Timestamp) -> Result<Response, Failure> {
        let mails = mails(request)?;
        let number = format!("request-{}", self.requests);
        let key = match dialect {
            Dialect::Keyed(key) => key.clone(),
            Dialect::Keyless => number,
        };
        let known = self.keys.get(&key).filter(|(at, _)| now.since(*at) < KEY_WINDOW);
        match known {
            Some((_, body)) if *body != request.body => {
                self.mismatched.push(key);
                return Ok(dialect.error(409, "invalid_idempotent_request", 0, &[]));
            }
            Some(_) => {}
            None => {
                self.keys.insert(key.clone(), (now, request.body.clone()));
                for mail in &mails {
                    let mail = dialect.addressed(mail);
                    let mail = mail.ok_or(Failure::Provider("a mail lacks its tags"))?;
                    let keyless = *dialect == Dialect::Keyless;
                    let doubted = if keyless { &mail.message } else { &key };
                    self.taken.push(Taken {
                        at: now,
                        doubted_before: self.doubts.get(doubted).copied().unwrap_or_default(),
                        key: key.clone(),
                        keyless,
                        message: mail.message,
                        step: mail.step,
                        to: mail.to,
                    });
                }
            }
        }
        let ids = (0..mails.len()).map(|at| format!("{key}-{at}"));
        Ok(dialect.taken(ids, request.url.ends_with("/batch")))
    }
}

fn mails(request: &Request) -> Result<Vec<Value>, Failure> {
    Ok(match http::json(&request.body)? {
        Value::Array(mails) => mails,
        mail => vec![mail],
    })
}

/// The messages that it carries.
fn messages(dialect: &Dialect, request: &Request) -> Result<Vec<String>, Failure> {
    let mails = mails(request)?.into_iter();
    Ok(mails
        .filter_map(|mail| Some(dialect.addressed(&mail)?.message))
        .collect())
}
