//! Asymmetric signatures, checked by the platform's WebCrypto: the module carries no code for them.
//!
//! Called for sources and providers that sign with ECDSA or RSA, and for the tokens of Cloudflare Access. Every fault is
//! a no.

use crate::signing::asymmetric::{Algorithm, Asymmetric};
use worker::js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array, global};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;

/// Whether the signature holds under any of the keys.
pub async fn holds(signed: &Asymmetric) -> bool {
    for key in &signed.keys {
        if verify(signed, key).await.is_ok_and(|answer| answer.is_truthy()) {
            return true;
        }
    }
    false
}

async fn verify(signed: &Asymmetric, key: &[u8]) -> Result<JsValue, JsValue> {
    let crypto = Reflect::get(&global(), &"crypto".into())?;
    let subtle = Reflect::get(&crypto, &"subtle".into())?;
    let algorithm = algorithm(signed.algorithm)?;
    let usages = Array::of1(&"verify".into());
    let key = call(
        &subtle,
        "importKey",
        &[
            "spki".into(),
            Uint8Array::from(key).into(),
            algorithm.clone(),
            JsValue::FALSE,
            usages.into(),
        ],
    )
    .await?;
    let (signature, message) = (signed.signature.as_slice(), signed.message.as_slice());
    let given = [
        algorithm,
        key,
        Uint8Array::from(signature).into(),
        Uint8Array::from(message).into(),
    ];
    call(&subtle, "verify", &given).await
}

/// The parameters of both calls in one: WebCrypto reads from them what each wants.
fn algorithm(algorithm: Algorithm) -> Result<JsValue, JsValue> {
    let (name, hash) = match algorithm {
        Algorithm::EcdsaP256Sha256 => ("ECDSA", "SHA-256"),
        Algorithm::RsaSha1 => ("RSASSA-PKCS1-v1_5", "SHA-1"),
        Algorithm::RsaSha256 => ("RSASSA-PKCS1-v1_5", "SHA-256"),
    };
    let said = Object::new();
    for (field, value) in [("name", name), ("hash", hash), ("namedCurve", "P-256")] {
        Reflect::set(&said, &field.into(), &value.into())?;
    }
    Ok(said.into())
}

async fn call(on: &JsValue, method: &str, given: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = Reflect::get(on, &method.into())?.dyn_into()?;
    let promise: Promise = method.apply(on, &given.iter().collect::<Array>())?.dyn_into()?;
    JsFuture::from(promise).await
}
