//! AWS Signature Version 4, as a request to an AWS API carries it.
//!
//! `providers::ses` calls it. Keys and the time are arguments. It signs headers and body, and no query: our requests have
//! none. Source: `https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html`.

use super::hmac_sha256;
use crate::domain::time::Timestamp;
use crate::http::Method;
use sha2::{Digest as _, Sha256};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Whose key signs, and what it is good for.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    pub region: &'a str,
    pub service: &'a str,
}

/// What is signed of a request. The path is one that needs no escapes.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub method: Method,
    pub path: &'a str,
    /// In lower case and in the order of their names; `host` and `x-amz-date` must be among them.
    pub headers: &'a [(&'a str, &'a str)],
    pub body: &'a [u8],
}

/// The value of `X-Amz-Date`.
pub fn date(now: Timestamp) -> String {
    now.to_chrono().format("%Y%m%dT%H%M%SZ").to_string()
}

/// The value of `Authorization`. `date` is what [`date`] gave.
pub fn authorization(credentials: Credentials<'_>, signed: Signed<'_>, date: &str) -> String {
    let Credentials {
        access_key_id,
        region,
        service,
        ..
    } = credentials;
    let day = date.get(..8).unwrap_or(date);
    let scope = format!("{day}/{region}/{service}/aws4_request");
    let canonical = hex::encode(Sha256::digest(canonical_request(signed)));
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{canonical}");
    let signature = hex::encode(hmac_sha256(&key(credentials, day), &[to_sign.as_bytes()]));
    let names = names(signed.headers);
    format!("{ALGORITHM} Credential={access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}")
}

fn canonical_request(signed: Signed<'_>) -> String {
    let Signed {
        method,
        path,
        headers,
        body,
    } = signed;
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();
    let (names, hash) = (names(headers), hex::encode(Sha256::digest(body)));
    format!("{}\n{path}\n\n{lines}\n{names}\n{hash}", method.as_str())
}

fn names(headers: &[(&str, &str)]) -> String {
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    names.join(";")
}

/// A key for one day, one region and one service.
fn key(credentials: Credentials<'_>, day: &str) -> [u8; 32] {
    let secret = format!("AWS4{}", credentials.secret_access_key);
    let parts = [day, credentials.region, credentials.service, "aws4_request"];
    let mut parts = parts.into_iter();
    let first = hmac_sha256(secret.as_bytes(), &[parts.next().unwrap_or_default().as_bytes()]);
    parts.fold(first, |key, part| hmac_sha256(&key, &[part.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example keys of AWS's documentation.
    const CREDENTIALS: Credentials<'static> = Credentials {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        region: "us-east-1",
        service: "service",
    };

    fn signature(credentials: Credentials<'_>, signed: Signed<'_>, at: &str) -> String {
        let date = date(Timestamp::parse_rfc3339(at).unwrap());
        let authorization = authorization(credentials, signed, &date);
        authorization.rsplit_once("Signature=").unwrap().1.to_owned()
    }

    /// Cases `get-vanilla` and `post-vanilla` of AWS's published test suite.
    #[test]
    fn it_signs_as_the_published_suite_does() {
        let headers = [
            ("host", "example.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
        ];
        let signed = |method| Signed {
            method,
            path: "/",
            headers: &headers,
            body: b"",
        };
        assert_eq!(
            canonical_request(signed(Method::Get)),
            "GET\n/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\nhost;x-amz-date\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        let at = "2015-08-30T12:36:00Z";
        assert_eq!(
            signature(CREDENTIALS, signed(Method::Get), at),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert_eq!(
            signature(CREDENTIALS, signed(Method::Post), at),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
    }

    /// With a body, made by another implementation of the same rules.
    #[test]
    fn it_signs_a_mail() {
        let body = concat!(
            r#"{"FromEmailAddress":"Shop <news@shop.example.com>","Destination":{"ToAddresses":["user@example.com"]},"#,
            r#""Content":{"Simple":{"Subject":{"Data":"Привет","Charset":"UTF-8"},"Body":{"Html":{"Data":"<p>Hi</p>","#,
            r#""Charset":"UTF-8"}},"Headers":[{"Name":"List-Unsubscribe","Value":"<https://m.shop.example.com/u/t>"},"#,
            r#"{"Name":"List-Unsubscribe-Post","Value":"List-Unsubscribe=One-Click"}]}},"ConfigurationSetName":"journeys"}"#
        );
        let signed = Signed {
            method: Method::Post,
            path: "/v2/email/outbound-emails",
            headers: &[
                ("content-type", "application/json"),
                ("host", "email.eu-west-1.amazonaws.com"),
                ("x-amz-date", "20260105T100000Z"),
            ],
            body: body.as_bytes(),
        };
        let credentials = Credentials {
            region: "eu-west-1",
            service: "ses",
            ..CREDENTIALS
        };
        assert_eq!(
            signature(credentials, signed, "2026-01-05T10:00:00Z"),
            "5b100eb85d559649f321dc921f41ddb55dfc67da7b841872e0ee1d61cace72e9"
        );
    }
}
