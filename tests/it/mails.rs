//! Every email with sample data, as people would read it; and what hostile data cannot do to one.

use insta::assert_snapshot;
use proptest::prelude::*;
use std::collections::BTreeMap;

use std::path::Path;
use std::sync::{Arc, LazyLock};
use wend::domain::clearance::Clearance;
use wend::domain::contact::Profile;
use wend::domain::email::EmailAddress;
use wend::domain::event::{EventData, LineItem};
use wend::domain::grounds::Grounds;
use wend::domain::ids::{ContactId, EmailName, EnrollmentId, JourneyId, MessageId, StepId};
use wend::domain::mail::OutgoingEmail;
use wend::domain::message::{HeldCoupon, Lane, Message, MessageState, Stream};
use wend::domain::money::{Currency, Money};
use wend::domain::time::Timestamp;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;
use wend::journey::region::Region;
use wend::journey::step::{Recipient, Send};
use wend::journey::store_file::{Brand, OnUnknown, Referral, Retention, Sender, StoreFile};
use wend::journey::tracking::{Tracking, Utm};
use wend::render::email::{Draft, Error, Linking, Reader, compose};
use wend::render::links::{LinkKeys, Purpose};
use wend::render::model::Brought;
use wend::render::sample;

/// An email of the project, drafts' emails too, on the stream of the journeys that send it.
pub struct Email {
    pub name: String,
    pub stream: Stream,
    /// Languages of its translations.
    pub languages: Vec<String>,
    /// For the store's own people.
    pub team: bool,
}

pub static EMAILS: LazyLock<Vec<Email>> = LazyLock::new(|| {
    let project = Project::read(Path::new(env!("CARGO_MANIFEST_DIR")));
    let folders = project.email_folders();
    let catalog = check(&project, Mode::Append).with_drafts.unwrap();
    let steps = catalog.journeys.iter().flat_map(|journey| &journey.steps);
    let sends: Vec<&Send> = steps.filter_map(|step| step.kind.as_send()).collect();
    let email = |name: &String| {
        let send = sends.iter().find(|send| send.email.as_str() == name);
        let languages = folders.iter().filter_map(|folder| folder.split_once('/'));
        Email {
            name: name.clone(),
            stream: send.map_or(Stream::Transactional, |send| send.stream),
            languages: languages
                .filter(|(of, _)| of == name)
                .map(|(_, language)| language.to_owned())
                .collect(),
            team: send.is_some_and(|send| send.to == Recipient::Team),
        }
    };
    project.emails().iter().map(email).collect()
});
const LINK_KEY: &str = "0123456789abcdef0123456789abcdef";

fn currency(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// Its mails are as their templates write them; what tracking does to one is shown by [`tracked`].
pub fn shop() -> StoreFile {
    // What mails ask and give is what the repository's own store.yaml declares.
    let own: StoreFile = serde_saphyr::from_str(include_str!("../../store.yaml")).unwrap();
    StoreFile {
        brand: Brand {
            name: "Northfold".to_owned(),
            url: "https://northfold.example".to_owned(),
            logo: None,
            color: "#1f4d3a".to_owned(),
            address: "Northfold, 14 Harbour Lane, Leith EH6 6AA, United Kingdom".to_owned(),
            support_email: address("help@northfold.example"),
        },
        sender: Sender {
            name: "Northfold".to_owned(),
            from: address("hello@mail.northfold.example"),
            reply_to: Some(address("help@northfold.example")),
        },
        locale: "en-GB".to_owned(),
        timezone: "Europe/London".to_owned(),
        currency: currency("GBP"),
        region: Region::Strict,
        topics: vec![],
        questions: own.questions,
        gifts: own.gifts,
        less_often: 1,
        events: vec![],
        on_unknown: OnUnknown::default(),
        team: None,
        warm_up: None,
        referral: Some(Referral {
            link: "https://northfold.example/?ref={code}".to_owned(),
        }),
        tracking: Tracking {
            clicks: Some(false),
            opens: Some(false),
        },
        utm: Utm::Off,
        retention: Retention::default(),
        catalogue: None,
        best_sellers: own.best_sellers,
        webhooks: vec![],
        caps: vec![],
        quiet_hours: None,
    }
}

/// The same shop with all that is done to links, and the picture.
fn tracked(mut shop: StoreFile) -> StoreFile {
    shop.tracking = Tracking {
        clicks: Some(true),
        opens: Some(true),
    };
    shop.utm = Utm::default();
    shop
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
        state: MessageState::Intended,
        attempt: 1,
        due_at: Timestamp::from_seconds(0),
        reason: None,
        provider: None,
        provider_id: None,
        settled_at: None,
    }
}

fn stream_of(email: &str) -> Stream {
    let known = EMAILS.iter().find(|known| known.name == email);
    known.map_or(Stream::Marketing, |known| known.stream)
}

fn mail_of(shop: &StoreFile, email: &str, profile: &Profile, data: &EventData) -> OutgoingEmail {
    mail_with(None, shop, email, profile, data)
}

fn variables() -> BTreeMap<String, String> {
    let said = sample::VARIABLES.iter();
    said.map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect()
}

fn mail_with(
    coupon: Option<&HeldCoupon>,
    shop: &StoreFile,
    email: &str,
    profile: &Profile,
    data: &EventData,
) -> OutgoingEmail {
    let keys = LinkKeys::parse(LINK_KEY).unwrap();
    let linking = Linking {
        keys: &keys,
        base_url: "https://mail.northfold.example/",
    };
    let message = message(email, stream_of(email));
    let variables = variables();
    let draft = Draft {
        message: &message,
        contact: &sample::contact(),
        profile,
        brought: Brought {
            data,
            coupon,
            variables: &variables,
        },
        reader: Reader::Contact,
        grounds: sample::grounds(message.stream),
    };
    let clearance = Clearance::grant(address(sample::ADDRESS), message.id.clone(), message.stream);
    compose(shop, linking, draft, &clearance).unwrap()
}

pub fn sample_mail(email: &str) -> OutgoingEmail {
    sample_mail_in(email, None)
}

/// As who reads this language gets it.
fn sample_mail_in(email: &str, language: Option<&str>) -> OutgoingEmail {
    let (first_name, currency) = match language {
        Some("ru") => ("Анна-Мария", "RUB"),
        Some(_) | None => ("Nadia", "GBP"),
    };
    let mut shop = shop();
    shop.currency = self::currency(currency);
    let profile = Profile {
        first_name: Some(first_name.to_owned()),
        locale: language.map(str::to_owned),
        ..sample::profile()
    };
    let data = sample::data(email, &shop.brand.url, self::currency(currency));
    mail_with(Some(&sample::coupon()), &shop, email, &profile, &data)
}

fn read(mail: &OutgoingEmail) -> String {
    format!("Subject: {}\n\n{}", mail.subject, mail.text)
}

#[test]
fn every_email_reads_well_as_text() {
    for email in EMAILS.iter() {
        let name = &email.name;
        assert_snapshot!(format!("text_{name}"), read(&sample_mail(name)));
        for language in &email.languages {
            assert_snapshot!(
                format!("text_{name}_{language}"),
                read(&sample_mail_in(name, Some(language)))
            );
        }
    }
}

/// Their bodies: the head, which has the styles for dark mode and phones, is one for all and reviewed with the page further down.
#[test]
fn the_body_of_every_email_is_reviewed_when_it_changes() {
    for email in EMAILS.iter() {
        let own = std::iter::once(None);
        for language in own.chain(email.languages.iter().map(|language| Some(language.as_str()))) {
            let mail = sample_mail_in(&email.name, language);
            let (_, body) = mail.html.split_once("<body").expect("a mail has a body");
            let suffix = language
                .map(|language| format!("_{language}"))
                .unwrap_or_default();
            assert_snapshot!(format!("html_{}{suffix}", email.name), format!("<body{body}"));
        }
    }
}

/// Who is written to without a name, and about nothing in particular, reads whole sentences all the same.
#[test]
fn no_email_shows_where_something_is_missing() {
    let (shop, nothing) = (shop(), EventData::default());
    for email in EMAILS.iter() {
        let own = std::iter::once(None);
        for language in own.chain(email.languages.iter().map(Some)) {
            let nobody = Profile {
                locale: language.cloned(),
                ..Profile::default()
            };
            let mail = mail_of(&shop, &email.name, &nobody, &nothing);
            let text = read(&mail);
            for gap in [
                "  ,", " ,", ",,", " .", " !", " ?", ", !", ":.", "# ", "«»", "\n\n\n",
            ] {
                assert!(
                    !text.contains(gap),
                    "{} {language:?} has `{gap}`:\n{text}",
                    email.name
                );
            }
        }
    }
}

#[test]
fn every_email_is_short_where_inboxes_are_narrow() {
    for email in EMAILS.iter().filter(|email| !email.team) {
        let own = std::iter::once(None);
        for language in own.chain(email.languages.iter().map(|language| Some(language.as_str()))) {
            let mail = sample_mail_in(&email.name, language);
            let place = format!("{} {language:?}: {}", email.name, mail.subject);
            assert!(mail.subject.chars().count() <= 50, "{place}");
            assert!(!mail.subject.contains("!!"), "{place}");
            let shouts = |word: &str| word.chars().count() > 3 && word.chars().all(char::is_uppercase);
            assert!(!mail.subject.split_whitespace().any(shouts), "{place}");
            assert!(
                mail.html.len() < 90_000,
                "{place}: Gmail cuts a mail off at 102 KB"
            );
        }
    }
}

/// Every mail of the programme speaks Russian too: whoever adds one in English alone is reminded here.
#[test]
fn every_email_to_customers_is_translated() {
    let missing: Vec<&String> = EMAILS
        .iter()
        .filter(|email| !email.team && !email.languages.contains(&"ru".to_owned()))
        .map(|email| &email.name)
        .collect();
    assert!(missing.is_empty(), "not in Russian: {missing:?}");
    for email in EMAILS.iter().filter(|email| !email.team) {
        let mail = sample_mail_in(&email.name, Some("ru"));
        assert!(mail.html.contains("<html lang=\"ru\">"), "{}", email.name);
        let own = ["Northfold", "Stoneware", "Linen", "Bone", "Harbour"];
        assert!(own.iter().any(|name| mail.text.contains(name)), "{}", email.name);
        for english in [
            "Hello",
            "Total",
            "Quantity",
            "Unsubscribe",
            "View in browser",
            "£",
        ] {
            assert!(!mail.text.contains(english), "{}: {english}", email.name);
        }
    }
}

#[test]
fn a_preview_shows_what_would_be_sent() {
    // Only the tokens of the links differ: a preview has no message to sign one for. Nor is a preview tracked, and so this
    // shop is not.
    let link = |text: &str| {
        let mut text = text.to_owned();
        for path in ["/u/", "/p/", "/confirm/", "/m/", "/n/", "/g/"] {
            let mut parts: Vec<String> = text.split(path).map(str::to_owned).collect();
            for part in parts.iter_mut().skip(1) {
                *part = part
                    .trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "-_.".contains(c))
                    .to_owned();
            }
            text = parts.join(path);
        }
        text
    };
    for Email {
        name: email, stream, ..
    } in EMAILS.iter()
    {
        let preview = sample::preview(&shop(), email, None, *stream, &variables())
            .unwrap()
            .unwrap();
        let sent = sample_mail(email);
        assert_eq!(preview.subject, sent.subject, "{email}");
        assert_eq!(link(&preview.html), link(&sent.html), "{email}");
        assert_eq!(link(&preview.text), link(&sent.text), "{email}");
    }
    assert!(
        sample::preview(
            &shop(),
            "no-such-email",
            None,
            Stream::Marketing,
            &BTreeMap::new()
        )
        .is_none()
    );
}

/// One whole page under review, with its head.
#[test]
fn the_html_of_an_email_is_reviewed_when_it_changes() {
    assert_snapshot!(sample_mail("checkout-nudge").html);
}

/// What tracking does to it: compare with the two above. The cart's link comes from the storefront and has no tags.
#[test]
fn a_tracked_mail_is_reviewed_when_it_changes() {
    let shop = tracked(shop());
    let data = sample::data("checkout-nudge", &shop.brand.url, shop.currency);
    let mail = mail_of(&shop, "checkout-nudge", &sample::profile(), &data);
    assert_snapshot!(format!("{}\n=====\n{}", mail.html, mail.text));
    let keys = LinkKeys::parse(LINK_KEY).unwrap();
    let targets = |part: &str| -> Vec<String> {
        let tokens = part.split("https://mail.northfold.example/c/").skip(1);
        let read = tokens.map(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            keys.verify_click(&rest[..end.unwrap_or(rest.len())]).unwrap().1
        });
        read.collect()
    };
    let tags = "utm_source=wend&utm_medium=email&utm_campaign=sample&utm_content=checkout-nudge";
    let shop_url = "https://northfold.example";
    assert_eq!(
        targets(&mail.html),
        [
            format!("{shop_url}?{tags}"),
            format!("{shop_url}/products/stoneware-mug?{tags}"),
            format!("{shop_url}/products/linen-tea-towel?{tags}"),
            format!("{shop_url}/go-on/8f2c"),
        ]
    );
    assert_eq!(
        targets(&mail.text),
        [format!("{shop_url}/go-on/8f2c"), format!("{shop_url}?{tags}")]
    );
}

#[test]
fn every_email_is_accessible_and_survives_mail_clients() {
    for Email { name: email, .. } in EMAILS.iter() {
        let mail = sample_mail(email);
        let html = &mail.html;
        assert!(html.starts_with("<!doctype html>"), "{email}");
        assert!(html.contains("<html lang=\"en-GB\">"), "{email}");
        assert!(
            html.contains(&format!("<title>{}</title>", mail.subject)),
            "{email}"
        );
        assert!(html.len() < 60_000, "{email}: Gmail cuts a mail off at 102 KB");
        assert_eq!(
            html.matches("<img").count(),
            html.matches("alt=\"").count(),
            "{email}"
        );
        assert_eq!(html.matches("<table class=\"button\"").count(), 0, "{email}");
        let asks = html.contains("class=\"scale\"");
        let team = EMAILS.iter().any(|known| known.name == *email && known.team);
        assert_eq!(
            html.matches("<td class=\"button\"").count() + usize::from(asks),
            usize::from(!team && email != "nps-critic"),
            "{email}: one clear action"
        );
        assert!(!html.contains("<script") && !html.contains("<link"), "{email}");
        assert!(mail.text.contains("14 Harbour Lane"), "{email}");
        assert!(html.contains("14 Harbour Lane"), "{email}");
        let lines: Vec<_> = mail.text.lines().collect();
        assert!(!mail.text.contains("\n\n\n"), "{email}: {}", mail.text);
        assert!(lines.first().is_some_and(|line| !line.is_empty()), "{email}");
    }
}

#[test]
fn marketing_mail_can_be_left_and_transactional_mail_has_no_such_link() {
    let keys = LinkKeys::parse(LINK_KEY).unwrap();
    for Email {
        name: email, stream, ..
    } in EMAILS.iter()
    {
        let mail = sample_mail(email);
        let header = mail.headers.iter().find(|(name, _)| name == "List-Unsubscribe");
        assert_eq!(header.is_some(), *stream == Stream::Marketing, "{email}");
        assert_eq!(
            mail.html.contains(">Unsubscribe</a>"),
            *stream == Stream::Marketing,
            "{email}"
        );
        assert_eq!(
            mail.text.contains("Unsubscribe: "),
            *stream == Stream::Marketing,
            "{email}"
        );
        let Some((_, value)) = header else { continue };
        let url = value.trim_matches(['<', '>']);
        assert!(mail.html.contains(url) && mail.text.contains(url), "{email}");
        assert!(!url.contains("nadia"), "{email}");
        let token = url.strip_prefix("https://mail.northfold.example/u/").unwrap();
        assert_eq!(
            keys.verify(Purpose::Unsubscribe, token).unwrap().message,
            mail.message,
            "{email}"
        );
    }
}

#[test]
fn what_the_provider_gets_is_the_stores_own() {
    let mail = sample_mail("order-thank-you");
    assert_eq!(mail.from.to_string(), "Northfold <hello@mail.northfold.example>");
    assert_eq!(
        mail.reply_to.as_ref().map(EmailAddress::as_str),
        Some("help@northfold.example")
    );
    assert_eq!(
        mail.headers,
        [("X-Wend-Message".to_owned(), mail.message.to_string())]
    );
}

#[test]
fn a_mail_without_a_name_or_a_cart_still_reads_well() {
    let (shop, nobody, nothing) = (shop(), Profile::default(), EventData::default());
    for email in [
        "welcome-hello",
        "checkout-nudge",
        "checkout-last-call",
        "order-thank-you",
        "review-request",
    ] {
        assert_snapshot!(
            format!("bare_{email}"),
            read(&mail_of(&shop, email, &nobody, &nothing))
        );
    }
}

#[test]
fn the_links_of_a_mail_are_called_by_the_words_of_its_language() {
    let mail = |shop: &StoreFile, email: &str, locale: &str| {
        let reader = Profile {
            locale: Some(locale.to_owned()),
            ..Profile::default()
        };
        mail_of(shop, email, &reader, &EventData::default())
    };
    let german = mail(&shop(), "confirm-subscription", "de-AT");
    assert!(german.html.contains(">Im Browser ansehen<"));
    assert!(german.text.contains("Im Browser ansehen: "));
    assert!(!german.html.contains("View in browser") && !german.text.contains("View in browser"));
    // A mail speaks one language: where it is not translated, that of the store.
    let untranslated = mail(&shop(), "welcome-hello", "de").html;
    assert!(untranslated.contains(">View in browser<") && !untranslated.contains("Im Browser"));
    let mut own = shop();
    own.locale = "de".to_owned();
    let german = mail(&own, "welcome-hello", "fr");
    for words in [">Im Browser ansehen<", ">Abmelden<", ">Einstellungen<"] {
        assert!(german.html.contains(words), "{words}");
    }
    for words in ["Abmelden: ", "Auswählen, was wir schicken: "] {
        assert!(german.text.contains(words), "{words}");
    }
}

#[test]
fn a_hundred_lines_are_counted_not_listed() {
    let shop = shop();
    let mut data = sample::data("checkout-nudge", &shop.brand.url, shop.currency);
    let line = data.items.first().cloned().unwrap();
    let mug = |n| LineItem {
        title: format!("Mug {n}"),
        ..line.clone()
    };
    data.items = Arc::new((1..=100).map(mug).collect());
    let mail = mail_of(&shop, "checkout-nudge", &sample::profile(), &data);
    for part in [&mail.html, &mail.text] {
        assert!(part.contains("Mug 12") && !part.contains("Mug 13"));
        assert!(part.contains("and 88 more"));
    }
    assert!(mail.html.len() < 60_000);
}

#[test]
fn russian_counts_in_three_forms() {
    let shop = shop();
    let reader = Profile {
        locale: Some("ru".to_owned()),
        ..Profile::default()
    };
    let line = sample::data("order-confirmation", &shop.brand.url, shop.currency);
    let line = line.items.first().cloned().unwrap();
    for (number, said) in [
        (1, "1 позиция:"),
        (3, "3 позиции:"),
        (5, "5 позиций:"),
        (11, "11 позиций:"),
        (12, "12 позиций:"),
        (21, "21 позиция:"),
        (22, "22 позиции:"),
        (111, "111 позиций:"),
    ] {
        let data = EventData {
            items: Arc::new(vec![line.clone(); number]),
            ..EventData::default()
        };
        let mail = mail_of(&shop, "order-confirmation", &reader, &data);
        // In the HTML a number stays on the line of what it counts.
        for part in [mail.html.replace("&#160;", " "), mail.text] {
            assert!(part.contains(&format!("В заказе {said}")), "{part}");
        }
    }
}

#[test]
fn other_scripts_currencies_and_long_titles_are_shown_as_they_are() {
    let shop = shop();
    let jpy = currency("JPY");
    let mut data = sample::data("order-thank-you", &shop.brand.url, jpy);
    data.value = Money::parse("12800", jpy).ok();
    Arc::make_mut(&mut data.items)[0].title = "Кружка керамическая «Гавань»".to_owned();
    Arc::make_mut(&mut data.items)[0].price = Money::parse("5000", jpy).ok();
    Arc::make_mut(&mut data.items)[1].title = "A very long title of a very plain thing ".repeat(5);
    Arc::make_mut(&mut data.items)[1].price = Money::parse("2800", jpy).ok();
    let profile = Profile {
        first_name: Some("Анна-Мария".to_owned()),
        ..Profile::default()
    };
    assert_snapshot!(read(&mail_of(&shop, "order-thank-you", &profile, &data)));
}

#[test]
fn markup_in_names_and_titles_is_text() {
    let shop = shop();
    let mut data = sample::data("checkout-nudge", &shop.brand.url, shop.currency);
    Arc::make_mut(&mut data.items)[0].title = "<img src=x onerror=alert(1)>".to_owned();
    Arc::make_mut(&mut data.items)[0].variant = Some("\"><script>alert(2)</script>".to_owned());
    Arc::make_mut(&mut data.items)[0].url = Some("javascript:alert(3)".to_owned());
    Arc::make_mut(&mut data.items)[0].image_url =
        Some("https://x.example/a.png\" onload=\"alert(4)".to_owned());
    Arc::make_mut(&mut data.items)[1].image_url = None;
    data.url = Some("javascript:alert(5)".to_owned());
    let profile = Profile {
        first_name: Some("Na<b>dia".to_owned()),
        ..Profile::default()
    };
    let mail = mail_of(&shop, "checkout-nudge", &profile, &data);
    for harm in ["<img", "<script", "<b>", "javascript:", "onload=\""] {
        assert!(!mail.html.contains(harm), "{harm}");
    }
    assert!(mail.html.contains("&#60;img src=x onerror=alert(1)&#62;"));
    assert!(mail.text.contains("Hello Na<b>dia,"));
    assert!(
        mail.html.contains("Go to the shop"),
        "a cart link that is none leads to the shop"
    );
}

#[test]
fn an_email_without_a_folder_is_an_error_not_a_blank() {
    let (shop, profile, data) = (shop(), sample::profile(), EventData::default());
    let keys = LinkKeys::parse(LINK_KEY).unwrap();
    let linking = Linking {
        keys: &keys,
        base_url: "https://mail.northfold.example",
    };
    let message = message("no-such-email", Stream::Marketing);
    let draft = Draft {
        message: &message,
        contact: &ContactId::from_digest(message.id.as_str()),
        profile: &profile,
        brought: Brought {
            data: &data,
            coupon: None,
            variables: &BTreeMap::new(),
        },
        reader: Reader::Contact,
        grounds: Grounds::Unsaid,
    };
    let clearance = Clearance::grant(address(sample::ADDRESS), message.id.clone(), message.stream);
    assert_eq!(
        compose(&shop, linking, draft, &clearance),
        Err(Error::UnknownEmail("no-such-email".to_owned()))
    );
}

/// How often the characters stand in a page that markup is made of.
fn markup(html: &str) -> [usize; 3] {
    ["<", ">", "\""].map(|mark| html.matches(mark).count())
}

proptest! {
    #[test]
    fn no_text_from_outside_becomes_markup_or_a_header(text in "[\\PC\\r\\n\\t<>\"'&;:{}%#]{0,60}") {
        let mut shop = tracked(shop());
        let mut data = sample::data("order-thank-you", &shop.brand.url, shop.currency);
        data.order_number = Some("1".to_owned());
        let plain = mail_of(&shop, "order-thank-you", &sample::profile(), &data);

        shop.sender.name = format!("x{text}");
        shop.brand.name = format!("x{text}");
        shop.brand.address = text.clone();
        Arc::make_mut(&mut data.items)[0].title = format!("x{text}");
        Arc::make_mut(&mut data.items)[0].variant = Some(format!("x{text}"));
        data.order_number = Some(header_safe(&text));
        let profile = Profile { first_name: Some(text), ..Profile::default() };
        let mail = mail_of(&shop, "order-thank-you", &profile, &data);

        prop_assert_eq!(markup(&mail.html), markup(&plain.html));
        let from = mail.from.to_string();
        let values = mail.headers.iter().flat_map(|(name, value)| [name, value]);
        for value in values.chain([&mail.subject, &from]) {
            prop_assert!(!value.contains(char::is_control), "{value:?}");
        }
    }

    #[test]
    fn no_subject_breaks_its_line(name in "\\PC{0,300}", breaks in "[\\r\\n\\x00\\x0b\u{2028}\u{85}]{1,5}") {
        let mut shop = shop();
        shop.brand.name = format!("{name}{breaks}Bcc: everyone@example.com");
        let mail = mail_of(&shop, "welcome-hello", &Profile::default(), &EventData::default());
        prop_assert_eq!(mail.subject.lines().count(), 1);
        prop_assert!(!mail.subject.contains(char::is_control));
        prop_assert!(mail.subject.chars().count() <= 250);
    }
}

/// An order number that the model keeps, so that both mails of the comparison show one.
fn header_safe(text: &str) -> String {
    wend::domain::mail::header_text(&format!("1{text}"))
}

#[test]
fn what_the_total_counts_besides_its_lines_is_said() {
    let shop = shop();
    let mut data = sample::data("order-confirmation", &shop.brand.url, shop.currency);
    let said = |data: &EventData, language: &str| {
        let reader = Profile {
            locale: Some(language.to_owned()),
            ..sample::profile()
        };
        let mail = mail_of(&shop, "order-confirmation", &reader, data);
        let from = mail.text.find("towel").unwrap();
        let lines: Vec<&str> = mail.text[from..].lines().take(5).map(str::trim).collect();
        for line in &lines[1..] {
            for part in line.split(": ").filter(|part| part.contains(['£', ','])) {
                assert!(mail.html.contains(part), "{part}: {}", mail.html);
            }
        }
        lines.join(" | ")
    };
    data.value = Money::parse("38.45", shop.currency).ok();
    data.properties.clear();
    let explained = said(&data, "en");
    assert!(
        explained.contains("Total: £38.45 | Delivery, discounts and taxes are counted in."),
        "{explained}"
    );
    data.properties = BTreeMap::from([
        ("shipping".to_owned(), "4.95".into()),
        ("discount".to_owned(), 4.into()),
    ]);
    assert_eq!(
        said(&data, "en"),
        "towel: £9.50 | Delivery: £4.95 | Discount: \u{2212}£4.00 | Total: £38.45 | "
    );
    assert!(
        said(&data, "ru").contains("Доставка: 4,95\u{a0}£ | Скидка: \u{2212}4\u{a0}£ | Итого: 38,45\u{a0}£")
    );
}

/// Without the list a mail is what it was; with it, the products are beside the one action and not in its place.
#[test]
fn best_sellers_are_shown_where_a_store_lists_some() {
    let nothing = EventData::default();
    for email in [
        "welcome-favourites",
        "browse-help",
        "thank-you-offer",
        "winback-offer",
        "first-order-year",
    ] {
        for language in [None, Some("ru".to_owned())] {
            let reader = Profile {
                locale: language,
                ..sample::profile()
            };
            let mut shop = shop();
            assert_eq!(shop.best_sellers.len(), 4);
            let four = mail_of(&shop, email, &reader, &nothing);
            shop.best_sellers.truncate(3);
            let three = mail_of(&shop, email, &reader, &nothing);
            shop.best_sellers.clear();
            let none = mail_of(&shop, email, &reader, &nothing);
            for (mail, products) in [(&four, 4), (&three, 3), (&none, 0)] {
                let links = [&mail.html, &mail.text].map(|part| part.matches("/products/").count());
                assert_eq!(links, [products; 2], "{email}");
                assert_eq!(mail.html.matches("/pictures/").count(), products, "{email}");
                assert_eq!(mail.html.matches("<td class=\"button\"").count(), 1, "{email}");
                // Each row has its two cells and what is between them.
                let cells = mail.html.matches("width=\"48%\"").count();
                assert_eq!(cells, products.div_ceil(2) * 2, "{email}");
                assert_eq!(
                    mail.html.matches("<tr>").count(),
                    mail.html.matches("</tr>").count()
                );
            }
        }
    }
}
