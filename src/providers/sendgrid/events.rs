//! SendGrid's Event Webhook: many events a post, signed with ECDSA over time and body.
//!
//! Called through `ProviderKind::events`. Sources, below `https://www.twilio.com/docs/sendgrid/for-developers/tracking-events`:
//! `/event`, `/getting-started-event-webhook-security-features`; and github.com/sendgrid/sendgrid-nodejs,
//! `packages/eventwebhook`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::loose::Loose;
use crate::providers::events::{
    Error, Events, Id, Item, Keys, Pending, Post, Report, Verified, agent, code, codes, split, verification,
};
use crate::signing::asymmetric::{Algorithm, Asymmetric};
use crate::signing::{BASE64, asn1};
use base64::Engine as _;

pub const PUBLIC_KEY: &str = "SENDGRID_WEBHOOK_PUBLIC_KEY";

const SIGNATURE: &str = "X-Twilio-Email-Event-Webhook-Signature";
const TIMESTAMP: &str = "X-Twilio-Email-Event-Webhook-Timestamp";

/// It repeats a post for 24 hours, and it is written nowhere whether a repeat is signed anew. What is replayed within this
/// has ids that are known.
const MAX_AGE_SECONDS: i64 = 25 * 3600;

pub const EVENTS: Events = Events {
    provider: "sendgrid",
    setting: PUBLIC_KEY,
    proof: "ECDSA signature (P-256) over time and body, at most 25 hours old",
    set_up: "Settings → Mail Settings → Event Webhooks: the deliverability and engagement events; Security features → Signed \
             Event Webhook, whose verification key is the setting",
    asks_by_get: false,
    verify,
    split: split::objects,
    map,
};

fn verify<'a>(post: Post<'a>, keys: &Keys<'_>) -> Result<Verified<'a>, Error> {
    let public: Vec<Vec<u8>> = verification::secrets(keys, PUBLIC_KEY)?
        .iter()
        .filter_map(|key| BASE64.decode(key).ok())
        .filter(|key| asn1::is_p256(key))
        .collect();
    if public.is_empty() {
        return Err(Error::Unconfigured { setting: PUBLIC_KEY });
    }
    let signed_at = verification::header(post, TIMESTAMP)?;
    if !verification::is_recent(signed_at, MAX_AGE_SECONDS, keys.now) {
        let hint = format!("`{TIMESTAMP}` is no time, or one that is too far from ours");
        return Err(Error::unauthorized(hint));
    }
    let signature = BASE64
        .decode(verification::header(post, SIGNATURE)?)
        .ok()
        .and_then(|der| asn1::ecdsa_pair(&der))
        .ok_or_else(|| Error::unauthorized(format!("`{SIGNATURE}` is no signature")))?;
    let signed = Asymmetric {
        algorithm: Algorithm::EcdsaP256Sha256,
        keys: public,
        message: [signed_at.as_bytes(), post.body].concat(),
        signature,
    };
    Ok(Verified::Pending(Pending::new(post, signed)))
}

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let kind = item.at("event").text().ok_or("it has no `event`")?;
    let kind = match kind.as_ref() {
        "delivered" => DeliveryKind::Delivered,
        "deferred" => DeliveryKind::Deferred,
        "bounce" => bounce(item),
        "dropped" => dropped(&item.at("reason").or(item.at("type")).word()),
        "spamreport" => DeliveryKind::Complaint,
        "unsubscribe" | "group_unsubscribe" => DeliveryKind::Unsubscribed,
        "open" => DeliveryKind::Opened,
        "click" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let event = report.event(
        item,
        kind,
        &Id::Own(item.at("sg_event_id").text()),
        item.at("timestamp"),
    )?;
    event.message = item.at("wend_message").message();
    event.provider_message = provider_message(item.at("sg_message_id"), item.at("smtp-id"));
    event.recipient = item.at("email").email();
    event.machine = item.at("sg_machine_open").is_true();
    event.agent = agent(item.at("useragent"));
    event.url = item.at("url").text().map(|url| ClickedUrl::new(&url));
    // Of what was dropped the words are a fixed set; of a bounce they are the other server's, and its class is the code.
    let not_tried = matches!(kind, DeliveryKind::ProviderSuppressed | DeliveryKind::Failed);
    event.reason = if not_tried {
        code(&item.at("reason").word())
    } else {
        codes(&[item.at("type"), item.at("status")])
    };
    Ok(())
}

/// `blocked` looks like a bounce and is none of the address's: a filter, a full mailbox, a reputation.
fn bounce(item: &Item<'_>) -> DeliveryKind {
    match item.at("type").word().as_ref() {
        "blocked" | "expired" => DeliveryKind::SoftBounce,
        "" if item.at("status").word().starts_with('4') => DeliveryKind::SoftBounce,
        _ => DeliveryKind::HardBounce,
    }
}

/// Only these are about the address; others are about content, account and plan.
fn dropped(reason: &str) -> DeliveryKind {
    match reason.to_ascii_lowercase().as_str() {
        "bounced address" | "unsubscribed address" | "spam reporting address" | "invalid" => {
            DeliveryKind::ProviderSuppressed
        }
        _ => DeliveryKind::Failed,
    }
}

/// The answer to the sending request has the id that `sg_message_id` begins with. It may have dots itself, and `smtp-id`
/// tells where it ends: `<14c5d75ce93.dfd.64b469@ismtpd-555>`.
fn provider_message(long: Loose<'_>, smtp: Loose<'_>) -> Option<String> {
    let long = long.text()?;
    let smtp = smtp.word();
    let own = smtp.trim_start_matches('<').split('@').next().unwrap_or_default();
    let begins = !own.is_empty()
        && long
            .strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let id = if begins { own } else { long.split('.').next()? };
    Some(id.to_owned())
}
