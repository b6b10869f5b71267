//! The pages that links in mails lead to, and the dev outbox.

use crate::mails::{sample_mail, shop};
use wend::domain::email::EmailAddress;
use wend::domain::ids::{EmailName, JourneyId, MessageId, StepId};
use wend::domain::time::{Delay, Timestamp};
use wend::render::outbox::{Fate, HeldRow, OutboxMail, OutboxPage};
use wend::render::pages::{Page, page};
use wend::render::words::{Words, words};

fn english() -> &'static Words {
    words(["en"], "en-GB")
}

fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-21T10:05:00Z").unwrap()
}

/// The sample emails, sent eight hours apart; the last one ten minutes ago.
fn mails() -> Vec<OutboxMail> {
    // Those of the three journeys that are there from the start.
    let emails = [
        "welcome-hello",
        "welcome-story",
        "welcome-favourites",
        "checkout-nudge",
        "checkout-reminder",
        "checkout-last-call",
        "order-thank-you",
        "review-request",
    ];
    let mut age = Delay::from_hours(8 * emails.len() as i64);
    let journey = |email: &str| match email.split('-').next() {
        Some("checkout") => "abandoned-checkout",
        Some("welcome") => "welcome",
        _ => "post-purchase",
    };
    let mut sent = vec![];
    for (number, email) in emails.iter().enumerate() {
        age = Delay::from_millis(age.as_millis() - Delay::from_hours(8).as_millis());
        let at = now().minus(age).minus(Delay::from_minutes(10));
        let mut mail = OutboxMail::new(&sample_mail(email), at);
        mail.id = MessageId::parse(&format!("{number:040x}")).unwrap();
        mail.journey = JourneyId::parse(journey(email)).unwrap();
        sent.push(mail);
    }
    sent
}

fn held() -> Vec<HeldRow> {
    let row = |email: &str, journey: &str, fate, reason: &str| HeldRow {
        to: EmailAddress::parse("tomas.novak@example.com").ok(),
        email: EmailName::parse(email).unwrap(),
        journey: JourneyId::parse(journey).unwrap(),
        step: StepId::parse(email).unwrap(),
        fate,
        reason: reason.to_owned(),
    };
    let ago = |hours| Fate::Dropped(now().minus(Delay::from_hours(hours)));
    let later = Fate::HeldUntil(now().plus(Delay::from_hours(2)));
    vec![
        row(
            "checkout-nudge",
            "abandoned-checkout",
            later,
            "the checkout could not be read",
        ),
        row(
            "checkout-reminder",
            "abandoned-checkout",
            ago(3),
            "the checkout was bought",
        ),
        row(
            "welcome-hello",
            "welcome",
            ago(20),
            "no consent to marketing mail",
        ),
    ]
}

fn outbox(mails: &[OutboxMail], held: &[HeldRow], selected: Option<&str>) -> String {
    let origin = "http://127.0.0.1:8787";
    OutboxPage {
        now: now(),
        origin,
        mails,
        selected,
        held,
    }
    .render()
    .unwrap()
}

#[test]
fn only_a_button_unsubscribes() {
    let asking = page(Page::Unsubscribe, &shop(), english()).unwrap();
    assert_eq!(asking.matches("<form method=\"post\">").count(), 1);
    assert_eq!(asking.matches("<button").count(), 1);
    for which in Page::ALL {
        let html = page(which, &shop(), english()).unwrap();
        assert!(
            html.contains("Northfold") && html.contains("<html lang=\"en\">"),
            "{which:?}"
        );
        assert!(
            !html.contains("<script") && !html.contains("src=") && !html.contains("<link"),
            "{which:?}"
        );
        assert_eq!(html.matches("<h1>").count(), 1, "{which:?}");
        let asks = matches!(which, Page::Unsubscribe | Page::Confirm);
        assert_eq!(html.contains("<form"), asks, "{which:?}");
    }
    assert!(
        page(Page::Unsubscribed, &shop(), english())
            .unwrap()
            .contains("You are unsubscribed")
    );
}

#[test]
fn pages_escape_the_shops_own_words() {
    let mut shop = shop();
    shop.brand.name = "Cup & <b>Saucer</b>".to_owned();
    shop.brand.color = "red;} body{display:none".to_owned();
    let html = page(Page::Unsubscribe, &shop, english()).unwrap();
    assert!(!html.contains("<b>") && !html.contains("red;}"));
}

#[test]
fn the_json_has_exactly_the_documented_fields() {
    let mails = mails();
    let json = serde_json::to_value(&mails).unwrap();
    let mail = json[0].as_object().unwrap();
    let mut names: Vec<_> = mail.keys().map(String::as_str).collect();
    names.sort_unstable();
    let documented = [
        "headers", "html", "id", "journey", "sent_at", "step", "stream", "subject", "text", "to",
    ];
    assert_eq!(names, documented);
    assert_eq!(mail["sent_at"], "2026-03-19T01:55:00.000Z");
    assert_eq!(mail["stream"], "marketing");
    assert_eq!(
        mail["headers"]["List-Unsubscribe-Post"],
        "List-Unsubscribe=One-Click"
    );
}

#[test]
fn the_outbox_opens_the_newest_mail_or_the_one_asked_for() {
    let mails = mails();
    let newest = outbox(&mails, &held(), None);
    assert!(newest.contains("<h1>How do you like it?</h1>"));
    assert!(newest.contains("10 min ago") && newest.contains("2 d ago"));
    assert!(newest.contains("Sat 21 Mar 2026, 10:05"));
    assert!(newest.contains("the checkout was bought"));
    assert!(newest.contains("until Sat 21 Mar 2026, 12:05"));
    let asked = outbox(&mails, &held(), Some(mails[0].id.as_str()));
    assert!(asked.contains("<h1>Welcome to Northfold</h1>"));
    assert!(asked.contains("<body class=\"chosen\">"));
    assert!(outbox(&mails, &[], Some("no-such-id")).contains("<h1>How do you like it?</h1>"));
}

#[test]
fn a_mail_cannot_leave_its_frame() {
    let mut mails = mails();
    mails[7].html = "<head></head>\"></iframe><script>alert(1)</script>".to_owned();
    mails[7].subject = "<script>alert(2)</script>".to_owned();
    mails[7].text = "</pre><script>alert(3)</script>".to_owned();
    let html = outbox(&mails, &[], None);
    assert!(!html.contains("<script"));
    assert_eq!(html.matches("<iframe").count(), 1);
    assert!(html.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""));
}

#[test]
fn an_empty_outbox_says_what_to_do() {
    let html = outbox(&[], &[], None);
    assert!(html.contains("curl http://127.0.0.1:8787/hooks/events"));
    assert!(html.contains("webhook-timestamp: 1774087500"));
    assert!(html.contains("npm run demo"));
}

#[test]
fn a_long_history_is_cut_with_a_count() {
    let mail = mails().remove(0);
    let many: Vec<_> = (0..260_u32)
        .map(|n| OutboxMail {
            id: MessageId::parse(&format!("{n:040x}")).unwrap(),
            ..mail.clone()
        })
        .collect();
    assert!(outbox(&many, &[], None).contains("and 60 older ones"));
}
