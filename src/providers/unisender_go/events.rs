//! UniSender Go's callbacks: up to a hundred events a post, or one; the body has an MD5 of itself in which the API key stands
//! in the place of that MD5.
//!
//! Called through `ProviderKind::events`. Sources: `https://godocs.unisender.ru/web-api-ref#callback-format`,
//! `https://godocs.unisender.ru/email-statuses`.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::providers::events::loose::Loose;
use crate::providers::events::{
    Error, Events, Genuine, Id, Item, Keys, Post, Report, Verified, agent, code, split, verification,
};
use crate::signing;
use md5::{Digest as _, Md5};
use std::borrow::Cow;

pub const API_KEY: &str = "UNISENDER_GO_API_KEY";

/// Hex digits of an MD5.
const AUTH_DIGITS: usize = 32;

pub const EVENTS: Events = Events {
    provider: "unisender_go",
    setting: API_KEY,
    proof: "MD5 of the body with the API key in it: the key of the account or project that sends",
    set_up: "Settings → Webhooks, or the API's `webhook/set.json`: statuses delivered, opened, clicked, unsubscribed, \
             soft_bounced, hard_bounced and spam, in JSON",
    asks_by_get: true,
    verify,
    split,
    map,
};

fn verify<'a>(post: Post<'a>, keys: &Keys<'_>) -> Result<Verified<'a>, Error> {
    let secrets = verification::secrets(keys, API_KEY)?;
    let body = split::text(post.body)?;
    let fields = split::object(body)?;
    let auth: Option<String> = fields
        .get("auth")
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let is_hash = |auth: &String| auth.len() == AUTH_DIGITS && auth.bytes().all(|b| b.is_ascii_hexdigit());
    let Some(auth) = auth.filter(is_hash) else {
        return Err(Error::unauthorized("the body has no `auth`"));
    };
    // The bytes as they came, whitespace around them included.
    let raw = std::str::from_utf8(post.body).unwrap_or(body);
    let holds = secrets.iter().any(|key| {
        let hash = hex::encode(Md5::digest(raw.replace(&auth, key)));
        signing::same(hash.as_bytes(), auth.to_ascii_lowercase().as_bytes())
    });
    let hint =
        "`auth` does not match the body; check that the API key is that of the account or project that sends";
    verification::genuine_if(post, holds, hint)
}

/// `{"events_by_user": [{"events": [{"event_name": …, "event_data": {…}}]}]}`, or one event's fields beside `auth`.
fn split<'a>(genuine: &Genuine<'a>) -> Result<Vec<Cow<'a, str>>, Error> {
    let body = split::text(genuine.body())?;
    let Some(users) = split::object(body)?.remove("events_by_user") else {
        return Ok(vec![Cow::Borrowed(body)]);
    };
    let users: Vec<&'a serde_json::value::RawValue> =
        serde_json::from_str(users.get()).map_err(|_| split::not_a_list("events_by_user"))?;
    let mut events = Vec::new();
    for user in users {
        let list = split::object(user.get())?.remove("events");
        let list = list.ok_or_else(|| split::not_a_list("events"))?;
        events.extend(split::elements(list.get()).map_err(|_| split::not_a_list("events"))?);
    }
    Ok(events)
}

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let name = item.at("event_name").text().ok_or("it has no `event_name`")?;
    if name != "transactional_email_status" {
        return report.ignore();
    }
    let inside = item.at("event_data");
    let data = if inside.is_object() { inside } else { item.fields };
    let status = data.at("status").text().ok_or("it has no `status`")?;
    let info = data.at("delivery_info");
    let delivery = info.at("delivery_status");
    let kind = match status.as_ref() {
        "delivered" => DeliveryKind::Delivered,
        // It goes on trying.
        "soft_bounced" => DeliveryKind::Deferred,
        "hard_bounced" => hard(&delivery.word()),
        "spam" => DeliveryKind::Complaint,
        "unsubscribed" => DeliveryKind::Unsubscribed,
        "opened" => DeliveryKind::Opened,
        "clicked" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let (job, email) = (data.at("job_id"), data.at("email"));
    let (at, url) = (data.at("event_time"), data.at("url"));
    let content: [Loose<'_>; 5] = [job, email, data.at("status"), at, url];
    let event = report.event(item, kind, &Id::Content(&content), at)?;
    event.message = data.at("metadata").at("message").message();
    event.provider_message = job.owned();
    event.recipient = email.email();
    event.agent = agent(info.at("user_agent"));
    event.url = url.text().map(|url| ClickedUrl::new(&url));
    event.reason = code(&delivery.or(data.at("status")).word());
    Ok(())
}

/// "Hard" covers whatever ended the attempts, a spam filter's answer too. Only these are about the address.
fn hard(delivery: &str) -> DeliveryKind {
    match delivery {
        "err_user_unknown" | "err_user_inactive" => DeliveryKind::HardBounce,
        // It had unsubscribed before, and nothing was tried.
        "err_unsubscribed" => DeliveryKind::ProviderSuppressed,
        _ => DeliveryKind::SoftBounce,
    }
}
