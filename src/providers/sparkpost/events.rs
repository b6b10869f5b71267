//! SparkPost's webhooks: batches of events, each in a wrapper of its class, with a fixed header.
//!
//! Called through `ProviderKind::events`. Sources: `https://developers.sparkpost.com/api/webhooks/`,
//! `https://support.sparkpost.com/docs/deliverability/bounce-classification-codes`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::loose::Loose;
use crate::providers::events::{Events, Id, Item, Report, agent, code, split, verification};

pub const AUTH: &str = "SPARKPOST_WEBHOOK_AUTH";

const CLASSES: [&str; 4] = ["message_event", "track_event", "unsubscribe_event", "gen_event"];

pub const EVENTS: Events = Events {
    provider: "sparkpost",
    setting: AUTH,
    proof: "a fixed `Authorization` header: Basic if the setting is `user:password`, else Bearer",
    set_up: "Configuration → Webhooks, with Basic auth: the message, engagement, generation and unsubscribe events",
    asks_by_get: false,
    verify: |post, keys| verification::authorized(post, keys, AUTH),
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let wrapper = item.at("msys");
    if !wrapper.is_object() {
        return Err("it has no `msys`");
    }
    let inside = CLASSES.map(|class| wrapper.at(class));
    let Some(told) = inside.into_iter().find(|told| told.is_object()) else {
        // Made at set-up, or a class that we do not take.
        return report.ignore();
    };
    let name = told.at("type").text().ok_or("it has no `type`")?;
    let Some(kind) = kind(&name, told) else {
        return report.ignore();
    };
    let event = report.event(
        item,
        kind,
        &Id::Own(told.at("event_id").text()),
        told.at("timestamp"),
    )?;
    event.message = told.at("rcpt_meta").at("message").message();
    // What the answer to a sending request calls `id`; `message_id` is another one.
    event.provider_message = told.at("transmission_id").owned();
    event.recipient = told.at("raw_rcpt_to").or(told.at("rcpt_to")).email();
    // An initial open is that of a picture on top, which proxies load; a person's open follows it.
    event.machine = name.ends_with("initial_open") || told.at("is_prefetched").is_true();
    event.agent = agent(told.at("user_agent"));
    event.url = told.at("target_link_url").text().map(|url| ClickedUrl::new(&url));
    let class = told.at("bounce_class").word();
    event.reason = if class.is_empty() {
        code(&name)
    } else {
        code(&format!("class {class}"))
    };
    Ok(())
}

fn kind(name: &str, told: Loose<'_>) -> Option<DeliveryKind> {
    Some(match name {
        "delivery" => DeliveryKind::Delivered,
        "delay" => DeliveryKind::Deferred,
        "bounce" | "out_of_band" => return bounce(name, &told.at("bounce_class").word()),
        "spam_complaint" => DeliveryKind::Complaint,
        "list_unsubscribe" | "link_unsubscribe" => DeliveryKind::Unsubscribed,
        "generation_rejection" | "policy_rejection" if held_back(told) => DeliveryKind::ProviderSuppressed,
        "generation_rejection" | "policy_rejection" | "generation_failure" => DeliveryKind::Failed,
        "open" | "initial_open" | "amp_open" | "amp_initial_open" => DeliveryKind::Opened,
        "click" | "amp_click" => DeliveryKind::Clicked,
        _ => return None,
    })
}

/// "554 5.7.1 recipient address suppressed due to customer policy"; other rejections are about content.
fn held_back(told: Loose<'_>) -> bool {
    let reason = told.at("raw_reason").or(told.at("reason"));
    reason.word().contains("suppressed")
}

fn bounce(name: &str, class: &str) -> Option<DeliveryKind> {
    Some(match class {
        "10" | "30" => DeliveryKind::HardBounce,
        "90" => DeliveryKind::Unsubscribed,
        // An answer by machine, a wish to subscribe, a question back.
        "60" | "80" | "100" => return None,
        // Without a class a late bounce is a dead address; with an unknown one nothing is.
        "" if name == "out_of_band" => DeliveryKind::HardBounce,
        _ => DeliveryKind::SoftBounce,
    })
}
