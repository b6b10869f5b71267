//! `/c/<token>` and `/o/<token>`: a click is led on, a picture shown, at once and whatever becomes of the telling. That goes on
//! when the answer has gone, and is done again where it fails: nobody who clicks waits for us, or sees us fail.

use super::error::Error;
use super::peers::Peers;
use super::routes::{Visit, wrong_method};
use super::{log, tokens};
use crate::domain::ids::MessageId;
use crate::http::Method;
use crate::render::links::Purpose;
use crate::turn::call::{Call, Seen};
use crate::turn::seen::sighting;
use serde_json::json;
use std::rc::Rc;
use std::time::Duration;
use worker::{Headers, Response, ResponseBody, Url};

/// A transparent picture of one pixel: GIF89a, the smallest that every mail program shows.
const PIXEL: [u8; 43] = [
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff,
    0xff, 0xff, 0x21, 0xf9, 0x04, 0x01, 0x00, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00,
    0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00, 0x3b,
];
/// How often a shard is told. The platform lets us go on for half a minute, and a shard may take ten seconds to answer.
const ATTEMPTS: u32 = 2;
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);

/// `/c/<token>`: on to where the link leads. HEAD is led on too, and tells of nothing: no browser asks so.
///
/// # Errors
/// When a page cannot be rendered.
pub fn click(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let keys = visit.settings.link_keys.as_ref();
    // What nobody signed leads nowhere, and no object is called for it.
    let clicked = keys.and_then(|keys| keys.verify_click(token).ok());
    let Some((message, target, location)) = clicked.and_then(|(message, target)| {
        let location = location(&target)?;
        Some((message, target, location))
    }) else {
        return tokens::not_valid(visit);
    };
    match visit.request.method {
        Method::Get => tell(visit, message, Some(&target)),
        Method::Head => {}
        Method::Post | Method::Put | Method::Delete | Method::Options | Method::Other => {
            return wrong_method("GET, HEAD");
        }
    }
    let headers = Headers::new();
    headers.set("location", &location)?;
    Ok(Response::empty()?.with_status(302).with_headers(headers))
}

/// `/o/<token>`: the picture, for whatever token: a mail must not show a broken one.
///
/// # Errors
/// When the answer cannot be made.
pub fn open(visit: &Visit<'_>, token: &str) -> Result<Response, Error> {
    let keys = visit.settings.link_keys.as_ref();
    let message = keys.and_then(|keys| keys.verify(Purpose::Open, token).ok());
    match (visit.request.method, message) {
        (Method::Get, Some(named)) => tell(visit, named.message, None),
        (Method::Get | Method::Head, _) => {}
        (Method::Post | Method::Put | Method::Delete | Method::Options | Method::Other, _) => {
            return wrong_method("GET, HEAD");
        }
    }
    let headers = Headers::new();
    headers.set("content-type", "image/gif")?;
    headers.set("content-length", &PIXEL.len().to_string())?;
    let body = if visit.request.method == Method::Head {
        ResponseBody::Empty
    } else {
        ResponseBody::Body(PIXEL.to_vec())
    };
    Ok(Response::from_body(body)?.with_headers(headers))
}

/// The address as a header may hold it: byte for byte, or as a browser would write what is beyond ASCII.
fn location(target: &str) -> Option<String> {
    if target.is_ascii() {
        return Some(target.to_owned());
    }
    Url::parse(target).ok().map(String::from)
}

/// Tells the message's shard, once the answer has gone.
fn tell(visit: &Visit<'_>, message: MessageId, url: Option<&str>) {
    let headers = &visit.request.headers;
    let Ok(mut event) = sighting(message, url, headers.get("user-agent"), visit.now) else {
        return;
    };
    // A browser that fetches a page ahead says so; nobody has clicked yet.
    event.machine = ["sec-purpose", "purpose", "x-moz"]
        .iter()
        .filter_map(|name| headers.get(name))
        .any(|purpose| purpose.contains("prefetch"));
    let (env, settings, now) = (visit.env.clone(), Rc::clone(&visit.settings), visit.now);
    visit.context.wait_until(async move {
        let Some(shard) = event
            .message
            .as_ref()
            .map(|message| settings.shards.of_message(message))
        else {
            return;
        };
        let peers = Peers {
            env: &env,
            settings,
            now,
            origin: None,
        };
        let seen = Box::new(Seen {
            event,
            beside: Vec::new(),
        });
        for attempt in 1..=ATTEMPTS {
            let Err(error) = peers.shard(shard, Call::See(seen.clone())).await else {
                return;
            };
            log::error(
                "click or open not taken",
                json!({ "message": seen.event.message, "attempt": attempt, "error": error.for_log() }),
            );
            worker::Delay::from(BETWEEN_ATTEMPTS).await;
        }
    });
}
