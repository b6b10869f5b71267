//! What a template may say: the names, and what stands behind them.
//!
//! Every template in `templates/emails/` sees the fields of [`Model`]; the build's template check holds the same list.
//! Texts from outside are brought to one clean line here, and addresses to web addresses, so that no template has to
//! think of it. Escaping is done by askama, by the file's extension.

use super::best_sellers::best_sellers;
use super::emails::{Gifts, Questions, Variables};
use super::price::price;
use super::sums::{Charge, Sums, sums};
use super::words::{Words, words};
use crate::domain::civil::Zone;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{EventData, LineItem};
use crate::domain::grounds::Grounds;
use crate::domain::ids::ContactId;
use crate::domain::mail::header_text;
use crate::domain::message::HeldCoupon;
use crate::domain::referral::ReferralCode;
use crate::journey::store_file::{CODE, StoreFile};
use std::collections::BTreeMap;

/// Longer names are not names but messages that somebody wants delivered by us.
const MAX_NAME_CHARS: usize = 40;
/// Longest web address we put into a mail, in bytes.
const MAX_URL_BYTES: usize = 2000;
/// Longer texts of variables are cut off here, in characters.
const MAX_VARIABLE_CHARS: usize = 500;
/// Colour of buttons when the store's own cannot be used.
const FALLBACK_COLOR: &str = "#23211d";

/// The values of one email.
#[derive(Debug, Clone)]
pub struct Model<'a> {
    pub store: Store<'a>,
    pub contact: Contact<'a>,
    /// Lines of the cart or order; may be empty.
    pub items: Vec<Item>,
    /// Total of the cart or order, as `£57.05`, in the manner of the mail's language.
    pub total: Option<String>,
    /// Postage, discount and tax above the total, where with them the lines make it.
    pub charges: Vec<Charge>,
    /// What else the total counts, in a line below it, where they do not.
    pub total_note: Option<&'static str>,
    /// As the shopper knows it, for example `#1042`.
    pub order_number: Option<&'a str>,
    /// The code that the journey got for the contact.
    pub coupon: Option<Coupon>,
    /// Texts that the journey declares.
    pub variables: Variables,
    /// What `store.yaml` lets mails ask, with a link for each answer.
    pub questions: Questions,
    /// What it lets them give, with the link that opens it.
    pub gifts: Gifts,
    /// What the contact hands on to friends. Empty without `referral:` in `store.yaml`; the build then refuses its use.
    pub referral: Referral,
    /// Why this mail came: a whole sentence, for the last lines.
    pub reason: String,
    /// Where the button leads: the cart, the order, or the shop's front page.
    pub action_url: String,
    /// Present in marketing mail, and only there.
    pub unsubscribe_url: Option<String>,
    /// The mail in a browser; none there, nor in mail to the store's own people.
    pub view_url: Option<String>,
    /// Where topics, frequency and language are chosen. Present in marketing mail, and only there.
    pub preferences_url: Option<String>,
    /// Confirms that the reader asked for marketing mail (double opt-in).
    pub confirm_url: String,
    /// The words of the layout, in the language of the mail.
    pub words: &'static Words,
    /// The rendered subject; empty while the subject itself is rendered.
    pub subject: String,
}

/// The shop, from `store.yaml`.
#[derive(Debug, Clone)]
pub struct Store<'a> {
    pub name: &'a str,
    pub url: &'a str,
    pub logo: Option<&'a str>,
    /// `#rrggbb`
    pub color: &'a str,
    pub address: &'a str,
    pub support_email: &'a str,
    /// BCP 47 tag of the language of the mails.
    pub locale: &'a str,
    /// What sells best, in the mail's language; may be empty. Pages show none.
    pub best_sellers: Vec<Item>,
}

/// A code to redeem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coupon {
    pub code: String,
    /// What it takes off, as `10%`.
    pub percent: Option<String>,
    /// The last day it is good for, as `5 March 2026`, by the store's clock.
    pub expires: Option<String>,
}

/// The link and the code of the contact.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Referral {
    pub link: String,
    pub code: String,
}

/// The person written to.
#[derive(Debug, Clone)]
pub struct Contact<'a> {
    pub first_name: Option<&'a str>,
    pub email: &'a str,
    /// `Hello Nadia`, or `Hello` when the name is not known; no comma.
    pub greeting: String,
}

/// A line of a cart or an order.
#[derive(Debug, Clone)]
pub struct Item {
    pub title: String,
    pub variant: Option<String>,
    pub quantity: u32,
    /// Price of the whole line.
    pub price: Option<String>,
    pub image_url: Option<String>,
    pub url: Option<String>,
}

/// What the run brings that sends the mail.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    /// The cart or order as it is when the message is claimed.
    pub data: &'a EventData,
    /// The code that the journey got for the contact.
    pub coupon: Option<&'a HeldCoupon>,
    /// The journey's variables by name.
    pub variables: &'a BTreeMap<String, String>,
}

/// Links made for one message.
#[derive(Debug, Clone, Default)]
pub struct MessageLinks {
    /// Set for marketing mail.
    pub unsubscribe: Option<String>,
    pub view: Option<String>,
    pub preferences: Option<String>,
    pub confirm: String,
    pub referral: Referral,
    pub questions: Questions,
    pub gifts: Gifts,
}

impl Referral {
    pub fn new(store: &StoreFile, contact: &ContactId) -> Self {
        let Some(referral) = &store.referral else {
            return Self::default();
        };
        let code = ReferralCode::of(contact).to_string();
        Self {
            link: referral.link.replace(CODE, &code),
            code,
        }
    }
}

impl<'a> Model<'a> {
    /// `language` is that of the translation; without one the mail is in the store's.
    pub fn new(
        (store, language): (&'a StoreFile, Option<&'a str>),
        (recipient, grounds): (&'a EmailAddress, Grounds),
        profile: &'a Profile,
        brought: Brought<'a>,
        links: MessageLinks,
    ) -> Self {
        let data = brought.data;
        let zone = store.timezone.parse().unwrap_or(Zone::UTC);
        let own: &str = &store.locale;
        let locale = language.unwrap_or(own);
        let store = Store {
            locale,
            best_sellers: best_sellers(store, data, locale),
            ..Store::new(store)
        };
        let words = words([locale], own);
        let Sums { charges, note } = sums(data, words, locale);
        let coupon = brought.coupon.map(|held| Coupon {
            code: header_text(&held.code),
            percent: held.percent.map(|percent| format!("{percent}%")),
            expires: held.expires_at.map(|at| words.day(zone.date(at))),
        });
        Self {
            coupon,
            variables: Variables::new(|name| {
                let text = brought
                    .variables
                    .get(name)
                    .map(String::as_str)
                    .unwrap_or_default();
                header_text(text).chars().take(MAX_VARIABLE_CHARS).collect()
            }),
            contact: Contact::new(recipient, profile),
            items: data
                .items
                .iter()
                // A page names products by their ids alone: what the catalogue does not know has nothing to show.
                .filter(|line| !line.title.trim().is_empty())
                .map(|line| Item::new(line, locale))
                .collect(),
            total: data.value.map(|value| price(value, locale)),
            charges,
            total_note: note,
            order_number: data.order_number.as_deref().filter(|number| is_plain(number)),
            reason: words.reason(grounds, recipient.as_str(), store.name),
            action_url: data
                .url
                .as_deref()
                .and_then(web_address)
                .unwrap_or(store.url)
                .to_owned(),
            referral: links.referral,
            questions: links.questions,
            gifts: links.gifts,
            unsubscribe_url: links.unsubscribe,
            view_url: links.view,
            preferences_url: links.preferences,
            confirm_url: links.confirm,
            subject: String::new(),
            words,
            store,
        }
    }

    /// The same with its subject, for the parts that repeat it. The text is brought to one clean line.
    #[must_use]
    pub fn with_subject(&self, rendered: &str) -> Self {
        let subject = header_text(rendered);
        Self {
            subject,
            ..self.clone()
        }
    }
}

impl<'a> Store<'a> {
    pub fn new(file: &'a StoreFile) -> Self {
        let brand = &file.brand;
        Self {
            name: &brand.name,
            url: &brand.url,
            logo: brand.logo.as_deref().and_then(web_address),
            color: if is_color(&brand.color) {
                &brand.color
            } else {
                FALLBACK_COLOR
            },
            address: &brand.address,
            support_email: brand.support_email.as_str(),
            locale: &file.locale,
            best_sellers: Vec::new(),
        }
    }
}

impl<'a> Contact<'a> {
    fn new(recipient: &'a EmailAddress, profile: &'a Profile) -> Self {
        let first_name = profile
            .first_name
            .as_deref()
            .map(str::trim)
            .filter(|name| is_name(name));
        Self {
            first_name,
            email: recipient.as_str(),
            greeting: first_name.map_or_else(|| "Hello".to_owned(), |name| format!("Hello {name}")),
        }
    }
}

impl Item {
    fn new(line: &LineItem, language: &str) -> Self {
        Self {
            title: header_text(&line.title),
            variant: line
                .variant
                .as_deref()
                .map(header_text)
                .filter(|text| !text.is_empty()),
            quantity: line.quantity,
            price: line.price.map(|one| price(one.times(line.quantity), language)),
            image_url: line.image_url.as_deref().and_then(web_address).map(str::to_owned),
            url: line.url.as_deref().and_then(web_address).map(str::to_owned),
        }
    }
}

/// An absolute web address without characters that could end an attribute or a line; nothing else may be linked.
fn web_address(text: &str) -> Option<&str> {
    let text = text.trim();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme)?;
    let web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    let broken = |c: char| c.is_control() || c.is_whitespace() || "\"'<>`\\".contains(c);
    (web && text.len() <= MAX_URL_BYTES && !text.contains(broken)).then_some(text)
}

fn is_plain(text: &str) -> bool {
    !text.trim().is_empty() && header_text(text) == text
}

/// Whether a text may stand after "Hello". Sign-up forms are abused to mail links to strangers: a text with an
/// address or a domain in it is greeted as nobody.
fn is_name(text: &str) -> bool {
    let mut after_dot = text.split('.').skip(1);
    let domain = after_dot.any(|part| part.chars().take_while(|c| c.is_alphanumeric()).count() >= 2);
    is_plain(text)
        && text.chars().count() <= MAX_NAME_CHARS
        && text.contains(char::is_alphabetic)
        && !text.contains(['/', '@', ':', '\\'])
        && !domain
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|hex| matches!(hex.len(), 3 | 6) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_greeted() {
        for name in [
            "Nadia",
            "Анна-Мария",
            "J.R.",
            "O'Neil",
            "Jean Luc",
            "李",
            "Mary Jr.",
        ] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(41);
        for name in [
            "",
            " ",
            "12",
            "win.example",
            "http://x",
            "a@b.cd",
            "A\r\nBcc: x",
            "see evil.example now",
            &long,
        ] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn everybody_has_their_own_link() {
        let text = include_str!("../../store.yaml");
        let mut store: StoreFile = serde_saphyr::from_str(text).unwrap();
        let nadia = ContactId::from_digest("8c7f00112233445566778899aabbccdd");
        store.referral = None;
        assert_eq!(Referral::new(&store, &nadia), Referral::default());
        store.referral = Some(crate::journey::store_file::Referral {
            link: "https://shop.example/?ref={code}".to_owned(),
        });
        let referral = Referral::new(&store, &nadia);
        assert_eq!(referral.link, "https://shop.example/?ref=HHZG04926D80");
        assert_eq!(referral.code, "HHZG04926D80");
    }

    #[test]
    fn only_web_addresses_are_linked() {
        assert_eq!(
            web_address(" https://shop.example/a?b=1&c=2 "),
            Some("https://shop.example/a?b=1&c=2")
        );
        for text in [
            "javascript:alert(1)",
            "//shop.example",
            "https://a\" onclick=x",
            "data:text/html,x",
            "https://a\nb",
        ] {
            assert_eq!(web_address(text), None, "{text}");
        }
    }
}
