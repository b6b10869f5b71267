//! Amazon SNS, which carries the events of SES: what it signs, with which certificate, and for which topic.
//!
//! Called by `events.rs` beside it. A valid signature proves Amazon and not our topic, so the topic is asked first: whoever
//! posts for another one makes us fetch nothing. Source:
//! `https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html`. For an `UnsubscribeConfirmation` Amazon
//! signs the token too, which aws-js-sns-message-validator overlooks.

use crate::providers::events::loose::Loose;
use crate::providers::events::{Error, Keys, Pending, Post, Verified, split, verification};
use crate::signing::asymmetric::{Algorithm, Asymmetric};
use crate::signing::{BASE64, asn1};
use base64::Engine as _;
use serde_json::Value;

pub const TOPIC_ARN: &str = "SES_SNS_TOPIC_ARN";

/// What SNS wraps a post in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

impl Kind {
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "Notification" => Some(Self::Notification),
            "SubscriptionConfirmation" => Some(Self::SubscriptionConfirmation),
            "UnsubscribeConfirmation" => Some(Self::UnsubscribeConfirmation),
            _ => None,
        }
    }

    /// The fields that are signed, in their order; `Subject` only where it is there.
    const fn signed(self) -> &'static [&'static str] {
        match self {
            Self::Notification => &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
            Self::SubscriptionConfirmation | Self::UnsubscribeConfirmation => &[
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ],
        }
    }
}

pub fn verify<'a>(post: Post<'a>, keys: &Keys<'_>) -> Result<Verified<'a>, Error> {
    let topics = verification::secrets(keys, TOPIC_ARN)?;
    if post.headers.get("x-amz-sns-rawdelivery").is_some() {
        let hint = "raw message delivery takes the signature away; turn it off in the SNS subscription";
        return Err(Error::unauthorized(hint));
    }
    let body = split::text(post.body)?;
    split::object(body)?;
    let body: Value = serde_json::from_str(body).map_err(|error| Error::unreadable(error.to_string()))?;
    let fields = Loose::new(&body);
    let kind = Kind::parse(&fields.at("Type").word())
        .ok_or_else(|| Error::unauthorized("it is no message of SNS; turn raw message delivery off"))?;
    let topic = fields.at("TopicArn").word();
    if !topics.iter().any(|allowed| allowed == topic) {
        return Err(Error::unauthorized(format!(
            "`{TOPIC_ARN}` does not list its topic"
        )));
    }
    let algorithm = match fields.at("SignatureVersion").word().as_ref() {
        "1" => Algorithm::RsaSha1,
        "2" => Algorithm::RsaSha256,
        _ => return Err(Error::unauthorized("its `SignatureVersion` is neither 1 nor 2")),
    };
    let url = fields.at("SigningCertURL").word();
    if !is_amazons(&url) || !url.ends_with(".pem") || url.contains('?') {
        return Err(Error::unauthorized("its certificate is not at an address of SNS"));
    }
    let Some(certificate) = keys.certificate.filter(|certificate| certificate.url == url) else {
        return Ok(Verified::NeedsCertificate {
            url: url.into_owned(),
        });
    };
    let key = asn1::public_key(certificate.pem)
        .ok_or_else(|| Error::unauthorized("what stands at the address of its certificate is none"))?;
    let signature = BASE64
        .decode(fields.at("Signature").word().as_bytes())
        .map_err(|_| Error::unauthorized("its `Signature` is none"))?;
    let signed = Asymmetric {
        algorithm,
        keys: vec![key],
        message: string_to_sign(kind, &body).into_bytes(),
        signature,
    };
    Ok(Verified::Pending(Pending::new(post, signed)))
}

/// `name\nvalue\n` for each field, exactly as it stands in the JSON: not trimmed.
fn string_to_sign(kind: Kind, body: &Value) -> String {
    let mut text = String::new();
    for name in kind.signed() {
        if let Some(value) = body.get(name).and_then(Value::as_str) {
            text.extend([name, "\n", value, "\n"]);
        }
    }
    text
}

/// Whether an address is one of `https://sns.<region>.amazonaws.com`, or of China's `.cn`: the whole host is compared, and
/// there is neither a user nor a port before it ends.
pub fn is_amazons(url: &str) -> bool {
    let host = url
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'))
        .map(|(host, _)| host);
    let region = host.and_then(|host| {
        let host = host.strip_suffix(".cn").unwrap_or(host);
        host.strip_prefix("sns.")?.strip_suffix(".amazonaws.com")
    });
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let printable = url.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    printable && region.is_some_and(|region| region.len() >= 3 && region.bytes().all(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_of_sns_are_amazons() {
        for url in [
            "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
            "https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        ] {
            assert!(is_amazons(url), "{url}");
        }
        for url in [
            "",
            "http://sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com",
            "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
            "https://evil.example/sns.eu-west-1.amazonaws.com/x.pem",
            "https://evil.example/?https://sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
            "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
            "https://user@sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns..amazonaws.com/a.pem",
            "https://sns.amazonaws.com/a.pem",
            "https://xsns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.evil.amazonaws.com/a.pem",
            "https://s3.eu-west-1.amazonaws.com/bucket/a.pem",
            "https://sns.EVIL#.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com/a\n.pem",
            "https://evil.example\\@sns.eu-west-1.amazonaws.com/a.pem",
            "https://sns.eu-west-1.amazonaws.com?/a.pem",
        ] {
            assert!(!is_amazons(url), "{url}");
        }
    }

    #[test]
    fn what_is_signed_is_what_amazon_signs() {
        let body = serde_json::json!({
            "Type": "Notification", "MessageId": "1", "TopicArn": "arn", "Message": " hello\n", "Timestamp": "now",
            "Token": "not signed", "Extra": "x",
        });
        assert_eq!(
            string_to_sign(Kind::Notification, &body),
            "Message\n hello\n\nMessageId\n1\nTimestamp\nnow\nTopicArn\narn\nType\nNotification\n"
        );
    }
}
