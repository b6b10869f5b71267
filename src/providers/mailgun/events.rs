//! Mailgun's webhooks: one event a post, with the HMAC of a time and a token in the body.
//!
//! Called through `ProviderKind::events`. The signature does not cover the event, so the token is the event's id: whoever
//! repeats a token with another event tells nothing. Sources, below `https://documentation.mailgun.com/docs/mailgun`:
//! `/user-manual/webhooks/securing-webhooks`, `/user-manual/webhooks/webhook-retries`, `/user-manual/events/event-structure`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::loose::Loose;
use crate::providers::events::{
    Error, Events, Id, Item, Keys, Post, Report, Verified, agent, codes, split, verification,
};
use serde_json::Value;

pub const SIGNING_KEY: &str = "MAILGUN_WEBHOOK_SIGNING_KEY";

/// A post is repeated for 8 hours, and it is written nowhere whether a repeat is signed anew.
const MAX_AGE_SECONDS: i64 = 9 * 3600;

pub const EVENTS: Events = Events {
    provider: "mailgun",
    setting: SIGNING_KEY,
    proof: "HMAC of a time and a token, at most 9 hours old; it does not cover the event itself",
    set_up: "Send → Sending → Webhooks, of the domain: delivered, permanent and temporary failure, complained, unsubscribed; \
             the HTTP webhook signing key is under Settings → API security",
    asks_by_get: false,
    verify,
    split: split::objects,
    map,
};

fn verify<'a>(post: Post<'a>, keys: &Keys<'_>) -> Result<Verified<'a>, Error> {
    let secrets = verification::secrets(keys, SIGNING_KEY)?;
    let body: Value = serde_json::from_str(split::text(post.body)?)
        .map_err(|_| Error::unreadable("it is no JSON; webhooks of Mailgun's old form are not taken"))?;
    let signature = Loose::new(&body).at("signature");
    let part = |name| signature.at(name).word();
    let (signed_at, token) = (part("timestamp"), part("token"));
    if token.is_empty() {
        return Err(Error::unauthorized("the body has no signature"));
    }
    if !verification::is_recent(&signed_at, MAX_AGE_SECONDS, keys.now) {
        return Err(Error::unauthorized("the signature's time is too far from ours"));
    }
    let signed = format!("{signed_at}{token}");
    let holds = verification::hmac_holds(secrets, signed.as_bytes(), &part("signature"));
    let hint = "the signature does not match; check that the key is the account's HTTP webhook signing key";
    verification::genuine_if(post, holds, hint)
}

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let data = item.at("event-data");
    let kind = data.at("event").text().ok_or("it has no `event-data.event`")?;
    let kind = match kind.as_ref() {
        "delivered" => DeliveryKind::Delivered,
        "failed" => failure(data),
        "rejected" => DeliveryKind::Failed,
        "complained" => DeliveryKind::Complaint,
        "unsubscribed" => DeliveryKind::Unsubscribed,
        "opened" => DeliveryKind::Opened,
        "clicked" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let id = Id::Own(item.at("signature").at("token").text());
    let event = report.event(item, kind, &id, data.at("timestamp"))?;
    let client = data.at("client-info");
    event.message = data.at("user-variables").at("message").message();
    event.provider_message = data
        .at("message")
        .at("headers")
        .at("message-id")
        .text()
        .map(|id| id.trim_matches(['<', '>']).to_owned());
    event.recipient = data.at("recipient").email();
    event.machine = !client.at("bot").word().is_empty();
    event.agent = agent(client.at("user-agent"));
    event.url = data.at("url").text().map(|url| ClickedUrl::new(&url));
    event.reason = codes(&[data.at("reason"), data.at("delivery-status").at("code")]);
    Ok(())
}

/// Codes beyond those of SMTP are Mailgun's own: 605 and 607 for addresses on its lists, 498 and 499 for hosts that cannot
/// be found or reached.
fn failure(data: Loose<'_>) -> DeliveryKind {
    let reason = data.at("reason").word();
    let status = data.at("delivery-status");
    let code: u32 = status.at("code").word().parse().unwrap_or_default();
    if reason.starts_with("suppress-") || matches!(code, 605 | 607) {
        return DeliveryKind::ProviderSuppressed;
    }
    if data.at("severity").word() == "temporary" {
        return DeliveryKind::Deferred;
    }
    // A block of the sender is answered with 5xx as well.
    let block = ["espblock", "blacklisted", "greylisted", "old"].contains(&reason.as_ref());
    let soft = status.at("bounce-type").word() == "soft";
    if (500..600).contains(&code) && !block && !soft {
        DeliveryKind::HardBounce
    } else {
        DeliveryKind::SoftBounce
    }
}
