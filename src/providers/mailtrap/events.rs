//! Mailtrap's webhooks: many events a post, as one JSON object or one object a line, signed by HMAC.
//!
//! Called through `ProviderKind::events`. Sources: `https://docs.mailtrap.io/email-api-smtp/analytics/statuses-and-events`,
//! `https://docs.mailtrap.io/developers/webhooks`, and github.com/mailtrap/mailtrap-ruby, `lib/mailtrap/webhooks.rb`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::{Events, Id, Item, Report, agent, code, split, verification};

pub const SECRET: &str = "MAILTRAP_WEBHOOK_SECRET";

pub const EVENTS: Events = Events {
    provider: "mailtrap",
    setting: SECRET,
    proof: "HMAC of the body",
    set_up: "Settings → Webhooks → Add, for each sending stream: JSON or JSON Lines, all events; the signature's secret is \
             shown once",
    asks_by_get: false,
    verify: |post, keys| verification::signed_by_hmac(post, keys, SECRET, "Mailtrap-Signature"),
    split: |genuine| split::under_or_lines(genuine, "events"),
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let told = item.at("event").text().ok_or("it has no `event`")?;
    let category = item.at("bounce_category").word();
    let reason = item.at("reason").word();
    let kind = match told.as_ref() {
        "delivery" => DeliveryKind::Delivered,
        // "The delivery will be attempted 10 more times."
        "soft bounce" | "suspension" => DeliveryKind::Deferred,
        "bounce" if about_sender(&category) => DeliveryKind::SoftBounce,
        "bounce" => DeliveryKind::HardBounce,
        // For a domain that is not verified, or an address on its list.
        "reject" if reason.to_ascii_lowercase().contains("suppress") => DeliveryKind::ProviderSuppressed,
        "reject" => DeliveryKind::Failed,
        "spam" => DeliveryKind::Complaint,
        "unsubscribe" => DeliveryKind::Unsubscribed,
        "open" => DeliveryKind::Opened,
        "click" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let event = report.event(
        item,
        kind,
        &Id::Own(item.at("event_id").text()),
        item.at("timestamp"),
    )?;
    event.message = item.at("custom_variables").at("message").message();
    event.provider_message = item.at("message_id").owned();
    event.recipient = item.at("email").email();
    event.agent = agent(item.at("user_agent"));
    event.url = item.at("url").text().map(|url| ClickedUrl::new(&url));
    event.reason = code(&item.at("bounce_category").or(item.at("event")).word());
    Ok(())
}

/// What was refused for us or for what we wrote, and not for the address; also what the mailbox may yet take.
fn about_sender(category: &str) -> bool {
    [
        "spam",
        "policy",
        "block",
        "reputation",
        "content",
        "full",
        "quota",
    ]
    .iter()
    .any(|part| category.contains(part))
}
