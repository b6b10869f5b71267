//! A file of others as a stream: opened by its address, unpacked by the platform where it is packed, never held whole.
//!
//! Called for product feeds. Each address is checked before it is asked, those of redirects as well.

use super::error::Error;
use super::inflate::{call, construct};
use crate::domain::time::Delay;
use crate::domain::web_address;
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;
use std::pin::pin;
use std::time::Duration;
use worker::js_sys::Array;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{AbortController, ByteStream, Fetch, RequestInit, Response, ResponseBody};

/// How long a server may take for its headers, and then for each piece.
const PATIENCE: Delay = Delay::from_seconds(30);
const MAX_REDIRECTS: usize = 5;
/// Pieces are handed on in parts of this size: what one of them brings stays small.
const PART_BYTES: usize = 64 << 10;

/// What is asked for.
pub struct Wanted<'a> {
    pub url: &'a str,
    /// Of the file as it was last read.
    pub etag: Option<&'a str>,
    pub last_modified: Option<&'a str>,
    /// This machine may be asked too: in development.
    pub at_home: bool,
}

/// What an address gave.
pub enum Opened {
    File(Box<File>),
    /// It is the file that was read before.
    Unchanged,
    /// It cannot be had, for this reason.
    Refused(String),
}

/// A file on its way.
pub struct File {
    stream: ByteStream,
    /// The piece that came last, and how much of it was handed on.
    held: Vec<u8>,
    handed_on: usize,
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    controller: Option<AbortController>,
}

/// Asks for a file, and follows where it is led.
///
/// # Errors
/// When the runtime cannot make a request.
pub async fn open(wanted: &Wanted<'_>) -> Result<Opened, Error> {
    let mut url = wanted.url.to_owned();
    for _ in 0..=MAX_REDIRECTS {
        if let Err(error) = web_address::check(&url, wanted.at_home) {
            return Ok(Opened::Refused(error.to_string()));
        }
        let controller = AbortController::default();
        let answer = match ask(&url, wanted, &controller).await {
            Ok(answer) => answer,
            Err(error) => {
                controller.abort();
                return Ok(Opened::Refused(error.for_log()));
            }
        };
        match answer.status_code() {
            200 => return File::new(&url, &answer, controller).map(|file| Opened::File(Box::new(file))),
            304 => return Ok(Opened::Unchanged),
            301 | 302 | 303 | 307 | 308 => {
                let target = answer.headers().get("location")?;
                controller.abort();
                let base = worker::Url::parse(&url).ok();
                let next = base
                    .zip(target)
                    .and_then(|(base, target)| base.join(&target).ok());
                let Some(next) = next else {
                    return Ok(Opened::Refused("it leads on to nowhere".to_owned()));
                };
                url = next.to_string();
            }
            status => {
                controller.abort();
                return Ok(Opened::Refused(format!("its server answered {status}")));
            }
        }
    }
    Ok(Opened::Refused("it leads on too often".to_owned()))
}

async fn ask(url: &str, wanted: &Wanted<'_>, controller: &AbortController) -> Result<Response, Error> {
    let headers = worker::Headers::new();
    headers.set(
        "accept",
        "application/xml, text/xml, text/tab-separated-values, */*;q=0.1",
    )?;
    headers.set("user-agent", concat!("wend/", env!("CARGO_PKG_VERSION")))?;
    if let Some(etag) = wanted.etag {
        headers.set("if-none-match", etag)?;
    }
    if let Some(at) = wanted.last_modified {
        headers.set("if-modified-since", at)?;
    }
    let mut init = RequestInit::new();
    init.with_method(worker::Method::Get).with_headers(headers);
    init.with_redirect(worker::RequestRedirect::Manual);
    let request = worker::Request::new_with_init(url, &init)?;
    let signal = controller.signal();
    let fetch = Fetch::Request(request);
    let answer = pin!(fetch.send_with_signal(&signal));
    match select(answer, pin!(patience())).await {
        Either::Left((answer, _)) => answer.map_err(|error| Error::NoAnswer(error.to_string())),
        Either::Right(((), _)) => Err(Error::Silent),
    }
}

fn patience() -> worker::Delay {
    worker::Delay::from(Duration::from_millis(PATIENCE.as_millis().unsigned_abs()))
}

impl File {
    fn new(url: &str, answer: &Response, controller: AbortController) -> Result<Self, Error> {
        let header = |name: &str| -> Result<Option<String>, Error> {
            let value = answer.headers().get(name)?;
            Ok(value.filter(|value| value.len() <= 200))
        };
        let ResponseBody::Stream(body) = answer.body() else {
            return Err(Error::NoAnswer("an empty file".to_owned()));
        };
        let kind = header("content-type")?.unwrap_or_default();
        let path = url.split(['?', '#']).next().unwrap_or_default();
        // What a server packed for the way, the platform has unpacked; a packed file is another thing.
        let sent_packed = header("content-encoding")?.is_some();
        let is_packed = !sent_packed && (kind.contains("gzip") || path.ends_with(".gz"));
        let stream = if is_packed {
            let gzip = construct("DecompressionStream", &"gzip".into()).map_err(worker::Error::from)?;
            let body: &JsValue = body.as_ref();
            let unpacked = call(body, "pipeThrough", &Array::of1(&gzip)).map_err(worker::Error::from)?;
            ByteStream::from(unpacked.unchecked_into::<worker::web_sys::ReadableStream>())
        } else {
            ByteStream::from(body.clone())
        };
        Ok(Self {
            stream,
            held: Vec::new(),
            handed_on: 0,
            etag: header("etag")?,
            last_modified: header("last-modified")?,
            controller: Some(controller),
        })
    }

    /// The next part; none at the end of the file.
    ///
    /// # Errors
    /// When the rest does not come.
    pub async fn part(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.handed_on >= self.held.len() {
            let piece = match select(self.stream.next(), pin!(patience())).await {
                Either::Left((piece, _)) => piece,
                Either::Right(((), _)) => return Err(Error::Silent),
            };
            match piece {
                None => return Ok(None),
                Some(piece) => self.held = piece.map_err(|error| Error::NoAnswer(error.to_string()))?,
            }
            self.handed_on = 0;
        }
        // A piece may be the whole file: what is left of it is never copied for the sake of a part.
        let rest = self.held.get(self.handed_on..).unwrap_or_default();
        let part = rest.get(..PART_BYTES).unwrap_or(rest).to_vec();
        self.handed_on += part.len();
        Ok(Some(part))
    }

    /// Asks for no more of it.
    pub fn close(&mut self) {
        if let Some(controller) = self.controller.take() {
            controller.abort();
        }
    }
}
