//! DashaMail's webhooks: one event a post, each kind to an address of its own, and no signature.
//!
//! Called through `ProviderKind::events`. The form of a post is not published. So the kind may stand in the address's query,
//! which the store writes itself, and the fields are looked for under the names that DashaMail's API uses, in JSON or in a
//! form. Source of the kinds: `add_transactional_webhook` in github.com/DashaMail/dashamail-python.

use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::http::form;
use crate::providers::events::{Error, Events, Genuine, Id, Item, Report, agent, code, split, verification};
use std::borrow::Cow;

const NAME: &str = "dashamail";

pub const EVENTS: Events = Events {
    provider: NAME,
    setting: verification::HOOK_TOKEN,
    proof: "the token in the address, derived from `HOOK_TOKEN`",
    set_up: "`account.add_tr_webhooks`, or the account's page of webhooks for transactional mail: for each of delivered, \
             hard, soft, spam, unsub, open and click the address with `?event=` and that name behind it",
    asks_by_get: false,
    verify: |post, keys| verification::came_by_token(post, keys, NAME),
    split,
    map,
};

/// A form becomes the object that it stands for.
fn split<'a>(genuine: &Genuine<'a>) -> Result<Vec<Cow<'a, str>>, Error> {
    let body = split::text(genuine.body())?;
    if body.starts_with(['{', '[']) {
        return split::objects(genuine);
    }
    if !body.contains('=') {
        return Err(Error::unreadable("it is neither JSON nor a form"));
    }
    Ok(vec![Cow::Owned(form::document(body))])
}

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    let asked = item
        .query()
        .split('&')
        .find_map(|pair| pair.strip_prefix("event="));
    let told = item.at("event").or(item.at("event_type")).text();
    let name = asked
        .map(Cow::Borrowed)
        .or(told)
        .ok_or("neither it nor the address names the event")?;
    let kind = match name.as_ref() {
        "delivered" => DeliveryKind::Delivered,
        "soft" => DeliveryKind::SoftBounce,
        "hard" => DeliveryKind::HardBounce,
        "spam" => DeliveryKind::Complaint,
        "unsub" => DeliveryKind::Unsubscribed,
        // It is not told whether for the address or for the account.
        "dropped" => DeliveryKind::Failed,
        "open" => DeliveryKind::Opened,
        "click" => DeliveryKind::Clicked,
        _ => return report.ignore(),
    };
    let at = item.at("timestamp").or(item.at("event_time")).or(item.at("time"));
    // Without an id of its own, an event is all that was written of it, and the address it came to.
    let event = report.event(item, kind, &Id::Told(&name), at)?;
    let email = item.at("email").or(item.at("to"));
    event.provider_message = item.at("transaction_id").owned();
    event.recipient = email.email();
    event.agent = agent(item.at("user_agent"));
    event.url = item
        .at("url")
        .or(item.at("link"))
        .text()
        .map(|url| ClickedUrl::new(&url));
    event.reason = code(&name);
    Ok(())
}
