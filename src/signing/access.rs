//! Cloudflare Access: the token that it puts before a request it let through, and the keys that token is signed with.
//!
//! Called by the admin routes, which fetch the keys and let the platform check the signature: the Worker carries no RSA.
//! What the token says is read only after that. The rules are those of
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>.

use super::asymmetric::{Asymmetric, BASE64_URL, Broken, Jws};
use crate::domain::time::{Delay, Timestamp};
use crate::http;
use base64::Engine as _;
use serde::Deserialize;

/// The header that Access sets on each request.
pub const HEADER: &str = "cf-access-jwt-assertion";

const DOMAIN: &str = ".cloudflareaccess.com";
/// How far two clocks may be apart.
const LEEWAY: Delay = Delay::from_minutes(1);

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

/// Who was let through. A service token has its client id as `common_name`, and an empty `sub`
/// (<https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/#service-token-authentication>);
/// a person has an id there, whatever else their identity provider adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visitor {
    Person,
    /// A script with a service token.
    Service,
}

/// A token as it came: only its key's name was looked at.
pub struct Token<'a> {
    pub key: String,
    jws: Jws<'a>,
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
    #[serde(default)]
    sub: Option<String>,
}

/// One application or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
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
        let mut jws = Jws::rs256(text).map_err(|broken| match broken {
            Broken::Unreadable => Error::Unreadable,
            Broken::Algorithm => Error::Algorithm,
        })?;
        let key = jws.key_id.take().ok_or(Error::Unreadable)?;
        Ok(Self { key, jws })
    }

    /// What must hold, under one of the team's keys.
    pub fn signed(&self, keys: Vec<Vec<u8>>) -> Asymmetric {
        self.jws.claims(self.jws.payload.as_bytes(), keys)
    }

    /// Reads the token, once the platform has said whether its signature `holds`.
    ///
    /// # Errors
    /// When it does not, or the token is of another team, for another application, or over.
    pub fn open(&self, holds: bool, team: &Team, now: Timestamp) -> Result<Visitor, Error> {
        if !holds {
            return Err(Error::Signature);
        }
        let payload = BASE64_URL.decode(self.jws.payload);
        let claims: Claims = payload
            .ok()
            .and_then(|payload| http::json(&payload).ok())
            .ok_or(Error::Unreadable)?;
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
        let named = claims.common_name.is_some_and(|name| !name.is_empty());
        let service = named && claims.sub.is_some_and(|id| id.is_empty());
        Ok(if service {
            Visitor::Service
        } else {
            Visitor::Person
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

    fn team() -> Team {
        Team::new("shop", "aud-1").unwrap()
    }

    fn token(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64_URL.encode(value.to_string());
        format!(
            "{}.{}.{}",
            part(header),
            part(claims),
            BASE64_URL.encode("signature")
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
        let signed = token.signed(vec![vec![1]]);
        assert_eq!(
            (token.key.as_str(), signed.signature.as_slice()),
            ("k1", &b"signature"[..])
        );
        assert_eq!(
            text.as_bytes().strip_prefix(signed.message.as_slice()).unwrap()[0],
            b'.'
        );
    }

    #[test]
    fn what_a_token_must_say() {
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            opened(&claims, true)
        };
        assert_eq!(with("aud", json!("aud-1")), Ok(Visitor::Person));
        let named = |name: &str, id: Value| {
            let mut claims = claims();
            (claims["common_name"], claims["sub"]) = (json!(name), id);
            opened(&claims, true)
        };
        assert_eq!(named("c0ffee.access", json!("")), Ok(Visitor::Service));
        assert_eq!(named("c0ffee.access", json!("7335d417")), Ok(Visitor::Person));
        assert_eq!(named("c0ffee.access", Value::Null), Ok(Visitor::Person));
        assert_eq!(with("common_name", json!("c0ffee.access")), Ok(Visitor::Person));
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
