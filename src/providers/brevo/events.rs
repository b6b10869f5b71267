//! Brevo's webhooks for transactional mail: one event a post, or a list of them, with a fixed header.
//!
//! Called through `ProviderKind::events`. There is no signature and no id. Source:
//! `https://developers.brevo.com/docs/transactional-webhooks`, and Anymail's `webhooks/brevo.py` for which of its times is UTC.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::loose::Loose;
use crate::providers::events::{Events, Id, Item, Report, agent, code, split, verification};

pub const AUTH: &str = "BREVO_WEBHOOK_AUTH";

pub const EVENTS: Events = Events {
    provider: "brevo",
    setting: AUTH,
    proof: "a fixed `Authorization` header: Basic if the setting is `user:password`, else Bearer",
    set_up: "Transactional → Settings → Webhook, with Basic or token authentication: all events but Sent",
    asks_by_get: false,
    verify: |post, keys| verification::authorized(post, keys, AUTH),
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let told = item.at("event").text().ok_or("it has no `event`")?;
    let kind = match told.as_ref() {
        "delivered" => DeliveryKind::Delivered,
        // Some are the receiving server's final answer.
        "deferred" if is_final(&item.at("reason").word()) => DeliveryKind::SoftBounce,
        "deferred" => DeliveryKind::Deferred,
        "soft_bounce" => DeliveryKind::SoftBounce,
        "hard_bounce" | "invalid_email" => DeliveryKind::HardBounce,
        "blocked" => DeliveryKind::ProviderSuppressed,
        "error" => DeliveryKind::Failed,
        "spam" | "complaint" => DeliveryKind::Complaint,
        "unsubscribe" | "unsubscribed" => DeliveryKind::Unsubscribed,
        "unique_opened" | "opened" | "proxy_open" | "unique_proxy_open" => DeliveryKind::Opened,
        "click" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let (message, link) = (item.at("message-id"), item.at("link"));
    let happened = item.at("ts_event");
    let content = [item.at("event"), message, item.at("email"), happened, link];
    let at = item.at("ts_epoch").or(happened);
    let custom = item.at("X-Mailin-custom").nested();
    let event = report.event(item, kind, &Id::Content(&content), at)?;
    event.message = custom
        .as_ref()
        .and_then(|custom| Loose::new(custom).at("message").message());
    event.provider_message = message.owned();
    event.recipient = item.at("email").email();
    event.machine = told.contains("proxy");
    event.agent = agent(item.at("user_agent"));
    event.url = link.text().map(|url| ClickedUrl::new(&url));
    event.reason = code(&told);
    Ok(())
}

/// `550 …`, alone or behind words.
fn is_final(reason: &str) -> bool {
    let is_code = |word: &str| word.len() == 3 && word.starts_with('5') && word.parse::<u16>().is_ok();
    reason.split([' ', '-', ':']).next().is_some_and(is_code)
}
