//! A body that came compressed, made whole by the platform's own `DecompressionStream`: the module carries no code for it.
//!
//! Called for the Segment-compatible API, whose libraries for phones and some for servers send gzip.

use super::error::Error;
use worker::js_sys::{Array, Function, Promise, Reflect, Uint8Array, global};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

/// Largest body that is inflated. Gzip makes at most 1,032 bytes of one, and all of them must fit into the isolate.
pub const MAX_COMPRESSED_BYTES: usize = 64 << 10;

/// What became of a compressed body.
pub enum Inflated {
    Whole(Vec<u8>),
    /// It is more than may be.
    TooLarge,
    Damaged,
}

/// The body that gzip made this of, if it has at most so many bytes.
///
/// # Errors
/// When the runtime has no such stream.
pub async fn gunzip(body: &[u8], most: usize) -> Result<Inflated, Error> {
    if body.len() > MAX_COMPRESSED_BYTES {
        return Ok(Inflated::TooLarge);
    }
    let stream = opened(body).map_err(worker::Error::from)?;
    // Only the bytes themselves can be at fault from here on.
    Ok(collect(&stream, most).await.unwrap_or(Inflated::Damaged))
}

fn opened(body: &[u8]) -> Result<JsValue, JsValue> {
    let carrier = construct("Response", &Uint8Array::from(body).into())?;
    let compressed = Reflect::get(&carrier, &"body".into())?;
    let gzip = construct("DecompressionStream", &"gzip".into())?;
    call(&compressed, "pipeThrough", &Array::of1(&gzip))
}

async fn collect(stream: &JsValue, most: usize) -> Result<Inflated, JsValue> {
    let reader = call(stream, "getReader", &Array::new())?;
    let mut body = Vec::new();
    loop {
        let promise: Promise = call(&reader, "read", &Array::new())?.dyn_into()?;
        let chunk = JsFuture::from(promise).await?;
        if Reflect::get(&chunk, &"done".into())?.is_truthy() {
            return Ok(Inflated::Whole(body));
        }
        let piece: Uint8Array = Reflect::get(&chunk, &"value".into())?.dyn_into()?;
        if body.len() + piece.length() as usize > most {
            return Ok(Inflated::TooLarge);
        }
        body.extend(piece.to_vec());
    }
}

/// An object of one of the platform's classes.
pub(super) fn construct(class: &str, with: &JsValue) -> Result<JsValue, JsValue> {
    let class: Function = Reflect::get(&global(), &class.into())?.dyn_into()?;
    Reflect::construct(&class, &Array::of1(with))
}

/// Calls a method of one of the platform's objects.
pub(super) fn call(on: &JsValue, method: &str, given: &Array) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(on, &method.into())?.dyn_into()?;
    method.apply(on, given)
}
