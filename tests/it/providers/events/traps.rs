//! Events that look like something else: one table a provider. `None` is nothing for us.

use super::*;
use wend::domain::delivery_event::DeliveryKind::{
    self, Clicked, Complaint, Deferred, Delivered, Failed, HardBounce, Opened, ProviderSuppressed,
    SoftBounce, Unsubscribed,
};

fn expect(kind: ProviderKind, cases: impl IntoIterator<Item = (Value, Option<DeliveryKind>)>) {
    for (body, expected) in cases {
        let report = told(kind, &body);
        let got: Vec<_> = report.events.iter().map(|event| event.kind).collect();
        assert_eq!(got, expected.into_iter().collect::<Vec<_>>(), "{kind:?} {body}");
        assert_eq!(report.ignored, usize::from(expected.is_none()), "{kind:?} {body}");
        assert!(report.unread.is_empty(), "{kind:?} {body}");
    }
}

#[test]
fn resend() {
    let bounce = |bounce: Value| json!({"type": "email.bounced", "created_at": "2026-01-06T16:00:04Z", "data": {"bounce": bounce}});
    let plain = |name: &str| json!({"type": name, "data": {}});
    let contact = |gone: bool| json!({"type": "contact.updated", "data": {"email": "a@example.com", "unsubscribed": gone}});
    expect(
        ProviderKind::Resend,
        [
            (
                bounce(json!({"type": "Permanent", "subType": "General"})),
                Some(HardBounce),
            ),
            (
                bounce(json!({"type": "Permanent", "subType": "Suppressed"})),
                Some(ProviderSuppressed),
            ),
            (
                bounce(json!({"message": "Resend has suppressed sending to this address"})),
                Some(ProviderSuppressed),
            ),
            (
                bounce(json!({"type": "Transient", "subType": "MailboxFull"})),
                Some(SoftBounce),
            ),
            (bounce(json!({"type": "Undetermined"})), Some(SoftBounce)),
            (
                bounce(json!({"message": "The recipient's email provider sent a hard bounce message."})),
                Some(HardBounce),
            ),
            (
                bounce(json!({"message": "The recipient's email provider sent a general bounce message."})),
                Some(SoftBounce),
            ),
            (bounce(json!(null)), Some(SoftBounce)),
            (plain("email.delivery_delayed"), Some(Deferred)),
            (plain("email.failed"), Some(Failed)),
            (contact(true), Some(Unsubscribed)),
            (contact(false), None),
            (plain("email.sent"), None),
            (plain("email.scheduled"), None),
            (plain("domain.created"), None),
            (plain("email.of_tomorrow"), None),
        ],
    );
}

#[test]
fn postmark() {
    let bounce =
        |kind: &str| json!({"RecordType": "Bounce", "ID": 1, "Type": kind, "Email": "a@example.com"});
    let change = |suppress: bool, reason: Value| json!({"RecordType": "SubscriptionChange", "SuppressSending": suppress, "SuppressionReason": reason});
    expect(
        ProviderKind::Postmark,
        [
            (bounce("HardBounce"), Some(HardBounce)),
            (bounce("BadEmailAddress"), Some(HardBounce)),
            (bounce("SoftBounce"), Some(SoftBounce)),
            (bounce("Blocked"), Some(SoftBounce)),
            (bounce("DMARCPolicy"), Some(SoftBounce)),
            (bounce("OfTomorrow"), Some(SoftBounce)),
            (bounce("Transient"), Some(Deferred)),
            (bounce("DnsError"), Some(Deferred)),
            (bounce("SpamNotification"), Some(Complaint)),
            (bounce("ManuallyDeactivated"), Some(ProviderSuppressed)),
            (bounce("Unsubscribe"), Some(Unsubscribed)),
            (bounce("TemplateRenderingFailed"), Some(Failed)),
            (bounce("Subscribe"), None),
            (bounce("AutoResponder"), None),
            (bounce("AddressChange"), None),
            (change(true, json!("ManualSuppression")), Some(Unsubscribed)),
            (change(true, json!("HardBounce")), Some(ProviderSuppressed)),
            (change(true, json!("SpamComplaint")), Some(ProviderSuppressed)),
            (change(false, json!(null)), None),
            (json!({"RecordType": "Inbound"}), None),
        ],
    );
}

#[test]
fn sendgrid() {
    let bounce = |kind: &str, status: &str| json!({"event": "bounce", "sg_event_id": "1", "type": kind, "status": status});
    let dropped = |reason: &str| json!({"event": "dropped", "sg_event_id": "1", "reason": reason});
    expect(
        ProviderKind::SendGrid,
        [
            (bounce("bounce", "5.1.1"), Some(HardBounce)),
            (bounce("blocked", "5.2.2"), Some(SoftBounce)),
            (bounce("expired", ""), Some(SoftBounce)),
            (bounce("", "4.2.2"), Some(SoftBounce)),
            (bounce("", "5.1.1"), Some(HardBounce)),
            (dropped("Bounced Address"), Some(ProviderSuppressed)),
            (dropped("Unsubscribed Address"), Some(ProviderSuppressed)),
            (dropped("Spam Reporting Address"), Some(ProviderSuppressed)),
            (dropped("Invalid"), Some(ProviderSuppressed)),
            (
                dropped("Spam Content (if spam checker app enabled)"),
                Some(Failed),
            ),
            (dropped("Recipient List over Package Quota"), Some(Failed)),
            (json!({"event": "group_unsubscribe"}), Some(Unsubscribed)),
            (json!({"event": "group_resubscribe"}), None),
            (json!({"event": "processed"}), None),
        ],
    );
    let opened = told(
        ProviderKind::SendGrid,
        &json!([{"event": "open", "sg_machine_open": true}, {"event": "open", "sg_machine_open": false}]),
    );
    assert_eq!(
        opened
            .events
            .iter()
            .map(|event| event.machine)
            .collect::<Vec<_>>(),
        [true, false]
    );
    // Without the other header the id ends at its first dot.
    let short = told(
        ProviderKind::SendGrid,
        &json!({"event": "delivered", "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1.0"}),
    );
    let id = short.events[0].provider_message.as_deref();
    assert_eq!(id, Some("LRzXl_NHStOGhQ4kofSm_A"));
}

#[test]
fn mailgun() {
    let failed = |severity: &str, reason: &str, code: u32| {
        json!({"event-data": {
            "event": "failed", "severity": severity, "reason": reason, "delivery-status": {"code": code},
        }})
    };
    expect(
        ProviderKind::Mailgun,
        [
            (failed("permanent", "bounce", 550), Some(HardBounce)),
            (failed("permanent", "generic", 554), Some(HardBounce)),
            (failed("permanent", "espblock", 550), Some(SoftBounce)),
            (failed("permanent", "old", 602), Some(SoftBounce)),
            (failed("permanent", "generic", 498), Some(SoftBounce)),
            (
                failed("permanent", "suppress-bounce", 605),
                Some(ProviderSuppressed),
            ),
            (
                failed("permanent", "suppress-unsubscribe", 606),
                Some(ProviderSuppressed),
            ),
            (failed("permanent", "generic", 607), Some(ProviderSuppressed)),
            (failed("temporary", "generic", 452), Some(Deferred)),
            (failed("temporary", "greylisted", 450), Some(Deferred)),
            (json!({"event-data": {"event": "rejected"}}), Some(Failed)),
            (json!({"event-data": {"event": "accepted"}}), None),
        ],
    );
    let bot = json!({"event-data": {"event": "opened", "client-info": {"bot": "apple"}}});
    assert!(told(ProviderKind::Mailgun, &bot).events[0].machine);
}

#[test]
fn ses() {
    let bounce = |kind: &str, sub: &str| {
        notification(&json!({"eventType": "Bounce", "bounce": {"bounceType": kind, "bounceSubType": sub}}))
    };
    let complaint =
        |complaint: Value| notification(&json!({"eventType": "Complaint", "complaint": complaint}));
    let subscription = |wish: Value| {
        notification(&json!({"eventType": "Subscription", "subscription": {"newTopicPreferences": wish}}))
    };
    let wish = |status: &str| json!({"topicSubscriptionStatus": [{"topicName": "news", "subscriptionStatus": status}]});
    expect(
        ProviderKind::Ses,
        [
            (bounce("Permanent", "General"), Some(HardBounce)),
            (bounce("Permanent", "NoEmail"), Some(HardBounce)),
            (
                bounce("Permanent", "OnAccountSuppressionList"),
                Some(ProviderSuppressed),
            ),
            (bounce("Permanent", "Suppressed"), Some(ProviderSuppressed)),
            (bounce("Transient", "MailboxFull"), Some(SoftBounce)),
            (bounce("Undetermined", "Undetermined"), Some(SoftBounce)),
            (
                complaint(json!({"complaintFeedbackType": "abuse", "complaintSubType": null})),
                Some(Complaint),
            ),
            (complaint(json!({})), Some(Complaint)),
            (complaint(json!({"complaintFeedbackType": "not-spam"})), None),
            (
                complaint(json!({"complaintSubType": "OnAccountSuppressionList"})),
                Some(ProviderSuppressed),
            ),
            (
                notification(&json!({"notificationType": "Delivery", "delivery": {}})),
                Some(Delivered),
            ),
            (
                notification(&json!({"eventType": "DeliveryDelay"})),
                Some(Deferred),
            ),
            (notification(&json!({"eventType": "Reject"})), Some(Failed)),
            (
                notification(&json!({"eventType": "Rendering Failure"})),
                Some(Failed),
            ),
            (subscription(json!({"unsubscribeAll": true})), Some(Unsubscribed)),
            (subscription(wish("OptOut")), Some(Unsubscribed)),
            (subscription(wish("OptIn")), None),
            (notification(&json!({"eventType": "Send"})), None),
            (
                notification(&json!(
                    "Successfully validated SNS topic for Amazon SES event publishing."
                )),
                None,
            ),
        ],
    );
    let mut plain = notification(&json!(null));
    plain["Message"] = json!("Successfully validated SNS topic for Amazon SES event publishing.");
    expect(ProviderKind::Ses, [(plain, None)]);
}

#[test]
fn ses_tells_each_recipient_and_finds_our_id_in_a_header_too() {
    let ours = "ab".repeat(20);
    let report = told(
        ProviderKind::Ses,
        &notification(&json!({
            "eventType": "Bounce",
            "mail": {"headers": [{"name": "X-Wend-Message", "value": ours}]},
            "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
                {"emailAddress": "a@example.com"}, {"emailAddress": "b@example.com"},
            ]},
        })),
    );
    let ids: Vec<_> = report.events.iter().map(|event| event.id.as_str()).collect();
    assert_eq!(ids, ["ses:n-1", "ses:n-1/1"]);
    for event in &report.events {
        assert_eq!(event.message.as_ref().unwrap().as_str(), ours);
    }
}

#[test]
fn brevo() {
    let plain = |name: &str| json!({"event": name});
    let deferred = |reason: &str| json!({"event": "deferred", "reason": reason});
    expect(
        ProviderKind::Brevo,
        [
            (deferred("550 5.7.1 rejected"), Some(SoftBounce)),
            (deferred("554-blocked"), Some(SoftBounce)),
            (deferred("451 try again"), Some(Deferred)),
            (deferred("5 minutes later"), Some(Deferred)),
            (plain("deferred"), Some(Deferred)),
            (plain("soft_bounce"), Some(SoftBounce)),
            (plain("invalid_email"), Some(HardBounce)),
            (plain("blocked"), Some(ProviderSuppressed)),
            (plain("error"), Some(Failed)),
            (plain("complaint"), Some(Complaint)),
            (plain("request"), None),
            (plain("list_addition"), None),
        ],
    );
    for (name, machine) in [
        ("unique_opened", false),
        ("opened", false),
        ("proxy_open", true),
        ("unique_proxy_open", true),
    ] {
        let report = told(ProviderKind::Brevo, &plain(name));
        assert_eq!(
            (report.events[0].kind, report.events[0].machine),
            (Opened, machine),
            "{name}"
        );
    }
}

#[test]
fn sparkpost() {
    let message = |fields: Value| json!({"msys": {"message_event": fields}});
    let bounce = |class: &str| message(json!({"type": "bounce", "event_id": "1", "bounce_class": class}));
    let rejected = |reason: &str| json!({"msys": {"gen_event": {"type": "policy_rejection", "event_id": "1", "raw_reason": reason}}});
    let mut cases = vec![
        (bounce("10"), Some(HardBounce)),
        (bounce("30"), Some(HardBounce)),
        (bounce("90"), Some(Unsubscribed)),
        (message(json!({"type": "out_of_band"})), Some(HardBounce)),
        (
            message(json!({"type": "out_of_band", "bounce_class": "22"})),
            Some(SoftBounce),
        ),
        (message(json!({"type": "delay"})), Some(Deferred)),
        (message(json!({"type": "injection"})), None),
        (
            rejected("554 5.7.1 recipient address suppressed due to customer policy"),
            Some(ProviderSuppressed),
        ),
        (rejected("550 content rejected"), Some(Failed)),
        (json!({"msys": {}}), None),
        (json!({"msys": {"relay_message": {"type": "x"}}}), None),
        (
            json!({"msys": {"unsubscribe_event": {"type": "link_unsubscribe"}}}),
            Some(Unsubscribed),
        ),
    ];
    for class in [
        "20", "21", "22", "23", "24", "40", "50", "51", "52", "53", "54", "70", "1", "25", "999",
    ] {
        cases.push((bounce(class), Some(SoftBounce)));
    }
    cases.extend(["60", "80", "100"].map(|class| (bounce(class), None)));
    expect(ProviderKind::SparkPost, cases);
    for (fields, machine) in [
        (json!({"type": "open"}), false),
        (json!({"type": "open", "is_prefetched": true}), true),
        (json!({"type": "initial_open"}), true),
        (json!({"type": "amp_initial_open"}), true),
    ] {
        let report = told(ProviderKind::SparkPost, &json!({"msys": {"track_event": fields}}));
        assert_eq!(
            (report.events[0].kind, report.events[0].machine),
            (Opened, machine)
        );
    }
}

#[test]
fn mailtrap() {
    let bounce = |category: &str| json!({"event": "bounce", "event_id": "1", "bounce_category": category});
    expect(
        ProviderKind::Mailtrap,
        [
            (bounce("invalid_recipient"), Some(HardBounce)),
            (bounce(""), Some(HardBounce)),
            (bounce("spam"), Some(SoftBounce)),
            (bounce("mailbox_full"), Some(SoftBounce)),
            (json!({"event": "soft bounce"}), Some(Deferred)),
            (json!({"event": "suspension"}), Some(Deferred)),
            (
                json!({"event": "reject", "reason": "Recipient is in suppression list"}),
                Some(ProviderSuppressed),
            ),
            (
                json!({"event": "reject", "reason": "domain is not verified"}),
                Some(Failed),
            ),
            (
                json!({"event": "click", "url": "https://shop.example"}),
                Some(Clicked),
            ),
            (json!({"event": "sending"}), None),
        ],
    );
}

#[test]
fn unisender_go() {
    let event = |fields: Value| json!({"event_name": "transactional_email_status", "event_data": fields});
    let post = |events: Value| json!({"auth": "PLACEHOLDER", "events_by_user": [{"events": events}]});
    let hard = |why: &str| {
        let info = json!({"delivery_status": why});
        post(json!([event(
            json!({"status": "hard_bounced", "delivery_info": info})
        )]))
    };
    expect(
        ProviderKind::UniSenderGo,
        [
            (hard("err_user_unknown"), Some(HardBounce)),
            (hard("err_user_inactive"), Some(HardBounce)),
            (hard("err_spam_rejected"), Some(SoftBounce)),
            (hard("err_mailbox_full"), Some(SoftBounce)),
            (hard("err_domain_inactive"), Some(SoftBounce)),
            (hard("err_unsubscribed"), Some(ProviderSuppressed)),
            (
                post(json!([event(json!({"status": "soft_bounced"}))])),
                Some(Deferred),
            ),
            (post(json!([event(json!({"status": "sent"}))])), None),
            (
                post(json!([{"event_name": "transactional_spam_block", "event_data": {}}])),
                None,
            ),
            // One event a post: its fields stand beside `auth`.
            (
                json!({
                    "auth": "PLACEHOLDER", "event_name": "transactional_email_status", "status": "delivered",
                    "job_id": "1", "email": "a@example.ru", "event_time": "2026-01-06 16:00:03",
                }),
                Some(Delivered),
            ),
        ],
    );
}

#[test]
fn cloudflare() {
    let event = |name: &str, payload: Value| json!({"type": format!("cf.email.sending.message.{name}"), "payload": payload});
    expect(
        ProviderKind::CloudflareEmail,
        [
            (
                event("bounced", json!({"bounce": {"type": "hard"}})),
                Some(HardBounce),
            ),
            (
                event("bounced", json!({"bounce": {"type": "soft"}})),
                Some(SoftBounce),
            ),
            (
                event("deferred", json!({"bounce": {"type": "soft"}})),
                Some(Deferred),
            ),
            (
                event("rejected", json!({"rejection": {"reason": "suppressed"}})),
                Some(ProviderSuppressed),
            ),
            (
                event("rejected", json!({"rejection": {"reason": "spam"}})),
                Some(Failed),
            ),
            (event("failed", json!({})), Some(Failed)),
            // A consumer that posts the whole message.
            (
                json!({"id": "1", "body": event("complained", json!({}))}),
                Some(Complaint),
            ),
            (event("of_tomorrow", json!({})), None),
            (json!({"type": "cf.r2.bucket.created"}), None),
        ],
    );
    let batch = json!([
        event("delivered", json!({"eventId": "1"})),
        event("complained", json!({"eventId": "2"}))
    ]);
    assert_eq!(told(ProviderKind::CloudflareEmail, &batch).events.len(), 2);
}
