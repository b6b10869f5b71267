//! Posts proven the way each provider does it, and how far our verification takes them. The tests of events use it, and
//! fuzz/entries.rs, which gets behind every proof with it.

use base64::Engine as _;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use wend::domain::time::Timestamp;
use wend::http::Headers;
use wend::providers::ProviderKind;
use wend::providers::account::{Account, Want};
use wend::providers::events::{Certificate, Error, Genuine, Keys, Post, Verified};
use wend::signing::{BASE64, Secrets, hmac_sha256, route_token, standard_webhooks};

/// Signatures that others computed.
pub const VECTORS: &str = include_str!("../../../fixtures/providers/signatures.json");
pub const HOOK_TOKEN: &str = "hook-token-of-the-tests";
pub const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:ses-events";
pub const CERTIFICATE_URL: &str =
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem";

/// A public key and a signature of it in the right forms, from a published test suite.
pub const P256_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==";
pub const P256_SIGNATURE: &str =
    "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=";

pub fn secret_of(name: &str) -> String {
    match name {
        "RESEND_WEBHOOK_SECRET" => "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
        "SENDGRID_WEBHOOK_PUBLIC_KEY" => P256_KEY.to_owned(),
        "SES_SNS_TOPIC_ARN" => TOPIC.to_owned(),
        "BREVO_WEBHOOK_AUTH" => "brevo-token".to_owned(),
        other if other.ends_with("_AUTH") => "hook:S3cr3t".to_owned(),
        other => format!("secret-{other}"),
    }
}

/// An account in which every proof and secret is there.
pub fn account(kind: ProviderKind) -> Account {
    account_of(kind, secret_of)
}

/// The same of somebody else: each proof and secret is there, and another one. Whose an asymmetric signature is, the platform says.
pub fn another_account(kind: ProviderKind) -> Account {
    account_of(kind, |name| match name {
        "RESEND_WEBHOOK_SECRET" => "whsec_bm90IHRoZSBvbmU=".to_owned(),
        "SENDGRID_WEBHOOK_PUBLIC_KEY" => P256_KEY.to_owned(),
        "SES_SNS_TOPIC_ARN" => format!("{TOPIC}-of-others"),
        other => format!("another-{other}"),
    })
}

fn account_of(kind: ProviderKind, secret: impl Fn(&str) -> String) -> Account {
    Account::read(kind, |name| {
        let setting = kind.settings().iter().find(|setting| setting.name == name)?;
        match setting.want {
            Want::Url(_) | Want::Text | Want::OptionalText => None,
            Want::Secret | Want::OptionalSecret | Want::Proof => Some(secret(name)),
        }
    })
}

pub fn certificate() -> String {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let with = vectors.as_array().unwrap().iter();
    let mut found = with.filter_map(|vector| vector["cert_pem"].as_str());
    found.next().unwrap().to_owned()
}

/// A post with what its provider proves it by.
#[derive(Clone)]
pub struct Sent {
    pub kind: ProviderKind,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub query: String,
    pub token: Option<String>,
}

/// As the provider would send this body at `at`. Mailgun, UniSender Go and SNS write their proof into it.
pub fn sent_at(kind: ProviderKind, body: &[u8], at: Timestamp) -> Sent {
    let mut sent = Sent {
        kind,
        headers: Headers::new(),
        body: body.to_vec(),
        query: String::new(),
        token: None,
    };
    let seconds = at.as_seconds().to_string();
    match kind {
        ProviderKind::Resend => {
            let secret = secret_of("RESEND_WEBHOOK_SECRET");
            let signed = standard_webhooks::sign(&secret, "msg_1", at, body).unwrap();
            sent.headers = signed
                .iter()
                .map(|(name, value)| (name.replace("webhook-", "svix-"), value.to_owned()))
                .collect();
        }
        ProviderKind::Postmark | ProviderKind::SparkPost => {
            let basic = format!("Basic {}", BASE64.encode("hook:S3cr3t"));
            sent.headers.push("Authorization", &basic);
        }
        ProviderKind::Brevo => sent.headers.push("authorization", "bearer brevo-token"),
        ProviderKind::SendGrid => {
            let names = ["Signature", "Timestamp"].map(|part| format!("X-Twilio-Email-Event-Webhook-{part}"));
            sent.headers.push(&names[0], P256_SIGNATURE);
            sent.headers.push(&names[1], &seconds);
        }
        ProviderKind::Mailgun => sent.body = with_mailgun_signature(body, &seconds),
        ProviderKind::Mailtrap => {
            let mac = hmac_sha256(b"secret-MAILTRAP_WEBHOOK_SECRET", &[body]);
            sent.headers.push("Mailtrap-Signature", &hex::encode(mac));
        }
        ProviderKind::UniSenderGo => sent.body = with_unisender_auth(body),
        ProviderKind::CloudflareEmail | ProviderKind::DashaMail => {
            let route = format!("delivery/{}", kind.as_str());
            sent.token = Some(route_token::derive(HOOK_TOKEN, &route));
        }
        ProviderKind::Ses => sent.headers.push("x-amz-sns-message-type", "Notification"),
        ProviderKind::Outbox | ProviderKind::Mailpit => panic!("{kind:?} has no webhooks"),
    }
    sent
}

pub fn with_mailgun_signature(body: &[u8], seconds: &str) -> Vec<u8> {
    let Ok(mut json) = serde_json::from_slice::<Value>(body) else {
        return body.to_vec();
    };
    let token = json["signature"]["token"]
        .as_str()
        .unwrap_or("token-1")
        .to_owned();
    let mac = hmac_sha256(
        b"secret-MAILGUN_WEBHOOK_SIGNING_KEY",
        &[seconds.as_bytes(), token.as_bytes()],
    );
    if json.is_object() {
        json["signature"] = json!({"timestamp": seconds, "token": token, "signature": hex::encode(mac)});
    }
    json.to_string().into_bytes()
}

pub fn with_unisender_auth(body: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else {
        return body.to_vec();
    };
    let hash = hex::encode(Md5::digest(
        text.replace("PLACEHOLDER", "secret-UNISENDER_GO_API_KEY"),
    ));
    text.replace("PLACEHOLDER", &hash).into_bytes()
}

impl Sent {
    pub fn post(&self) -> Post<'_> {
        Post {
            headers: &self.headers,
            body: &self.body,
            query: &self.query,
            token: self.token.as_deref(),
        }
    }

    /// Verifies it, with the certificate when it is asked for. Asymmetric signatures are taken to hold.
    pub fn verified_with(
        &self,
        account: &Account,
        hook_token: &str,
        now: Timestamp,
    ) -> Result<Genuine<'_>, Error> {
        self.judged(account, hook_token, now, certificate().as_bytes(), true)
    }

    /// The same, with these bytes where the certificate should be; `holds` is what the platform says of an asymmetric signature.
    pub fn judged(
        &self,
        account: &Account,
        hook_token: &str,
        now: Timestamp,
        pem: &[u8],
        holds: bool,
    ) -> Result<Genuine<'_>, Error> {
        let (events, hook_token) = (self.kind.events().unwrap(), Secrets::new(hook_token));
        let mut keys = Keys {
            account,
            hook_token: &hook_token,
            certificate: None,
            now,
        };
        let mut verified = events.verify(self.post(), &keys)?;
        let wanted = match &verified {
            Verified::NeedsCertificate { url } => Some(url.clone()),
            Verified::Genuine(_) | Verified::Pending(_) => None,
        };
        if let Some(url) = &wanted {
            keys.certificate = Some(Certificate { url, pem });
            verified = events.verify(self.post(), &keys)?;
        }
        match verified {
            Verified::Genuine(genuine) => Ok(genuine),
            Verified::Pending(pending) => pending.settle(holds),
            Verified::NeedsCertificate { url } => panic!("{url} was given"),
        }
    }
}
