//! Events of Amazon SES, as SNS carries them: one event a post.
//!
//! Called through `ProviderKind::events`. Sources, below `https://docs.aws.amazon.com/ses/latest/dg`:
//! `/event-publishing-retrieving-sns-contents.html`, `/event-publishing-retrieving-sns-examples.html`, and
//! `/notification-contents.html` for those without a configuration set, which name their kind otherwise.

use super::sns::{self, Kind, TOPIC_ARN};
use crate::domain::delivery_event::{ClickedUrl, DeliveryKind};
use crate::domain::mail::MESSAGE_HEADER;
use crate::providers::events::loose::Loose;
use crate::providers::events::{Events, Id, Item, Report, agent, code, codes, split};

pub const EVENTS: Events = Events {
    provider: "ses",
    setting: TOPIC_ARN,
    proof: "signature of Amazon SNS (version 1 or 2) by a certificate of `sns.<region>.amazonaws.com`, and a topic that the \
            setting lists",
    set_up: "an SNS topic, whose ARN is the setting; Configuration sets → the one of `SES_CONFIGURATION_SET` → Event \
             destinations → Amazon SNS, that topic, all events but Sends; then a subscription of the topic, protocol HTTPS, raw \
             message delivery off: it is confirmed by itself",
    asks_by_get: false,
    verify: sns::verify,
    split: split::objects,
    map,
};

fn map(item: &Item<'_>, report: &mut Report) -> Result<(), &'static str> {
    match Kind::parse(&item.at("Type").word()) {
        Some(Kind::Notification) => {}
        Some(Kind::SubscriptionConfirmation) => {
            let url = item.at("SubscribeURL").word();
            if !sns::is_amazons(&url) {
                return Err("its `SubscribeURL` is not at an address of SNS");
            }
            report.confirm = Some(url.into_owned());
            return Ok(());
        }
        Some(Kind::UnsubscribeConfirmation) => return report.ignore(),
        None => return Err("it has no `Type`"),
    }
    // "Successfully validated SNS topic for Amazon SES event publishing."
    let Some(event) = item.at("Message").nested().filter(serde_json::Value::is_object) else {
        return report.ignore();
    };
    tell(item, Loose::new(&event), report)
}

fn tell(item: &Item<'_>, event: Loose<'_>, report: &mut Report) -> Result<(), &'static str> {
    let name = event.at("eventType").or(event.at("notificationType")).text();
    let name = name.ok_or("it has no `eventType`")?;
    let mail = event.at("mail");
    let bounce = event.at("bounce");
    let complaint = event.at("complaint");
    // What the event is about, and the lists in which its recipients stand.
    let (kind, told, recipients) = match name.as_ref() {
        "Delivery" => {
            let told = event.at("delivery");
            (DeliveryKind::Delivered, told, told.at("recipients"))
        }
        "DeliveryDelay" => {
            let told = event.at("deliveryDelay");
            (DeliveryKind::Deferred, told, told.at("delayedRecipients"))
        }
        "Bounce" => (of_bounce(bounce), bounce, bounce.at("bouncedRecipients")),
        "Complaint" => match of_complaint(complaint) {
            Some(kind) => (kind, complaint, complaint.at("complainedRecipients")),
            None => return report.ignore(),
        },
        "Reject" => (DeliveryKind::Failed, event.at("reject"), mail.at("destination")),
        "Rendering Failure" => (DeliveryKind::Failed, event.at("failure"), mail.at("destination")),
        "Open" => (DeliveryKind::Opened, event.at("open"), mail.at("destination")),
        "Click" => (DeliveryKind::Clicked, event.at("click"), mail.at("destination")),
        "Subscription" if opts_out(event.at("subscription")) => (
            DeliveryKind::Unsubscribed,
            event.at("subscription"),
            mail.at("destination"),
        ),
        _ => return report.ignore(),
    };
    let at = told.at("timestamp").or(item.at("Timestamp"));
    let id = item.at("MessageId");
    // An event without a recipient is one all the same.
    let recipients: Vec<_> = recipients.items().map(Some).collect();
    let recipients = if recipients.is_empty() {
        vec![None]
    } else {
        recipients
    };
    for (nth, recipient) in recipients.into_iter().enumerate() {
        let made = report.event(item, kind, &Id::Nth(id.text(), nth), at)?;
        made.message = message(mail);
        made.provider_message = mail.at("messageId").owned();
        made.recipient = recipient.and_then(|one| one.at("emailAddress").or(one).email());
        // Of a complaint it is that of the feedback loop.
        if matches!(kind, DeliveryKind::Opened | DeliveryKind::Clicked) {
            made.agent = agent(told.at("userAgent"));
        }
        made.url = told.at("link").text().map(|url| ClickedUrl::new(&url));
        made.reason = reason(&name, told);
    }
    Ok(())
}

/// Tags are only published through a configuration set; then headers may still be there, unless they were too many.
fn message(mail: Loose<'_>) -> Option<crate::domain::ids::MessageId> {
    let tagged = mail.at("tags").at("message").first().message();
    tagged.or_else(|| mail.at("headers").header(MESSAGE_HEADER).message())
}

fn of_bounce(bounce: Loose<'_>) -> DeliveryKind {
    let sub = bounce.at("bounceSubType").word();
    match (bounce.at("bounceType").word().as_ref(), sub.as_ref()) {
        // The account's own list, and the one that all accounts share.
        (_, "OnAccountSuppressionList" | "Suppressed") => DeliveryKind::ProviderSuppressed,
        (_, "UnsubscribedRecipient") => DeliveryKind::ProviderSuppressed,
        ("Permanent", _) => DeliveryKind::HardBounce,
        _ => DeliveryKind::SoftBounce,
    }
}

fn of_complaint(complaint: Loose<'_>) -> Option<DeliveryKind> {
    if complaint.at("complaintSubType").word() == "OnAccountSuppressionList" {
        return Some(DeliveryKind::ProviderSuppressed);
    }
    // Somebody took a mail out of the spam folder.
    let praised = complaint.at("complaintFeedbackType").word() == "not-spam";
    (!praised).then_some(DeliveryKind::Complaint)
}

/// An unsubscribing through SES's own list management, from all or from any topic: the stricter reading.
fn opts_out(subscription: Loose<'_>) -> bool {
    let wished = subscription.at("newTopicPreferences");
    let topics = wished
        .at("topicSubscriptionStatus")
        .or(wished.at("topicPreferences"));
    wished.at("unsubscribeAll").is_true()
        || topics.items().any(|topic| {
            topic
                .at("subscriptionStatus")
                .word()
                .eq_ignore_ascii_case("optout")
        })
}

fn reason(name: &str, told: Loose<'_>) -> Option<String> {
    match name {
        "Bounce" => codes(&[told.at("bounceType"), told.at("bounceSubType")]),
        "Complaint" => code(
            &told
                .at("complaintSubType")
                .or(told.at("complaintFeedbackType"))
                .word(),
        ),
        "DeliveryDelay" => code(&told.at("delayType").word()),
        "Reject" => code(&told.at("reason").word()),
        "Rendering Failure" => code("rendering_failure"),
        _ => None,
    }
}
