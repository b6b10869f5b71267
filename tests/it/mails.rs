//! Every email with sample data, as people would read it; and what hostile data cannot do to one.

use insta::assert_snapshot;

use std::path::Path;
use wend::domain::contact::Profile;
use wend::domain::email::EmailAddress;
use wend::domain::event::{EventData, LineItem};
use wend::domain::ids::{EmailName, EnrollmentId, JourneyId, MessageId, StepId};
use wend::domain::mail::OutgoingEmail;
use wend::domain::message::{Lane, Message, MessageState, Stream};
use wend::domain::money::{Currency, Money};
use wend::domain::time::Timestamp;
use wend::journey::store_file::{Brand, OnUnknown, Region, Sender, StoreFile};
use wend::render::email::{Draft, Error, Linking, compose};
use wend::render::links::{LinkKeys, Purpose};
use wend::render::sample;

const EMAILS: [(&str, Stream); 8] = [
    ("welcome-hello", Stream::Marketing),
    ("welcome-story", Stream::Marketing),
    ("welcome-favourites", Stream::Marketing),
    ("checkout-nudge", Stream::Marketing),
    ("checkout-reminder", Stream::Marketing),
    ("checkout-last-call", Stream::Marketing),
    ("order-thank-you", Stream::Transactional),
    ("review-request", Stream::Marketing),
];
const LINK_KEY: &str = "0123456789abcdef0123456789abcdef";

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn shop() -> StoreFile {
    StoreFile {
        brand: Brand {
            name: "Harbour Lane".to_owned(),
            url: "https://harbourlane.example".to_owned(),
            logo: None,
            color: "#1f4d3a".to_owned(),
            address: "12 Harbour Lane, Bristol BS1 4RN, United Kingdom".to_owned(),
            support_email: address("help@harbourlane.example"),
        },
        sender: Sender {
            name: "Harbour Lane".to_owned(),
            from: address("hello@mail.harbourlane.example"),
            reply_to: Some(address("help@harbourlane.example")),
        },
        locale: "en-GB".to_owned(),
        timezone: "Europe/London".to_owned(),
        currency: currency("GBP"),
        region: Region::Strict,
        events: vec![],
        on_unknown: OnUnknown::default(),
    }
}

fn message(email: &str, stream: Stream) -> Message {
    Message {
        id: MessageId::parse("00112233445566778899aabbccddeeff00112233").unwrap(),
        journey: JourneyId::parse("sample").unwrap(),
        enrollment: EnrollmentId::parse(&"0".repeat(EnrollmentId::LEN)).unwrap(),
        step: StepId::parse(email).unwrap(),
        email: EmailName::parse(email).unwrap(),
        variant: String::new(),
        stream,
        lane: Lane::Cart,
        state: MessageState::Claimed,
        attempt: 1,
        due_at: Timestamp::from_seconds(0),
        reason: None,
        provider: None,
        provider_id: None,
        settled_at: None,
    }
}

fn stream_of(email: &str) -> Stream {
    EMAILS
        .iter()
        .find(|(name, _)| *name == email)
        .map_or(Stream::Marketing, |(_, stream)| *stream)
}

fn mail_of(shop: &StoreFile, email: &str, profile: &Profile, data: &EventData) -> OutgoingEmail {
    let keys = LinkKeys::parse(LINK_KEY).unwrap();
    let linking = Linking {
        keys: &keys,
        base_url: "https://mail.harbourlane.example/",
    };
    let message = message(email, stream_of(email));
    let draft = Draft {
        message: &message,
        to: &address(sample::ADDRESS),
        profile,
        data,
    };
    compose(shop, linking, draft).unwrap()
}

fn sample_mail(email: &str) -> OutgoingEmail {
    let shop = shop();
    mail_of(
        &shop,
        email,
        &sample::profile(),
        &sample::data(email, &shop.brand.url, shop.currency),
    )
}

fn read(mail: &OutgoingEmail) -> String {
    format!("Subject: {}\n\n{}", mail.subject, mail.text)
}

#[test]
fn every_email_reads_well_as_text() {
    for (email, _) in EMAILS {
        assert_snapshot!(format!("text_{email}"), read(&sample_mail(email)));
    }
}

/// Writes each email as a page of its own, for `scripts/screenshots.mjs`.
#[test]
#[ignore = "writes files: set PREVIEW_DIR and run it by name"]
fn write_previews() {
    let folder = std::env::var("PREVIEW_DIR").unwrap();
    for (email, _) in EMAILS {
        std::fs::write(
            Path::new(&folder).join(format!("{email}.html")),
            sample_mail(email).html,
        )
        .unwrap();
    }
}
