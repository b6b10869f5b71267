//! A Resend in memory: takes each key once in 24 hours, and fails when told to.

use super::error::Failure;
use crate::domain::time::{Delay, Timestamp};
use crate::http::{self, Headers, Request, Response};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

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
    pub key: String,
    pub message: String,
    pub step: String,
    pub to: String,
    /// Requests with this key before whose fate was left open. One that was refused goes through the gate again.
    pub doubted_before: u32,
}

#[derive(Default)]
pub struct Provider {
    keys: BTreeMap<String, (Timestamp, Vec<u8>)>,
    /// How often the fate of a request was left open, by its key, for ever.
    doubts: BTreeMap<String, u32>,
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
        let key = request.headers.get("idempotency-key").unwrap_or_default();
        let fault = self.faults.pop_front();
        let response = self.respond(request, fault, now)?;
        if matches!(fault, Some(Fault::Lost | Fault::Broken | Fault::Silent)) {
            let doubts = self.doubts.entry(key.to_owned()).or_default();
            *doubts = doubts.saturating_add(1);
        }
        Ok(response)
    }

    fn respond(
        &mut self,
        request: &Request,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Result<Option<Response>, Failure> {
        match fault {
            Some(Fault::Lost) => return Ok(None),
            Some(Fault::Broken) => return Ok(Some(error(500, "internal_server_error", &[]))),
            Some(Fault::Busy) => {
                let wait = [("retry-after", "60")];
                return Ok(Some(error(429, "rate_limit_exceeded", &wait)));
            }
            Some(Fault::Unauthorised) => return Ok(Some(error(401, "missing_api_key", &[]))),
            Some(Fault::Refused) => return Ok(Some(error(422, "validation_error", &[]))),
            Some(Fault::Silent) | None => {}
        }
        let response = self.take(request, now)?;
        Ok((fault != Some(Fault::Silent)).then_some(response))
    }

    /// Forgets the keys whose time is over, as a provider does: a long simulation would keep every body.
    pub fn forget(&mut self, now: Timestamp) {
        self.keys.retain(|_, (at, _)| now.since(*at) < KEY_WINDOW);
    }

    fn take(&mut self, request: &Request, now: Timestamp) -> Result<Response, Failure> {
        let key = request
            .headers
            .get("idempotency-key")
            .ok_or(Failure::Provider("it has no idempotency key"))?
            .to_owned();
        let mails: Vec<Value> = match http::json(&request.body)? {
            Value::Array(mails) => mails,
            mail => vec![mail],
        };
        let known = self.keys.get(&key).filter(|(at, _)| now.since(*at) < KEY_WINDOW);
        match known {
            Some((_, body)) if *body != request.body => {
                self.mismatched.push(key);
                return Ok(error(409, "invalid_idempotent_request", &[]));
            }
            Some(_) => {}
            None => {
                self.keys.insert(key.clone(), (now, request.body.clone()));
                let doubted_before = self.doubts.get(&key).copied().unwrap_or_default();
                for mail in &mails {
                    let taken = taken(mail, &key, now, doubted_before)
                        .ok_or(Failure::Provider("a mail lacks its tags"))?;
                    self.taken.push(taken);
                }
            }
        }
        let ids: Vec<Value> = (0..mails.len())
            .map(|at| serde_json::json!({ "id": format!("{key}-{at}") }))
            .collect();
        let body = if request.url.ends_with("/batch") {
            serde_json::json!({ "data": ids })
        } else {
            ids.into_iter().next().unwrap_or_default()
        };
        Ok(Response {
            status: 200,
            headers: Headers::new(),
            body: body.to_string().into_bytes(),
        })
    }
}

fn taken(mail: &Value, key: &str, now: Timestamp, doubted_before: u32) -> Option<Taken> {
    let tags = mail.get("tags")?.as_array()?;
    let tag = |name: &str| {
        let tag = tags
            .iter()
            .find(|tag| tag.get("name").is_some_and(|held| held == name))?;
        Some(tag.get("value")?.as_str()?.to_owned())
    };
    Some(Taken {
        at: now,
        key: key.to_owned(),
        message: tag("message")?,
        step: tag("step")?,
        to: mail.get("to")?.get(0)?.as_str()?.to_owned(),
        doubted_before,
    })
}

fn error(status: u16, name: &str, headers: &[(&str, &str)]) -> Response {
    let body = serde_json::json!({ "statusCode": status, "name": name, "message": name });
    let headers = headers
        .iter()
        .fold(Headers::new(), |all, (name, value)| all.with(name, value));
    Response {
        status,
        headers,
        body: body.to_string().into_bytes(),
    }
}
