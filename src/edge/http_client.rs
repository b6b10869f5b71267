//! The one HTTP client: sends a request that a provider or a source built, with a deadline, and reads its whole answer, of which
//! no more is held than the limit.

use super::error::Error;
use crate::domain::time::Delay;
use crate::http::{Headers, Method, Request, Response};
use futures_util::future::{Either, select};
use futures_util::stream::StreamExt;
use std::pin::pin;
use std::time::Duration;
use worker::js_sys::Uint8Array;
use worker::{AbortController, ByteStream, Fetch, RequestInit, ResponseBody};

/// Largest answer we read where nothing else is said; providers answer in a few kilobytes.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Sends and waits for the whole answer, at most `timeout`.
///
/// # Errors
/// When no whole answer came: refused, reset, timed out, too large. The request may have arrived all the same.
pub async fn send(request: Request, timeout: Delay) -> Result<Response, Error> {
    send_within(request, timeout, MAX_ANSWER_BYTES).await
}

/// The same, for an answer of at most `limit` bytes.
///
/// # Errors
/// As [`send`].
pub async fn send_within(request: Request, timeout: Delay, limit: usize) -> Result<Response, Error> {
    let controller = AbortController::default();
    let signal = controller.signal();
    let answer = pin!(exchange(request, &signal, limit));
    let deadline = pin!(worker::Delay::from(Duration::from_millis(
        timeout.as_millis().unsigned_abs()
    )));
    let answer = match select(answer, deadline).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::NoAnswer("no answer in time".to_owned())),
    };
    if answer.is_err() {
        controller.abort();
    }
    answer
}

async fn exchange(request: Request, signal: &worker::AbortSignal, limit: usize) -> Result<Response, Error> {
    let headers = worker::Headers::new();
    for (name, value) in request.headers.iter() {
        headers.set(name, value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(method(request.method)).with_headers(headers);
    init.with_redirect(worker::RequestRedirect::Manual);
    if !request.body.is_empty() {
        init.with_body(Some(Uint8Array::from(request.body.as_slice()).into()));
    }
    let outgoing = worker::Request::new_with_init(&request.url, &init)?;
    let lost = |error: worker::Error| Error::NoAnswer(error.to_string());
    let mut answer = Fetch::Request(outgoing)
        .send_with_signal(signal)
        .await
        .map_err(lost)?;
    let headers: Headers = answer.headers().entries().collect();
    let status = answer.status_code();
    let body = match answer.body() {
        ResponseBody::Empty => Vec::new(),
        ResponseBody::Body(body) if body.len() > limit => return Err(Error::TooLarge),
        ResponseBody::Body(body) => body.clone(),
        ResponseBody::Stream(_) => collect(answer.stream()?, limit).await?,
    };
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// What comes, until it is too much: a server that sends without end must not fill the memory.
async fn collect(mut stream: ByteStream, limit: usize) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| Error::NoAnswer(error.to_string()))?;
        if piece.len() > limit.saturating_sub(body.len()) {
            return Err(Error::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

const fn method(method: Method) -> worker::Method {
    match method {
        Method::Get => worker::Method::Get,
        Method::Head => worker::Method::Head,
        Method::Post => worker::Method::Post,
        Method::Put => worker::Method::Put,
        Method::Delete => worker::Method::Delete,
        Method::Options => worker::Method::Options,
        // Made by nobody: it only stands for verbs that came in.
        Method::Other => worker::Method::Trace,
    }
}
