//! Events of Cloudflare Email Service: they come by a Queue, whose consumer posts them with the route's token.
//!
//! Called through `ProviderKind::events`. No id of ours comes back and answers have none of theirs, so the recipient finds
//! the contact. A post is one message's body, a list of them, or of messages around them. Source:
//! `https://developers.cloudflare.com/email-service/platform/event-subscriptions/`.

use crate::domain::delivery_event::DeliveryKind;
use crate::providers::events::loose::Loose;
use crate::providers::events::{Events, Id, Item, Report, code, split, verification};

const NAME: &str = "cloudflare_email";
const PREFIX: &str = "cf.email.sending.message.";

pub const EVENTS: Events = Events {
    provider: NAME,
    setting: verification::HOOK_TOKEN,
    proof: "the token in the address, derived from `HOOK_TOKEN`",
    set_up: "Queues → a queue → Subscriptions → Subscribe to events, source Email Sending, all events; then a consumer of that \
             queue that posts the bodies of its messages, as a JSON array, to the address",
    asks_by_get: false,
    verify: |post, keys| verification::came_by_token(post, keys, NAME),
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    // A consumer may post whole messages.
    let body = item.at("body");
    let told = if body.is_object() { body } else { item.fields };
    let kind = told.at("type").text().ok_or("it has no `type`")?;
    let payload = told.at("payload");
    let kind = match kind.strip_prefix(PREFIX).unwrap_or_default() {
        "delivered" => DeliveryKind::Delivered,
        "deferred" => DeliveryKind::Deferred,
        // A soft one is told when the retries are used up.
        "bounced" if payload.at("bounce").at("type").word() == "soft" => DeliveryKind::SoftBounce,
        "bounced" => DeliveryKind::HardBounce,
        "rejected" if payload.at("rejection").at("reason").word() == "suppressed" => {
            DeliveryKind::ProviderSuppressed
        }
        "rejected" | "failed" => DeliveryKind::Failed,
        "complained" => DeliveryKind::Complaint,
        _ => return report.ignore(),
    };
    let at = told.at("metadata").at("eventTimestamp");
    let event = report.event(item, kind, &Id::Own(payload.at("eventId").text()), at)?;
    event.provider_message = payload.at("messageId").owned();
    event.recipient = payload.at("recipient").email();
    event.reason = code(&reason(payload).word());
    Ok(())
}

fn reason(payload: Loose<'_>) -> Loose<'_> {
    payload
        .at("rejection")
        .at("reason")
        .or(payload.at("failure").at("reason"))
        .or(payload.at("complaint").at("type"))
        .or(payload.at("delivery").at("smtpEnhancedStatusCode"))
}
