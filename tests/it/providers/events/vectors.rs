//! Every signature vector of the providers we have.

use super::*;
use crate::asymmetric::holds;
use serde::Deserialize;
use std::collections::BTreeMap;

const STANDARD_WEBHOOKS: &str = include_str!("../../../fixtures/sources/signatures.json");

#[derive(Deserialize)]
struct Vector {
    id: String,
    source: String,
    scheme: String,
    secret: Option<String>,
    headers: BTreeMap<String, String>,
    body: String,
    now: Option<i64>,
    valid: bool,
    cert_pem: Option<String>,
    expect_http_status: Option<u16>,
}

fn answer(kind: ProviderKind, vector: &Vector) -> u16 {
    let events = kind.events().unwrap();
    let secret = vector.secret.clone().unwrap_or_else(|| TOPIC.to_owned());
    let account = Account::read(kind, |name| (name == events.setting).then(|| secret.clone()));
    let (headers, hook_token): (Headers, _) =
        (vector.headers.clone().into_iter().collect(), Secrets::new(""));
    let post = Post {
        headers: &headers,
        body: vector.body.as_bytes(),
        query: "",
        token: None,
    };
    let mut keys = Keys {
        account: &account,
        hook_token: &hook_token,
        certificate: None,
        now: vector.now.map_or(now(), Timestamp::from_seconds),
    };
    let mut verified = events.verify(post, &keys);
    let wanted = match &verified {
        Ok(Verified::NeedsCertificate { url }) => Some(url.clone()),
        _ => None,
    };
    if let Some(url) = &wanted {
        keys.certificate = Some(Certificate {
            url,
            pem: vector.cert_pem.as_deref().unwrap().as_bytes(),
        });
        verified = events.verify(post, &keys);
    }
    let genuine = verified.and_then(|verified| match verified {
        Verified::Genuine(genuine) => Ok(genuine),
        Verified::Pending(pending) => {
            let holds = holds(&pending.signed);
            pending.settle(holds)
        }
        Verified::NeedsCertificate { url } => panic!("{url} was given"),
    });
    genuine.map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn every_vector_has_its_answer() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    let mut count = BTreeMap::new();
    for vector in &vectors {
        let kind = match vector.source.as_str() {
            "svix" => ProviderKind::Resend,
            "aws_sns" => ProviderKind::Ses,
            name => ProviderKind::parse(name).unwrap(),
        };
        let expected = vector
            .expect_http_status
            .unwrap_or(if vector.valid { 200 } else { 401 });
        assert_eq!(answer(kind, vector), expected, "{}", vector.id);
        *count.entry(vector.source.as_str()).or_insert(0) += 1;
    }
    let expected = [
        ("aws_sns", 6),
        ("brevo", 1),
        ("mailgun", 3),
        ("mailtrap", 3),
        ("postmark", 2),
        ("sendgrid", 7),
        ("sparkpost", 1),
        ("svix", 3),
        ("unisender_go", 3),
    ];
    assert_eq!(count.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn resend_takes_what_standard_webhooks_takes() {
    let vectors: Vec<Vector> = serde_json::from_str(STANDARD_WEBHOOKS).unwrap();
    for vector in vectors {
        if vector.source != "standard_webhooks" {
            continue;
        }
        let valid = vector.valid && vector.scheme.starts_with("hmac");
        let expected = if valid { 200 } else { 401 };
        assert_eq!(answer(ProviderKind::Resend, &vector), expected, "{}", vector.id);
    }
}

#[test]
fn one_key_of_a_rotation_is_enough() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    for id in [
        "sendgrid-01",
        "mailtrap-01",
        "mailgun-01",
        "unisender-02",
        "postmark-01",
        "brevo-01",
        "svix-01",
    ] {
        let vector = vectors.iter().find(|vector| vector.id == id).unwrap();
        let kind = match vector.source.as_str() {
            "svix" => ProviderKind::Resend,
            name => ProviderKind::parse(name).unwrap(),
        };
        let other = match kind {
            ProviderKind::SendGrid => {
                "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQ4LIFtWztlsF7skFqOncjD1lun4H5w8XOhyOArHW9RcIx/FfEzx6cikC/yPfUvwaX/JScE7Fc9CJD2afQ9Ok3Q=="
            }
            ProviderKind::Resend => "whsec_bm90IHRoZSBvbmU=",
            _ => "another-one",
        };
        for (rotation, expected) in [
            (format!("{other} {}", vector.secret.as_deref().unwrap()), 200),
            (other.to_owned(), 401),
        ] {
            let rotated = Vector {
                secret: Some(rotation),
                headers: vector.headers.clone(),
                ..serde_json::from_value(json!({
                    "id": id, "source": "", "scheme": "", "secret": null, "headers": {}, "body": vector.body,
                    "now": vector.now, "valid": true, "cert_pem": null, "expect_http_status": null,
                }))
                .unwrap()
            };
            assert_eq!(answer(kind, &rotated), expected, "{id}");
        }
    }
}
