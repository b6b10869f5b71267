//! The two APIs that the pretend provider speaks: Resend's, which knows keys, and Postmark's, which takes whatever comes.
//!
//! Called by the provider for every request; it decides nothing about what is taken.

use crate::http::{Headers, Request, Response};
use crate::simulation::error::Failure;
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// A key is taken once in 24 hours.
    Keyed(String),
    Keyless,
}

/// What a mail says of itself.
pub struct Addressed {
    pub message: String,
    pub step: String,
    pub to: String,
}

impl Dialect {
    /// # Errors
    /// When the request is not one that Wend makes.
    pub fn of(request: &Request) -> Result<Self, Failure> {
        if request.headers.get("x-postmark-server-token").is_some() {
            return Ok(Self::Keyless);
        }
        let key = request.headers.get("idempotency-key");
        let key = key.ok_or(Failure::Provider("it has no idempotency key"))?;
        Ok(Self::Keyed(key.to_owned()))
    }

    pub fn addressed(&self, mail: &Value) -> Option<Addressed> {
        let text = |pointer: &str| Some(mail.pointer(pointer)?.as_str()?.to_owned());
        match self {
            Self::Keyed(_) => {
                let tags = mail.get("tags")?.as_array()?;
                let tag = |name: &str| {
                    let mut tags = tags.iter();
                    let tag = tags.find(|tag| tag.get("name").is_some_and(|held| held == name))?;
                    Some(tag.get("value")?.as_str()?.to_owned())
                };
                Some(Addressed {
                    message: tag("message")?,
                    step: tag("step")?,
                    to: text("/to/0")?,
                })
            }
            Self::Keyless => Some(Addressed {
                message: text("/Metadata/message")?,
                step: text("/Metadata/step")?,
                to: text("/To")?,
            }),
        }
    }

    /// That the mails of a request were taken, under these ids.
    pub fn taken(&self, ids: impl Iterator<Item = String>, batch: bool) -> Response {
        let results: Vec<Value> = match self {
            Self::Keyed(_) => ids.map(|id| json!({ "id": id })).collect(),
            Self::Keyless => ids
                .map(|id| json!({ "ErrorCode": 0, "Message": "OK", "MessageID": id }))
                .collect(),
        };
        let body = match self {
            Self::Keyed(_) if batch => json!({ "data": results }),
            Self::Keyless if batch => results.into(),
            Self::Keyed(_) | Self::Keyless => results.into_iter().next().unwrap_or_default(),
        };
        answer(200, &body, &[])
    }

    /// That nothing was taken: Resend's name of it, Postmark's code.
    pub fn error(&self, status: u16, name: &str, code: u16, headers: &[(&str, &str)]) -> Response {
        let body = match self {
            Self::Keyed(_) => json!({ "statusCode": status, "name": name, "message": name }),
            Self::Keyless => json!({ "ErrorCode": code, "Message": name }),
        };
        answer(status, &body, headers)
    }
}

fn answer(status: u16, body: &Value, headers: &[(&str, &str)]) -> Response {
    let headers = headers
        .iter()
        .fold(Headers::new(), |all, (name, value)| all.with(name, value));
    Response {
        status,
        headers,
        body: body.to_string().into_bytes(),
    }
}
