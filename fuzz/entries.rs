//! Everything that reads bytes from outside, one entry each: what cargo-fuzz feeds (`target.rs`) and what the tests of this
//! machine feed with damaged fixtures (tests/it/fuzz.rs). An entry may find its bytes unreadable; it may not panic, and what
//! no key signed must not be taken.
//!
//! A new parser, token or signature gets an entry here, and a `[[bin]]` of the same name in Cargo.toml; a test compares the two.

use super::proven;
use super::sent::{self, Delivery};
use base64::Engine as _;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use wend::domain::civil::{
    CalendarDelay, CivilDate, Quiet, Recurrence, Rule, TimeOfDay, Weekdays, Window, Zone,
};
use wend::domain::consent::ConsentState;
use wend::domain::email::EmailAddress;
use wend::domain::identity::IdentifierKind;
use wend::domain::ids::{ContactId, EventId, JourneyId, MessageId};
use wend::domain::logbook::Place;
use wend::domain::money::{Currency, Money};
use wend::domain::preferences::Preferences;
use wend::domain::referral::ReferralCode;
use wend::domain::shard::ShardCount;
use wend::domain::time::{Delay, Timestamp};
use wend::engine::condition::Compiled;
use wend::engine::state::Document;
use wend::http::form;
use wend::http::{Headers, Response};
use wend::imports::file::File;
use wend::imports::form::Subject;
use wend::imports::read as list;
use wend::imports::record::Batch;
use wend::journey::condition::{About, Use, check_for};
use wend::journey::definition::Condition;
use wend::journey::region::Region;
use wend::journey::{lock, parse, segment_file, store_check, template_check};
use wend::providers::ProviderKind;
use wend::render::links::{LinkKeys, Purpose};
use wend::render::{preferences, tags};
use wend::settings::Settings;
use wend::signing::access::{Team, Token};
use wend::signing::asymmetric::{public_keys, published_keys};
use wend::signing::{BASE64, Secrets, route_token, session, standard_webhooks};
use wend::sources::feed::{FeedReader, Terms as FeedTerms};
use wend::sources::poll::{Feed, Page};
use wend::sources::segment::{Error, Verdict};
use wend::sources::{Keys, Proof, Reading, SourceKind, Unverified};
use wend::turn::call::{Envelope, Forward};

/// One way in.
pub struct Entry {
    pub name: &'static str,
    /// Files and folders of the repository whose contents it is meant for: where fuzzing starts.
    pub seeds: &'static [&'static str],
    pub feed: fn(&[u8]),
}

pub const ENTRIES: [Entry; 30] = [
    entry("source_shopify", &["tests/fixtures/sources/shopify"], shopify),
    entry(
        "source_woocommerce",
        &["tests/fixtures/sources/woocommerce"],
        woocommerce,
    ),
    entry(
        "source_bigcommerce",
        &["tests/fixtures/sources/bigcommerce"],
        bigcommerce,
    ),
    entry("source_ecwid", &["tests/fixtures/sources/ecwid"], ecwid),
    entry("source_stripe", &["tests/fixtures/sources/stripe"], stripe),
    entry(
        "source_squarespace",
        &["tests/fixtures/sources/squarespace"],
        squarespace,
    ),
    entry("source_wix", &["tests/fixtures/sources/wix"], wix),
    entry("source_saleor", &["tests/fixtures/sources/saleor"], saleor),
    entry("source_medusa", &["tests/fixtures/sources/medusa"], medusa),
    entry("source_insales", &["tests/fixtures/sources/insales"], insales),
    entry("source_tilda", &["tests/fixtures/sources/tilda"], tilda),
    entry(
        "source_events",
        &["tests/fixtures/sources/standard_webhooks"],
        events,
    ),
    entry("segment", &["tests/fixtures/sources/segment"], segment),
    entry("lists", &["fuzz/seeds/lists"], lists),
    entry("product_feeds", &["tests/fixtures/feeds"], product_feeds),
    entry("provider_events", &["tests/fixtures/providers"], provider_events),
    entry(
        "provider_answers",
        &["tests/fixtures/providers"],
        provider_answers,
    ),
    entry("signatures", &["fuzz/seeds/signatures"], signatures),
    entry("certificates", &["fuzz/seeds/certificates"], certificates),
    entry("tokens", &["fuzz/seeds/tokens"], tokens),
    entry("access_tokens", &["fuzz/seeds/access"], access_tokens),
    entry("forms", &["fuzz/seeds/forms"], forms),
    entry("settings", &["fuzz/seeds/settings"], settings),
    entry("values", &["fuzz/seeds/values"], values),
    entry(
        "journeys",
        &[
            "journeys/welcome.yaml",
            "journeys/abandoned-checkout.yaml",
            "journeys/double-opt-in.yaml",
        ],
        journeys,
    ),
    entry(
        "store_files",
        &["store.yaml", "segments.yaml", "journeys.lock"],
        store_files,
    ),
    entry("conditions", &["fuzz/seeds/conditions"], conditions),
    entry("templates", &["templates/emails/checkout-nudge"], templates),
    entry("stored", &["src/store/tests"], stored),
    entry("imports", &["tests/fixtures/imports"], imports),
];

const fn entry(name: &'static str, seeds: &'static [&'static str], feed: fn(&[u8])) -> Entry {
    Entry { name, seeds, feed }
}

const KEY: &str = "fuzz-key-of-32-bytes-0123456789ab";
const STANDARD_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Shortly after everything in the fixtures.
fn now() -> Timestamp {
    Timestamp::from_millis(1_767_722_400_000)
}

/// The bytes as text, what is not UTF-8 replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A genuine delivery, and the same one when nobody here has its secret.
fn delivered(delivery: &Delivery) {
    let _ = delivery.read();
    let forged = match delivery.source {
        // Its signature is not computed here, and taken to hold.
        SourceKind::Wix => return,
        SourceKind::Medusa | SourceKind::Events => delivery.read_with(STANDARD_KEY),
        _ => delivery.read_with("another"),
    };
    assert!(
        matches!(forged, Err(_) | Ok(Reading::Ping)),
        "nobody signed it: {forged:?}"
    );
}

fn shopify(bytes: &[u8]) {
    for topic in sent::SHOPIFY_EVENTS.iter().chain(&sent::SHOPIFY_OTHERS) {
        delivered(&sent::shopify(topic, bytes));
    }
}

fn woocommerce(bytes: &[u8]) {
    for topic in [
        "customer.created",
        "customer.updated",
        "order.created",
        "order.updated",
        "order.deleted",
        "product.updated",
        "product.deleted",
    ] {
        delivered(&sent::woocommerce(topic, bytes));
    }
}

fn saleor(bytes: &[u8]) {
    for topic in ["order_created", "checkout_updated", "customer_created"] {
        delivered(&sent::saleor(topic, bytes));
    }
}

/// What a token carries, and bytes that should be one.
fn wix(bytes: &[u8]) {
    for kind in [
        "wix.ecom.v1.order_created",
        "wix.ecom.v1.abandoned_checkout_created",
    ] {
        delivered(&sent::wix_with(kind, &text(bytes)));
    }
    let mut bare = sent::wix_with("", "");
    bare.body = bytes.to_vec();
    delivered(&bare);
}

fn bigcommerce(bytes: &[u8]) {
    delivered(&sent::bigcommerce(bytes));
}

fn ecwid(bytes: &[u8]) {
    delivered(&sent::ecwid(bytes));
}

fn stripe(bytes: &[u8]) {
    delivered(&sent::stripe(bytes));
}

fn squarespace(bytes: &[u8]) {
    delivered(&sent::squarespace(bytes));
}

fn medusa(bytes: &[u8]) {
    delivered(&sent::medusa(bytes));
}

fn insales(bytes: &[u8]) {
    delivered(&sent::insales(bytes));
}

fn tilda(bytes: &[u8]) {
    delivered(&sent::tilda(bytes));
}

fn events(bytes: &[u8]) {
    delivered(&sent::our_events(bytes));
}

/// Segment's calls under each key, under another one, and as they came. A page names nobody and orders nothing.
fn segment(bytes: &[u8]) {
    let by = |call, key| sent::posted(call, &sent::keyed(Headers::new(), key), bytes);
    for call in ["batch", "identify", "track", "page", "alias"] {
        let _ = (
            sent::posted(call, &Headers::new(), bytes),
            by(call, sent::TRUSTED),
        );
        assert!(matches!(by(call, "another"), Err(Error::Key | Error::TooLarge)));
        for heard in by(call, sent::PUBLIC).unwrap_or_default() {
            if let Verdict::Event(event) = heard.verdict {
                let mut ids = event.identifiers.iter();
                assert!(ids.all(|id| id.kind == IdentifierKind::Anonymous));
                assert!(event.email.is_none() && event.consent.is_none());
                assert!(event.kind.order_status().is_none());
            }
        }
    }
}

fn page(mark: Option<&str>) -> Page<'_> {
    Page {
        since: now(),
        mark,
        size: 100,
    }
}

/// What a shop's API answered to a poll: the first line is what its headers say of the next page.
fn lists(bytes: &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (more, body) = bytes.split_at(end);
    let more = text(more);
    let answer = Response {
        status: 200,
        headers: Headers::new()
            .with("link", &more)
            .with("x-wp-totalpages", &more)
            .with("date", &more),
        body: body.to_vec(),
    };
    let settings = SourceKind::ALL.into_iter().flat_map(SourceKind::poll_settings);
    let secrets: BTreeMap<String, Secrets> = settings
        .map(|name| ((*name).to_owned(), Secrets::new("http://127.0.0.1:9")))
        .collect();
    for feed in Feed::all(&secrets) {
        let Ok(listing) = feed.read(&answer, page(None), now(), None) else {
            continue;
        };
        for reading in listing.readings.into_iter().flatten() {
            if let Reading::Events(events) = reading {
                assert!(events.iter().all(|event| event.polled));
            }
        }
        if let Some(next) = listing.next {
            let request = feed.request(&secrets, page(Some(&next))).unwrap();
            assert!(
                request.url.starts_with("http://127.0.0.1:9/"),
                "the key goes nowhere else"
            );
            assert!(
                request.url.bytes().all(|byte| byte.is_ascii_graphic()),
                "{}",
                request.url
            );
        }
    }
    let _ = Place::parse(&more);
}

/// A post that every provider is taken to have sent; the same to somebody who has other secrets, and without its proof.
fn provider_events(bytes: &[u8]) {
    let certificate = proven::certificate();
    for kind in ProviderKind::ALL {
        let Some(events) = kind.events() else { continue };
        let sent = proven::sent_at(kind, bytes, now());
        let account = proven::account(kind);
        if let Ok(genuine) = sent.verified_with(&account, proven::HOOK_TOKEN, now()) {
            let _ = events.read(&genuine, now());
        }
        let (other, pem) = (proven::another_account(kind), certificate.as_bytes());
        let taken = sent.judged(&other, "another", now(), pem, false);
        assert!(taken.is_err(), "{kind:?}: nobody here signed it");
        if matches!(kind, ProviderKind::SendGrid | ProviderKind::Ses) {
            let taken = sent.judged(&account, proven::HOOK_TOKEN, now(), pem, false);
            assert!(taken.is_err(), "{kind:?}: its signature does not hold");
        }
        let in_the_body = [
            ProviderKind::Mailgun,
            ProviderKind::UniSenderGo,
            ProviderKind::Ses,
        ];
        let mut bare = sent.clone();
        (bare.headers, bare.token) = (Headers::new(), Some(text(bytes)));
        let taken = bare.verified_with(&account, proven::HOOK_TOKEN, now());
        assert!(
            in_the_body.contains(&kind) || taken.is_err(),
            "{kind:?}: it has no proof"
        );
    }
}

fn provider_answers(bytes: &[u8]) {
    for kind in ProviderKind::ALL {
        for status in [200, 202, 400, 401, 409, 422, 429, 500] {
            let headers = Headers::new()
                .with("retry-after", &text(bytes))
                .with("ratelimit-remaining", &text(bytes));
            let response = Response {
                status,
                headers,
                body: bytes.to_vec(),
            };
            let _ = kind.read(&response, 3, now());
            let _ = kind.rate_hint(&response.headers, now());
        }
    }
}

/// Header values of schemes that sign: none of them may hold by accident.
fn signatures(bytes: &[u8]) {
    let value = text(bytes);
    let headers = Headers::new()
        .with("webhook-id", &value)
        .with("webhook-timestamp", &now().as_seconds().to_string())
        .with("webhook-signature", &value);
    let secrets = Secrets::new(STANDARD_KEY);
    assert!(standard_webhooks::verify(&secrets, &headers, b"{}", now()).is_err());
    let headers = headers
        .with("x-shopify-hmac-sha256", &value)
        .with("x-wc-webhook-signature", &value);
    for source in SourceKind::ALL {
        let secrets = sent::settings(source, STANDARD_KEY);
        let keys = Keys {
            secrets: &secrets,
            fetched: None,
            now: now(),
        };
        let proof = source.verify(Unverified::new(&headers, b"{}"), &keys);
        assert!(!matches!(proof, Ok(Proof::Genuine(_))), "{source}");
    }
    assert!(!route_token::matches(&Secrets::new(KEY), "hooks/shopify", &value));
    assert!(!session::holds(&Secrets::new(KEY), &value, now()));
    let _ = standard_webhooks::verify(&Secrets::new(&value), &headers, b"{}", now());
}

/// What stands at the address of a certificate, and signatures in DER; and that a signature which does not hold is none.
fn certificates(bytes: &[u8]) {
    let body = serde_json::json!({
        "Type": "Notification", "TopicArn": proven::TOPIC, "SignatureVersion": "1", "Signature": "AAAA",
        "SigningCertURL": proven::CERTIFICATE_URL, "Message": text(bytes),
    });
    let sent = proven::sent_at(ProviderKind::Ses, body.to_string().as_bytes(), now());
    judged(&sent, bytes);
    let mut sent = proven::sent_at(ProviderKind::SendGrid, b"[]", now());
    sent.headers = Headers::new()
        .with(
            "X-Twilio-Email-Event-Webhook-Timestamp",
            &now().as_seconds().to_string(),
        )
        .with("X-Twilio-Email-Event-Webhook-Signature", &BASE64.encode(bytes));
    judged(&sent, bytes);
}

/// A post whose asymmetric signature holds, and one whose does not.
fn judged(sent: &proven::Sent, pem: &[u8]) {
    let account = proven::account(sent.kind);
    let _ = sent.judged(&account, proven::HOOK_TOKEN, now(), pem, true);
    let forged = sent.judged(&account, proven::HOOK_TOKEN, now(), pem, false);
    assert!(forged.is_err(), "{:?}: its signature does not hold", sent.kind);
}

/// Tokens of links. One that was not made with the key is never taken; one that was says what it was made for.
fn tokens(bytes: &[u8]) {
    let (Ok(keys), Ok(message)) = (LinkKeys::parse(KEY), MessageId::parse(&"a".repeat(40))) else {
        return;
    };
    let given = text(bytes);
    let purposes = [
        Purpose::Unsubscribe,
        Purpose::Click,
        Purpose::Open,
        Purpose::View,
        Purpose::Preferences,
        Purpose::Confirm,
    ];
    for purpose in purposes {
        assert!(keys.verify(purpose, &given).is_err(), "nobody signed it");
    }
    assert!(keys.verify_click(&given).is_err(), "nobody signed it");
    if let Some(url) = keys.click_url("https://shop.example", &message, &given) {
        let token = url.rsplit('/').next().unwrap_or_default();
        // The scheme is told in small letters; the rest as it was.
        let Some((scheme, rest)) = given.split_once(':') else {
            return;
        };
        let told = format!("{}:{rest}", scheme.to_ascii_lowercase());
        assert_eq!(keys.verify_click(token).ok(), Some((message, told)));
    }
}

/// A JSON Web Token of Access, and the keys that it is checked with.
fn access_tokens(bytes: &[u8]) {
    let given = text(bytes);
    let _ = Team::new(&given, "audience");
    let _ = published_keys(bytes, Some("key-1"));
    let _ = public_keys(&given);
    let (Ok(token), Some(team)) = (Token::parse(&given), Team::new("shop", "audience")) else {
        return;
    };
    let _ = token.open(true, &team, now());
    assert!(token.open(false, &team, now()).is_err(), "nobody signed it");
}

/// What forms post, what stands in a query, and in the header of cookies.
fn forms(bytes: &[u8]) {
    let cookies = Headers::new().with("cookie", &text(bytes));
    assert!(
        cookies
            .cookie("wend_admin")
            .is_none_or(|value| !value.contains(';'))
    );
    let _ = form::is_one_click("application/x-www-form-urlencoded", bytes);
    let _ = form::is_one_click("multipart/form-data; boundary=b", bytes);
    let (Some(fields), Ok(catalog)) = (
        form::fields("application/x-www-form-urlencoded", bytes),
        wend::generated::catalog(),
    ) else {
        return;
    };
    let held = Preferences::default();
    let reader = preferences::Reader {
        preferences: &held,
        consent: ConsentState::Subscribed,
        locale: None,
        timezone: None,
    };
    let _ = preferences::read(&catalog, reader, &fields, now());
}

/// Lines of `NAME=value`.
/// Whole, and in pieces whose sizes the bytes themselves give: both must find the same.
fn product_feeds(bytes: &[u8]) {
    let Ok(currency) = Currency::parse("EUR") else {
        return;
    };
    let read = |step: usize| {
        let mut reader = FeedReader::new(FeedTerms {
            format: None,
            currency,
            source: Some(SourceKind::Shopify),
            now: now(),
        });
        let mut offers = Vec::new();
        for piece in bytes.chunks(step) {
            reader.push(piece).ok()?;
            offers.extend(reader.take());
        }
        reader.finish().ok()?;
        offers.extend(reader.take());
        Some(offers)
    };
    let step = bytes.first().map_or(1, |byte| usize::from(*byte) + 1);
    assert_eq!(read(step), read(bytes.len().max(1)));
}

fn settings(bytes: &[u8]) {
    let given = text(bytes);
    let get = |name: &str| {
        let mut pairs = given.lines().filter_map(|line| line.split_once('='));
        pairs.find_map(|(held, value)| (held == name).then(|| value.to_owned()))
    };
    let settings = Settings::read(get, &["SHOPIFY_WEBHOOK_SECRET"]);
    let _ = (
        settings.usable(),
        settings.notify_fault(),
        settings.hash_key_fingerprint(),
    );
}

/// Values as journeys, payloads and headers write them. What is read and written is read as the same again.
fn values(bytes: &[u8]) {
    let given = text(bytes);
    again::<TimeOfDay>(&given);
    again::<Weekdays>(&given);
    again::<Zone>(&given);
    again::<CivilDate>(&given);
    again::<Window>(&given);
    again::<Quiet>(&given);
    again::<CalendarDelay>(&given);
    again::<Rule>(&given);
    let _ = given.parse::<Recurrence>();
    if let Ok(delay) = Delay::parse(&given) {
        assert_eq!(Delay::parse(&delay.to_string()).ok(), Some(delay));
    }
    if let Ok(at) = Timestamp::parse_rfc3339(&given) {
        assert_eq!(Timestamp::parse_rfc3339(&at.to_rfc3339()).ok(), Some(at));
    }
    if let Ok(address) = EmailAddress::parse(&given) {
        assert!(EmailAddress::parse(&address.canonical()).is_ok_and(|other| other.same_as(&address)));
        assert!(
            !address.as_str().contains(['\r', '\n', '\0']),
            "it goes into a header"
        );
    }
    let _ = (
        Timestamp::parse_naive_utc(&given),
        ShardCount::parse(&given),
        ReferralCode::parse(&given),
    );
    let _ = (
        ContactId::parse(&given),
        EventId::parse(&given),
        JourneyId::parse(&given),
        MessageId::parse(&given),
    );
    for currency in ["GBP", "JPY", "KWD"]
        .into_iter()
        .filter_map(|code| Currency::parse(code).ok())
    {
        if let Ok(money) = Money::parse(&given, currency) {
            let _ = (money.as_f64(), money.times(3).plus(money));
        }
    }
}

fn again<T: FromStr + Display + PartialEq>(given: &str) {
    if let Ok(value) = given.parse::<T>() {
        let written = value.to_string();
        assert!(
            written.parse::<T>().is_ok_and(|other| other == value),
            "{given:?} became {written:?}"
        );
    }
}

fn journeys(bytes: &[u8]) {
    if let Ok(id) = JourneyId::parse("fuzzed") {
        let _ = parse::parse(id, "journeys/fuzzed.yaml", &text(bytes));
    }
}

fn store_files(bytes: &[u8]) {
    let given = text(bytes);
    let _ = store_check::parse(&given);
    let _ = segment_file::read(&given, &[]);
    let _ = lock::compare(Some(&given), (&[], &[]), &[], lock::Mode::Frozen);
}

/// A condition: what the build finds no fault with, the Worker must be able to read.
fn conditions(bytes: &[u8]) {
    let given = text(bytes);
    let problems = check_for(Use::Condition, &given, About::contact(&[]));
    if problems.is_empty() {
        let compiled = Compiled::new(&Condition(given));
        assert!(compiled.is_ok(), "the build takes what the Worker cannot read");
    }
}

fn templates(bytes: &[u8]) {
    let given = text(bytes);
    let _ = tags::tags(&given).count();
    let files = ["subject.txt", "email.html", "email.txt"]
        .map(|part| (format!("emails/fuzzed/{part}"), given.clone()));
    let _ = template_check::check(&files.into(), &["fuzzed".to_owned()]);
}

/// What objects tell each other, and what their rows hold.
fn stored(bytes: &[u8]) {
    let _ = wend::http::json::<Envelope>(bytes);
    let _ = wend::http::json::<Forward>(bytes);
    let _ = wend::http::json::<Document>(bytes);
}

/// A CSV out of another program, read by its heading; and a batch as it is posted.
fn imports(bytes: &[u8]) {
    if let Ok(batch) = wend::http::json::<Batch>(bytes) {
        let events = batch.records.iter().flat_map(|record| record.events(now()));
        assert!(events.flatten().all(|event| !event.is_live()));
    }
    let Ok(file) = File::read(bytes) else { return };
    let settings = list::Settings {
        zone: Zone::UTC,
        currency: Currency::parse("GBP").unwrap(),
        region: Region::Strict,
        now: now(),
        renamed: Vec::new(),
        said: list::SaidOfAll::default(),
    };
    for subject in [Subject::Contacts, Subject::Orders] {
        let Ok(known) = list::List::of(&file, subject, &settings) else {
            continue;
        };
        let done: Result<(), String> = known.each(subject, |taken| {
            if let list::Taken::Record(_, record) = taken {
                assert!(record.events(now()).is_ok(), "what is taken can be imported");
            }
            Ok(())
        });
        done.unwrap();
    }
}
