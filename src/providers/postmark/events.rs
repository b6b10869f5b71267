//! Postmark's webhooks: one event a post, with the user and password of the webhook.
//!
//! Called through `ProviderKind::events`. Sources: `https://postmarkapp.com/developer/webhooks/webhooks-overview`, the page
//! of each webhook below it, and `/developer/api/bounce-api#bounce-types`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::{Events, Id, Item, Report, agent, code, split, verification};

pub const AUTH: &str = "POSTMARK_WEBHOOK_AUTH";

pub const EVENTS: Events = Events {
    provider: "postmark",
    setting: AUTH,
    proof: "Basic authentication with the webhook's user and password",
    set_up: "of each message stream: Webhooks → Add webhook, with Basic auth credentials; Delivery, Bounce, Spam complaint \
             and Subscription change",
    asks_by_get: false,
    verify: |post, keys| verification::authorized(post, keys, AUTH),
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let record = item.at("RecordType").text().ok_or("it has no `RecordType`")?;
    let kind = item.at("Type").word();
    let why = item.at("SuppressionReason").word();
    let told = match record.as_ref() {
        "Delivery" => Some(DeliveryKind::Delivered),
        "Bounce" | "SpamComplaint" => of_type(&kind),
        // A provider's own re-subscribing is no consent.
        "SubscriptionChange" if item.at("SuppressSending").is_false() => None,
        "SubscriptionChange" if why == "ManualSuppression" => Some(DeliveryKind::Unsubscribed),
        // After a bounce or complaint of its own, which are told as such.
        "SubscriptionChange" => Some(DeliveryKind::ProviderSuppressed),
        "Open" => Some(DeliveryKind::Opened),
        "Click" => Some(DeliveryKind::Clicked),
        _ => None,
    };
    let Some(told) = told else {
        return report.ignore();
    };
    let recipient = item.at("Email").or(item.at("Recipient"));
    let at = item
        .at("DeliveredAt")
        .or(item.at("BouncedAt"))
        .or(item.at("ReceivedAt"))
        .or(item.at("ChangedAt"));
    let message = item.at("MessageID");
    // Bounces have an id; other records are told apart by all that makes them.
    let content = [
        item.at("RecordType"),
        item.at("Type"),
        item.at("ID"),
        message,
        recipient,
        at,
        item.at("OriginalLink"),
    ];
    let event = report.event(item, told, &Id::Content(&content), at)?;
    event.message = item.at("Metadata").at("message").message();
    event.provider_message = message.owned();
    event.recipient = recipient.email();
    event.reason = code(&item.at("Type").or(item.at("SuppressionReason")).word());
    event.agent = agent(item.at("UserAgent"));
    event.url = item.at("OriginalLink").text().map(|url| ClickedUrl::new(&url));
    Ok(())
}

/// Types of bounces; those that are none have none of ours.
fn of_type(kind: &str) -> Option<DeliveryKind> {
    Some(match kind {
        "HardBounce" | "BadEmailAddress" => DeliveryKind::HardBounce,
        "Transient" | "DnsError" | "OpenRelayTest" => DeliveryKind::Deferred,
        "SpamComplaint" | "SpamNotification" => DeliveryKind::Complaint,
        "Unsubscribe" | "ManualSuppression" => DeliveryKind::Unsubscribed,
        "ManuallyDeactivated" => DeliveryKind::ProviderSuppressed,
        "SMTPApiError" | "TemplateRenderingFailed" | "Unconfirmed" => DeliveryKind::Failed,
        // They are answers of people and programs, and not of a mail server.
        "Subscribe" | "AutoResponder" | "AddressChange" | "ChallengeVerification" | "InboundError" => {
            return None;
        }
        // A full mailbox, a block, a virus or policy filter, and what is added tomorrow: never the end of an address.
        _ => DeliveryKind::SoftBounce,
    })
}
