//! Signatures made with a private key, of which we hold the public half. The Worker carries no code for them: the
//! platform's own cryptography says whether one holds.
//!
//! Made by the verification of sources and providers, which have checked all else; asked about by the edge.

use super::{BASE64, asn1};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

/// The alphabet of JSON Web Signatures (RFC 7515 §2), which are written without padding.
pub const BASE64_URL: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A signature, and all that is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asymmetric {
    pub algorithm: Algorithm,
    /// It must hold under one of these: `SubjectPublicKeyInfo` in DER.
    pub keys: Vec<Vec<u8>>,
    pub message: Vec<u8>,
    /// As WebCrypto wants it: of ECDSA r and s in a row.
    pub signature: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// Curve P-256 with SHA-256.
    EcdsaP256Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-1: what SNS still signs with unless told otherwise.
    RsaSha1,
    RsaSha256,
}

/// A JSON Web Signature in its compact form, taken apart (RFC 7515 §7.1).
pub struct Jws<'a> {
    header: &'a str,
    /// As it is written; empty where it is detached (RFC 7797).
    pub payload: &'a str,
    signature: Vec<u8>,
    pub key_id: Option<String>,
}

/// Why a text is no JSON Web Signature for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    Unreadable,
    Algorithm,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
}

/// A JSON Web Key Set (RFC 7517 §5).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// Of a key of RSA, modulus and exponent (RFC 7518 §6.3.1); keys of other kinds have neither.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    n: String,
    e: String,
}

impl<'a> Jws<'a> {
    /// Takes one apart that is signed with RS256. Any other algorithm is refused here, `none` and those that would take
    /// the public key for a shared one among them (RFC 8725 §2.1).
    ///
    /// # Errors
    /// When it is none, or signed otherwise.
    pub fn rs256(text: &'a str) -> Result<Self, Broken> {
        let taken = text.trim().split_once('.').and_then(|(header, rest)| {
            let (payload, signature) = rest.split_once('.')?;
            let said: Header = crate::http::json(&BASE64_URL.decode(header).ok()?).ok()?;
            let signature = BASE64_URL.decode(signature).ok().filter(|it| !it.is_empty())?;
            let jws = Self {
                header,
                payload,
                signature,
                key_id: said.kid,
            };
            Some((jws, said.alg))
        });
        let (jws, algorithm) = taken.ok_or(Broken::Unreadable)?;
        if algorithm == "RS256" {
            Ok(jws)
        } else {
            Err(Broken::Algorithm)
        }
    }

    /// What must hold, under one of `keys`, for a payload as it was signed.
    pub fn claims(&self, payload: &[u8], keys: Vec<Vec<u8>>) -> Asymmetric {
        Asymmetric {
            algorithm: Algorithm::RsaSha256,
            keys,
            message: [self.header.as_bytes(), b".", payload].concat(),
            signature: self.signature.clone(),
        }
    }
}

/// The RSA keys of that name in a JSON Web Key Set, or all where the signature names none, as `SubjectPublicKeyInfo` in DER.
pub fn published_keys(set: &[u8], key_id: Option<&str>) -> Vec<Vec<u8>> {
    let keys = crate::http::json(set).map_or_else(|_| Vec::new(), |KeySet { keys }| keys);
    let public = |key: Jwk| {
        let is_named = key_id.is_none() || key.kid.as_deref() == key_id;
        let number = |text: &str| BASE64_URL.decode(text).ok();
        (is_named && key.kty == "RSA").then(|| asn1::rsa_key(&number(&key.n)?, &number(&key.e)?))?
    };
    keys.into_iter().filter_map(public).collect()
}

/// The public keys of a PEM text, in DER. Also reads one pasted without its frame, and one whose line breaks came as `\n`.
pub fn public_keys(pem: &str) -> Vec<Vec<u8>> {
    let bare = pem.replace("\\n", "\n");
    let framed = bare.split("-----").filter(|part| !part.contains("PUBLIC KEY"));
    framed
        .map(|part| part.split_ascii_whitespace().collect::<String>())
        .filter(|base64| !base64.is_empty())
        .filter_map(|base64| BASE64.decode(base64).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sha2::{Digest as _, Sha256};

    #[test]
    fn only_rs256_is_taken_apart() {
        let token = |header: &str| format!("{}.e30.c2ln", BASE64_URL.encode(header));
        let taken = token(r#"{"alg":"RS256","kid":"1"}"#);
        let jws = Jws::rs256(&taken).unwrap();
        assert_eq!((jws.payload, jws.key_id.as_deref()), ("e30", Some("1")));
        let claimed = jws.claims(b"raw", vec![vec![1]]);
        assert!(claimed.message.ends_with(b".raw") && claimed.signature == b"sig");
        for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"rs256"}"#] {
            assert_eq!(
                Jws::rs256(&token(header)).err(),
                Some(Broken::Algorithm),
                "{header}"
            );
        }
        for text in ["", "a", "a.b", "..", "e30.e30.e30", &token("{}"), &token("x")] {
            assert_eq!(Jws::rs256(text).err(), Some(Broken::Unreadable), "{text}");
        }
        for signature in ["", "!"] {
            let text = format!("{}.e30.{signature}", BASE64_URL.encode(r#"{"alg":"RS256"}"#));
            assert_eq!(Jws::rs256(&text).err(), Some(Broken::Unreadable), "{text}");
        }
    }

    /// The expected hash is that of `openssl rsa -pubout -outform DER`, of a key made with `openssl genrsa 2048`.
    #[test]
    fn a_published_key_becomes_what_webcrypto_takes() {
        const N: &str = "4QsMRL9YZsvQ76hj2BODorKSO2okJgYxQ01l_lTLxO47KJNUbFZHRKbq6vUF1vSY985xu4EDEvU4wStw_yQzfmuxV0bbktvcSFsnqAgFjarSCbOtfssh3r4ZyhHY_gXPzYfR3EW_w49LJOF9TtIPKSkWkPTF6iva7uuPMpvjgEkphql1dJEAV9btQHKx2RyO1B9ta4LQSx_YM0vmdf4-ywuMA1X95YiQOLzcsFZX8u_VgUwDTz8mn2he7W7FIjr6p8if2_M2b5Bkd_KUH2aj3A5VXS1RBQ4CD2wz5Swabhyx-i-KoVpJGIqayXmN7SJiDBBneyhdmWxFagy-87Tt6Q";
        let set = json!({ "keys": [
            { "kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": N, "e": "AQAB" },
            { "kid": "k2", "kty": "EC", "crv": "P-256" },
        ], "public_cert": {} })
        .to_string();
        let keys = published_keys(set.as_bytes(), Some("k1"));
        let hashes: Vec<String> = keys.iter().map(|key| hex::encode(Sha256::digest(key))).collect();
        assert_eq!(
            hashes,
            ["f3fb99be820a774c4d50b99e8e05d52d46d822a0617c0091e506e89de179d1b5"]
        );
        assert_eq!(published_keys(set.as_bytes(), None), keys);
        for (set, name) in [(set.as_bytes(), "k2"), (set.as_bytes(), "k3"), (b"<html>", "k1")] {
            assert!(published_keys(set, Some(name)).is_empty(), "{name}");
        }
    }

    #[test]
    fn a_key_is_read_however_it_was_pasted() {
        let framed = "-----BEGIN PUBLIC KEY-----\nAQID\nBAU=\n-----END PUBLIC KEY-----\n";
        for pasted in [
            framed,
            &framed.replace('\n', "\\n"),
            &framed.replace('\n', " "),
            "AQIDBAU=",
        ] {
            assert_eq!(public_keys(pasted), [vec![1, 2, 3, 4, 5]], "{pasted}");
        }
        assert_eq!(public_keys(&format!("{framed} {framed}")).len(), 2);
        assert!(public_keys("").is_empty() && public_keys("-----BEGIN PUBLIC KEY-----").is_empty());
    }
}
