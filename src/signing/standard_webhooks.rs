//! Standard Webhooks (<https://www.standardwebhooks.com>, symmetric scheme `v1`), which Svix and Resend use too.
//!
//! Called by `/hooks/events` and by providers that sign this way; `sign` is for tests, the demo and our own outgoing
//! hooks. The clock is an argument. Asymmetric `v1a` signatures are not accepted.

use super::{BASE64, Secrets, hmac_sha256, same, unix_seconds};
use crate::domain::time::Timestamp;
use crate::http::Headers;
use base64::Engine as _;

/// How old, or how far in our future, a delivery may be.
pub const TOLERANCE_SECONDS: u64 = 300;

/// Names of the three headers: of the specification, and of Svix, from which it grew.
const FAMILIES: [[&str; 3]; 2] = [
    ["webhook-id", "webhook-timestamp", "webhook-signature"],
    ["svix-id", "svix-timestamp", "svix-signature"],
];

/// What a verified delivery says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// The same for every retry.
    pub id: &'a str,
    /// When this attempt was sent, to the second.
    pub sent_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no usable secret: write `whsec_` followed by the base64 of the key")]
    Secret,
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    #[error("webhook-id must not be empty or contain a dot")]
    Id,
    #[error("webhook-timestamp is not a whole number of seconds")]
    Timestamp,
    #[error("webhook-timestamp is more than {TOLERANCE_SECONDS} s away from our clock")]
    Stale,
    #[error("no `v1` signature matches; sign `<webhook-id>.<webhook-timestamp>.<body>` with HMAC-SHA256")]
    NoMatch,
}

/// Verifies a delivery against any of `secrets`.
///
/// # Errors
/// [`Error::Secret`] when no secret is usable; the others when the delivery must be refused.
pub fn verify<'a>(
    secrets: &Secrets,
    headers: &'a Headers,
    body: &[u8],
    now: Timestamp,
) -> Result<Delivery<'a>, Error> {
    verify_with_keys(&keys(secrets), headers, body, now)
}

/// The key bytes of each secret that is written in the `whsec_` form.
pub fn keys(secrets: &Secrets) -> Vec<Vec<u8>> {
    secrets.iter().filter_map(key).collect()
}

/// As [`verify`], for senders whose key is not written in the `whsec_` form (BigCommerce uses the bytes as they are).
///
/// # Errors
/// As [`verify`].
pub fn verify_with_keys<'a, K: AsRef<[u8]>>(
    keys: &[K],
    headers: &'a Headers,
    body: &[u8],
    now: Timestamp,
) -> Result<Delivery<'a>, Error> {
    if keys.iter().all(|key| key.as_ref().is_empty()) {
        return Err(Error::Secret);
    }
    let [id_name, timestamp_name, signature_name] = family(headers);
    let present = |name| headers.get(name).map(str::trim).ok_or(Error::Missing(name));
    let (id, timestamp, signatures) = (
        present(id_name)?,
        present(timestamp_name)?,
        present(signature_name)?,
    );
    if id.is_empty() || id.contains('.') {
        return Err(Error::Id);
    }
    let seconds = unix_seconds(timestamp).ok_or(Error::Timestamp)?;
    if seconds.abs_diff(now.as_seconds()) > TOLERANCE_SECONDS {
        return Err(Error::Stale);
    }
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
    let expected: Vec<[u8; 32]> = keys
        .iter()
        .map(AsRef::as_ref)
        .filter(|key| !key.is_empty())
        .map(|key| hmac_sha256(key, &parts))
        .collect();
    let matches = signatures
        .split_whitespace()
        .filter_map(|entry| entry.strip_prefix("v1,"))
        .filter_map(|entry| BASE64.decode(entry).ok())
        .any(|given| expected.iter().any(|mac| same(mac, &given)));
    if !matches {
        return Err(Error::NoMatch);
    }
    Ok(Delivery {
        id,
        sent_at: Timestamp::from_seconds(seconds),
    })
}

/// The three headers for a delivery of `body`.
///
/// # Errors
/// [`Error::Secret`] when the secret is not usable, [`Error::Id`] when the id is not.
pub fn sign(secret: &str, id: &str, at: Timestamp, body: &[u8]) -> Result<Headers, Error> {
    let key = key(secret).ok_or(Error::Secret)?;
    if id.is_empty() || id.contains('.') {
        return Err(Error::Id);
    }
    let timestamp = at.as_seconds().to_string();
    let mac = hmac_sha256(&key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    Ok(Headers::new()
        .with("webhook-id", id)
        .with("webhook-timestamp", &timestamp)
        .with("webhook-signature", &format!("v1,{}", BASE64.encode(mac))))
}

/// The key bytes of a secret as it is handed out: base64, padded or not, with or without `whsec_`. Asymmetric keys
/// (`whpk_`, `whsk_`) hold `_`, so they are no base64 and never verify `v1`.
fn key(secret: &str) -> Option<Vec<u8>> {
    let text = secret.strip_prefix("whsec_").unwrap_or(secret);
    BASE64.decode(text).ok().filter(|key| !key.is_empty())
}

/// The family whose id is present; the specification's when neither is.
fn family(headers: &Headers) -> [&'static str; 3] {
    let [standard, svix] = FAMILIES;
    let has_id = |family: [&str; 3]| family.first().is_some_and(|id| headers.get(id).is_some());
    if !has_id(standard) && has_id(svix) {
        svix
    } else {
        standard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn verified(secret: &str, headers: &Headers, now: i64) -> Result<String, Error> {
        verify(&Secrets::new(secret), headers, b"{}", at(now)).map(|delivery| delivery.id.to_owned())
    }

    #[test]
    fn what_we_sign_verifies_within_the_tolerance_both_ways() {
        let headers = sign(SECRET, "msg_1", at(1000), b"{}").unwrap();
        for (now, answer) in [
            (1000, Ok("msg_1".to_owned())),
            (1300, Ok("msg_1".to_owned())),
            (700, Ok("msg_1".to_owned())),
            (1301, Err(Error::Stale)),
            (699, Err(Error::Stale)),
        ] {
            assert_eq!(verified(SECRET, &headers, now), answer, "{now}");
        }
    }

    #[test]
    fn svix_names_work_and_rotation_takes_any_secret() {
        let signed = sign(SECRET, "msg_1", at(1000), b"{}").unwrap();
        let svix: Headers = signed
            .iter()
            .map(|(name, value)| (name.replace("webhook-", "svix-"), value.to_owned()))
            .collect();
        assert!(verified(&format!("whsec_AAAA {SECRET}"), &svix, 1000).is_ok());
        assert_eq!(verified("whsec_AAAA", &svix, 1000), Err(Error::NoMatch));
    }

    #[test]
    fn no_usable_secret_is_a_setting_to_mend_not_a_match() {
        let headers = sign(SECRET, "msg_1", at(1000), b"{}").unwrap();
        for secret in [
            "",
            "whsec_",
            "no-base64!",
            "whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert_eq!(verified(secret, &headers, 1000), Err(Error::Secret), "{secret}");
        }
        assert_eq!(sign("", "m", at(0), b"").err(), Some(Error::Secret));
        assert_eq!(sign(SECRET, "a.b", at(0), b"").err(), Some(Error::Id));
    }

    #[test]
    fn timestamps_are_plain_digits_and_cannot_overflow() {
        for text in ["", "+1000", "-1000", "1000.0", "9223372036854775808"] {
            let headers = Headers::new()
                .with("webhook-id", "m")
                .with("webhook-timestamp", text)
                .with("webhook-signature", "v1,");
            assert_eq!(verified(SECRET, &headers, 1000), Err(Error::Timestamp), "{text}");
        }
    }
}
