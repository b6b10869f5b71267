//! Resend's webhooks: one event a post, signed as Svix does.
//!
//! Called through `ProviderKind::events`. Sources: `https://resend.com/docs/dashboard/webhooks/event-types`, `webhooks` in
//! github.com/resend/resend-openapi, and Anymail's `webhooks/resend.py` for bounces without a type.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::domain::mail::MESSAGE_HEADER;
use crate::providers::events::loose::Loose;
use crate::providers::events::{Events, Id, Item, Report, agent, code, codes, split, verification};
use std::borrow::Cow;

pub const SECRET: &str = "RESEND_WEBHOOK_SECRET";

pub const EVENTS: Events = Events {
    provider: "resend",
    setting: SECRET,
    proof: "signed by the Standard Webhooks scheme (Svix headers), at most 5 minutes old",
    set_up: "Webhooks → Add webhook: all `email.*` events and `contact.updated`; the signing secret (`whsec_…`) is shown \
             with the webhook",
    asks_by_get: false,
    verify: |post, keys| verification::signed_by_standard_webhooks(post, keys, SECRET),
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let kind = item.at("type").text().ok_or("it has no `type`")?;
    let data = item.at("data");
    let (kind, reason) = match kind.as_ref() {
        "email.delivered" => (DeliveryKind::Delivered, None),
        "email.delivery_delayed" => (DeliveryKind::Deferred, None),
        "email.bounced" => bounce(data.at("bounce")),
        "email.complained" => (DeliveryKind::Complaint, None),
        "email.suppressed" => {
            let told = data.at("suppressed");
            let reason = code(&told.at("reason").or(told.at("type")).word());
            (DeliveryKind::ProviderSuppressed, reason)
        }
        "email.failed" => (DeliveryKind::Failed, code(&data.at("failed").at("reason").word())),
        "email.opened" => (DeliveryKind::Opened, None),
        "email.clicked" => (DeliveryKind::Clicked, None),
        "contact.updated" if data.at("unsubscribed").is_true() => (DeliveryKind::Unsubscribed, None),
        _ => return report.ignore(),
    };
    // The same for every attempt, and signed; a post holds one event.
    let id = item.header("svix-id").or_else(|| item.header("webhook-id"));
    let id = Id::Own(id.map(Cow::Borrowed));
    let event = report.event(item, kind, &id, item.at("created_at"))?;
    let headers = data.at("headers");
    event.message = tag(data.at("tags"), "message")
        .message()
        .or_else(|| headers.header(MESSAGE_HEADER).message());
    event.provider_message = data.at("email_id").owned();
    // One recipient a message: of several it would not be told which one it was.
    event.recipient = data.at("to").first().or(data.at("email")).email();
    event.reason = reason;
    let seen = data.at("click").or(data.at("open"));
    event.agent = agent(seen.at("userAgent"));
    event.url = seen.at("link").text().map(|url| ClickedUrl::new(&url));
    Ok(())
}

/// `tags` is an object; older events have a list of names and values.
fn tag<'a>(tags: Loose<'a>, name: &str) -> Loose<'a> {
    tags.at(name).or(tags.header(name))
}

fn bounce(bounce: Loose<'_>) -> (DeliveryKind, Option<String>) {
    let (kind, sub) = (bounce.at("type").word(), bounce.at("subType").word());
    let message = bounce.at("message").word();
    let reason = codes(&[bounce.at("type"), bounce.at("subType")]);
    let held_back = ["Suppressed", "OnAccountSuppressionList"].contains(&sub.as_ref())
        || message.contains("suppressed sending");
    let kind = match kind.as_ref() {
        _ if held_back => DeliveryKind::ProviderSuppressed,
        "Permanent" => DeliveryKind::HardBounce,
        "" if message.contains("hard bounce") => DeliveryKind::HardBounce,
        _ => DeliveryKind::SoftBounce,
    };
    (kind, reason)
}
