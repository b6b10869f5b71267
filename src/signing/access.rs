//! Cloudflare Access: the token that it puts before a request it let through, and the keys that token is signed with.
//!
//! Called by the admin routes, which fetch the keys and let the platform check the signature: the Worker carries no RSA.
//! What the token says is read only after that. The rules are those of
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>.

use crate::domain::time::{Delay, Timestamp};
use crate::http;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

/// The header that Access sets on each request.
pub const HEADER: &str = "cf-access-jwt-assertion";

const DOMAIN: &str = ".cloudflareaccess.com";
/// How far two clocks may be apart.
const LEEWAY: Delay = Delay::from_minutes(1);
/// `AlgorithmIdentifier` of rsaEncryption with its NULL (RFC 3279 §2.3.1), in DER.
const RSA: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// Tags of DER.
const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the token of Cloudflare Access cannot be read")]
    Unreadable,
    #[error("the token of Cloudflare Access is not signed by RS256")]
    Algorithm,
    #[error("the token of Cloudflare Access is not signed by ACCESS_TEAM_DOMAIN")]
    Signature,
    #[error("the token of Cloudflare Access is of another team than ACCESS_TEAM_DOMAIN")]
    Issuer,
    #[error("the token of Cloudflare Access is for another application than ACCESS_AUD")]
    Audience,
    #[error("the token of Cloudflare Access is over, or not good yet")]
    Time,
}

/// Whose tokens are believed, and for which application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    host: String,
    audience: String,
}

/// Who was let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    Person,
    /// A script with a service token: no browser sends its requests.
    Service,
}

/// A token as it came: only its key's name was looked at.
pub struct Token<'a> {
    pub key: String,
    /// What the signature is over.
    pub message: &'a [u8],
    pub signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    common_name: Option<String>,
}

/// One application or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Certificates {
    keys: Vec<Jwk>,
}

/// A public key of RSA as RFC 7518 §6.3.1 writes it.
#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    n: String,
    e: String,
}

impl Team {
    /// The team by its name, `shop`, or its domain, `shop.cloudflareaccess.com`; none for any other domain.
    pub fn new(domain: &str, audience: &str) -> Option<Self> {
        let domain = domain.trim_start_matches("https://").trim_end_matches('/');
        let name = domain.strip_suffix(DOMAIN).unwrap_or(domain);
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_name.then(|| Self {
            host: format!("https://{name}{DOMAIN}"),
            audience: audience.to_owned(),
        })
    }

    /// Where its public keys stand.
    pub fn certificates(&self) -> String {
        format!("{}/cdn-cgi/access/certs", self.host)
    }
}

impl<'a> Token<'a> {
    /// # Errors
    /// When it is no token, or not signed as Access signs.
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        let (message, signature) = text.rsplit_once('.').ok_or(Error::Unreadable)?;
        let (header, payload) = message.split_once('.').ok_or(Error::Unreadable)?;
        let header: Header = decoded(header)?;
        if header.alg != "RS256" {
            return Err(Error::Algorithm);
        }
        Ok(Self {
            key: header.kid,
            message: message.as_bytes(),
            signature: BASE64URL.decode(signature).map_err(|_| Error::Unreadable)?,
            payload,
        })
    }

    /// Reads the token, once the platform has said whether its signature `holds`.
    ///
    /// # Errors
    /// When it does not, or the token is of another team, for another application, or over.
    pub fn open(&self, holds: bool, team: &Team, now: Timestamp) -> Result<Visitor, Error> {
        if !holds {
            return Err(Error::Signature);
        }
        let claims: Claims = decoded(self.payload)?;
        if claims.iss.trim_end_matches('/') != team.host {
            return Err(Error::Issuer);
        }
        let is_ours = match &claims.aud {
            Audience::One(audience) => *audience == team.audience,
            Audience::Several(audiences) => audiences.contains(&team.audience),
        };
        if !is_ours {
            return Err(Error::Audience);
        }
        let (ends, begins) = (
            Timestamp::from_seconds(claims.exp),
            Timestamp::from_seconds(claims.nbf),
        );
        if now >= ends || begins > now.plus(LEEWAY) {
            return Err(Error::Time);
        }
        let service = claims.common_name.is_some_and(|name| !name.is_empty());
        Ok(if service {
            Visitor::Service
        } else {
            Visitor::Person
        })
    }
}

/// The key of this name as `SubjectPublicKeyInfo` in DER, which is what WebCrypto takes; none when it is not there.
pub fn public_key(certificates: &[u8], name: &str) -> Option<Vec<u8>> {
    let Certificates { keys } = http::json(certificates).ok()?;
    let key = keys.into_iter().find(|key| key.kid == name && key.kty == "RSA")?;
    let number = |text: &str| Some(der(INTEGER, &unsigned(&BASE64URL.decode(text).ok()?)));
    let numbers = [number(&key.n)?, number(&key.e)?].concat();
    let key = [&[0][..], &der(SEQUENCE, &numbers)].concat();
    Some(der(SEQUENCE, &[&RSA[..], &der(BIT_STRING, &key)].concat()))
}

/// A number that begins with a set bit would be read as a negative one.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_some_and(|first| *first > 0x7f) {
        &[0]
    } else {
        &[]
    };
    [sign, number].concat()
}

/// Tag, length and content (X.690 §8.1.3).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let length = match digits.as_slice() {
        [] => vec![0],
        [short] if *short < 0x80 => vec![*short],
        long => [&[0x80 | u8::try_from(long.len()).unwrap_or_default()], long].concat(),
    };
    [&[tag], length.as_slice(), content].concat()
}

fn decoded<T: for<'de> Deserialize<'de>>(part: &str) -> Result<T, Error> {
    let bytes = BASE64URL.decode(part).map_err(|_| Error::Unreadable)?;
    http::json(&bytes).map_err(|_| Error::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use sha2::{Digest as _, Sha256};

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
    /// Of a key made for this test with `openssl genrsa 2048`.
    const N: &str = "4QsMRL9YZsvQ76hj2BODorKSO2okJgYxQ01l_lTLxO47KJNUbFZHRKbq6vUF1vSY985xu4EDEvU4wStw_yQzfmuxV0bbktvcSFsnqAgFjarSCbOtfssh3r4ZyhHY_gXPzYfR3EW_w49LJOF9TtIPKSkWkPTF6iva7uuPMpvjgEkphql1dJEAV9btQHKx2RyO1B9ta4LQSx_YM0vmdf4-ywuMA1X95YiQOLzcsFZX8u_VgUwDTz8mn2he7W7FIjr6p8if2_M2b5Bkd_KUH2aj3A5VXS1RBQ4CD2wz5Swabhyx-i-KoVpJGIqayXmN7SJiDBBneyhdmWxFagy-87Tt6Q";

    fn team() -> Team {
        Team::new("shop", "aud-1").unwrap()
    }

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64URL.encode(value.to_string());
        format!(
            "{}.{}.{}",
            part(header),
            part(claims),
            BASE64URL.encode("signature")
        )
    }

    fn claims() -> Value {
        json!({ "iss": "https://shop.cloudflareaccess.com", "aud": ["aud-1"], "exp": 1_790_000_060, "nbf": 1_790_000_000, "email": "x" })
    }

    fn opened(claims: &Value, holds: bool) -> Result<Visitor, Error> {
        let text = token(&json!({ "alg": "RS256", "kid": "k1" }), claims);
        Token::parse(&text).and_then(|token| token.open(holds, &team(), NOW))
    }

    #[test]
    fn a_token_is_read_once_its_signature_holds() {
        assert_eq!(opened(&claims(), true), Ok(Visitor::Person));
        assert_eq!(opened(&claims(), false), Err(Error::Signature));
        let text = token(&json!({ "alg": "RS256", "kid": "k1" }), &claims());
        let token = Token::parse(&text).unwrap();
        assert_eq!(
            (token.key.as_str(), token.signature.as_slice()),
            ("k1", &b"signature"[..])
        );
        assert!(text.starts_with(std::str::from_utf8(token.message).unwrap()));
    }

    #[test]
    fn what_a_token_must_say() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            opened(&claims, true)
        };
        assert_eq!(with("aud", json!("aud-1")), Ok(Visitor::Person));
        assert_eq!(with("common_name", json!("c0ffee.access")), Ok(Visitor::Service));
        assert_eq!(with("common_name", json!("")), Ok(Visitor::Person));
        assert_eq!(
            with("nbf", json!(1_790_000_050)),
            Ok(Visitor::Person),
            "clocks differ"
        );
        for (name, value, expected) in [
            ("iss", json!("https://other.cloudflareaccess.com"), Error::Issuer),
            ("aud", json!(["aud-2"]), Error::Audience),
            ("aud", json!([]), Error::Audience),
            ("exp", json!(1_790_000_000), Error::Time),
            ("nbf", json!(1_790_000_061), Error::Time),
            ("exp", json!("never"), Error::Unreadable),
        ] {
            assert_eq!(with(name, value.clone()), Err(expected), "{name}: {value}");
        }
    }

    #[test]
    fn what_is_no_token_or_asks_for_another_algorithm() {
        for alg in ["none", "HS256", "rs256"] {
            let text = token(&json!({ "alg": alg, "kid": "k1" }), &claims());
            assert_eq!(Token::parse(&text).err(), Some(Error::Algorithm), "{alg}");
        }
        for text in ["", "a", "a.b", "a.b.c", "..", "e30.e30.e30"] {
            assert_eq!(Token::parse(text).err(), Some(Error::Unreadable), "{text}");
        }
    }

    /// The expected hash is that of `openssl rsa -pubout -outform DER`.
    #[test]
    fn a_key_becomes_what_webcrypto_takes() {
        let keys = json!({ "keys": [{ "kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig", "n": N, "e": "AQAB" }], "public_cert": {} });
        let key = public_key(keys.to_string().as_bytes(), "k1").unwrap();
        assert_eq!(
            hex::encode(Sha256::digest(&key)),
            "f3fb99be820a774c4d50b99e8e05d52d46d822a0617c0091e506e89de179d1b5"
        );
        assert_eq!(public_key(keys.to_string().as_bytes(), "k2"), None);
        assert_eq!(public_key(b"<html>", "k1"), None);
    }

    #[test]
    fn a_team_is_one_of_cloudflare() {
        for domain in [
            "shop",
            "shop.cloudflareaccess.com",
            "https://shop.cloudflareaccess.com/",
        ] {
            assert_eq!(Team::new(domain, "aud-1"), Some(team()), "{domain}");
        }
        for domain in [
            "",
            "evil.example",
            "shop.cloudflareaccess.com.evil.example",
            "a/b",
            ".cloudflareaccess.com",
        ] {
            assert_eq!(Team::new(domain, "aud-1"), None, "{domain}");
        }
        assert_eq!(
            team().certificates(),
            "https://shop.cloudflareaccess.com/cdn-cgi/access/certs"
        );
    }
}
