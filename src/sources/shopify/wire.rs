//! The fields of Shopify's REST payloads that we read (API 2026-07), and how they become ours.
//!
//! Private to the Shopify mappings. Everything is optional: payloads differ by version, by channel (a till has no
//! email) and by how far a shopper got.

use crate::domain::contact::Profile;
use crate::domain::event::LineItem;
use crate::domain::money::{Currency, Money};
use crate::domain::referral::ReferralCode;
use crate::domain::time::Timestamp;
use crate::sources::loose::{Flag, List, Object, Text};
use crate::sources::{arrival, clean};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Customer {
    pub id: Text,
    pub email: Text,
    pub first_name: Text,
    pub last_name: Text,
    pub tags: Tags,
    pub email_marketing_consent: Object<MarketingConsent>,
    pub default_address: Object<Address>,
    pub created_at: Text,
    pub updated_at: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct MarketingConsent {
    pub state: Text,
    pub opt_in_level: Text,
    pub consent_updated_at: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Address {
    pub first_name: Text,
    pub last_name: Text,
    pub country_code: Text,
}

/// Money that went back, a part of it or all.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Refund {
    pub created_at: Text,
}

/// What checkouts and orders have in common.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Sale {
    pub id: Text,
    pub token: Text,
    pub checkout_token: Text,
    pub cart_token: Text,
    pub email: Text,
    pub contact_email: Text,
    pub customer: Object<Customer>,
    pub customer_locale: Text,
    pub billing_address: Object<Address>,
    pub shipping_address: Object<Address>,
    pub buyer_accepts_marketing: Flag,
    pub browser_ip: Text,
    pub client_details: Object<Client>,
    pub created_at: Text,
    pub processed_at: Text,
    pub updated_at: Text,
    pub completed_at: Text,
    pub cancelled_at: Text,
    pub currency: Text,
    pub presentment_currency: Text,
    pub total_price: Text,
    pub total_price_set: Object<MoneySet>,
    pub line_items: List<Line>,
    pub discount_codes: List<Discount>,
    pub note_attributes: List<Note>,
    pub landing_site: Text,
    pub abandoned_checkout_url: Text,
    pub order_status_url: Text,
    pub name: Text,
    pub fulfillments: List<Fulfillment>,
    pub fulfillment_status: Text,
    pub financial_status: Text,
    pub refunds: List<Refund>,
    pub test: Flag,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Client {
    pub user_agent: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct MoneySet {
    pub presentment_money: Object<Amount>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Amount {
    pub amount: Text,
    pub currency_code: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Line {
    pub title: Text,
    pub presentment_title: Text,
    pub variant_title: Text,
    pub presentment_variant_title: Text,
    pub quantity: Text,
    pub price: Text,
    pub price_set: Object<MoneySet>,
    pub sku: Text,
    pub product_id: Text,
    pub variant_id: Text,
    pub image_url: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Discount {
    pub code: Text,
}

/// What a theme's own script attached to the cart.
#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Note {
    pub name: Text,
    pub value: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
pub struct Fulfillment {
    pub status: Text,
    pub created_at: Text,
    pub updated_at: Text,
    pub tracking_url: Text,
    pub tracking_urls: List<Text>,
}

/// Tags stand in one text, separated by commas; newer versions send an array. Null says nothing, an empty text that
/// there are none.
#[derive(Debug, Default)]
pub struct Tags(Option<Vec<String>>);

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let literal = <&RawValue>::deserialize(deserializer)?.get();
        let list = serde_json::from_str::<String>(literal)
            .map(|text| text.split(',').map(str::to_owned).collect())
            .or_else(|_| serde_json::from_str::<Vec<String>>(literal));
        Ok(Self(list.ok()))
    }
}

/// Most tags kept of a customer; Shopify allows 250.
const MAX_TAGS: usize = 250;

impl Tags {
    fn cleaned(&self) -> Option<Vec<String>> {
        let tags = self.0.as_ref()?.iter();
        Some(tags.filter_map(|tag| clean::line(tag)).take(MAX_TAGS).collect())
    }
}

impl Customer {
    pub fn profile(&self) -> Profile {
        Profile {
            first_name: self.first_name.as_deref().and_then(clean::line),
            last_name: self.last_name.as_deref().and_then(clean::line),
            country: self.default_address.as_ref().and_then(Address::country),
            tags: self.tags.cleaned(),
            ..Profile::default()
        }
    }
}

impl Address {
    pub fn country(&self) -> Option<String> {
        self.country_code.as_deref().and_then(clean::country)
    }

    /// The name on it, which stands in for that of a customer who gave none.
    fn named(&self) -> Profile {
        Profile {
            first_name: self.first_name.as_deref().and_then(clean::line),
            last_name: self.last_name.as_deref().and_then(clean::line),
            ..Profile::default()
        }
    }
}

impl Sale {
    pub fn profile(&self) -> Profile {
        let customer = self.customer.as_ref().map(Customer::profile).unwrap_or_default();
        let addresses = [&self.billing_address, &self.shipping_address].map(Object::as_ref);
        let country = addresses.into_iter().flatten().find_map(Address::country);
        let mut profile = Profile {
            country: country.or_else(|| customer.country.clone()),
            locale: self.customer_locale.as_deref().and_then(clean::locale),
            // The customer inside a sale may be an older copy, or one without tags: it adds tags, and never clears them.
            tags: customer.tags.clone().filter(|tags| !tags.is_empty()),
            ..customer
        };
        if profile.first_name.is_none() && profile.last_name.is_none() {
            for address in addresses.into_iter().flatten() {
                profile.fill_from(&address.named());
            }
        }
        profile
    }

    /// When an order was placed: the earlier of its two times, as an imported order keeps its day in `processed_at`.
    pub fn placed_at(&self) -> Option<Timestamp> {
        let times = [&self.created_at, &self.processed_at].into_iter();
        times.filter_map(arrival::rfc3339).min()
    }

    /// The plain amounts of an order are in the shop's own currency (Shopify's guide to multiple currencies).
    pub fn order_currency(&self) -> Option<Currency> {
        clean::currency(&self.currency)
    }

    /// The plain amounts of a checkout are in the currency that the shopper saw (the same guide).
    pub fn checkout_currency(&self) -> Option<Currency> {
        clean::currency(&self.presentment_currency).or_else(|| clean::currency(&self.currency))
    }

    /// The total as the shopper saw it, or the plain amount, which is in `currency`.
    pub fn value(&self, currency: Option<Currency>) -> Option<Money> {
        let seen = self.total_price_set.as_ref().and_then(MoneySet::seen);
        seen.or_else(|| clean::money(&self.total_price, currency))
    }

    /// The lines, with prices as [`Self::value`].
    pub fn lines(&self, currency: Option<Currency>) -> impl Iterator<Item = LineItem> {
        self.line_items.0.iter().map(move |line| line.item(currency))
    }

    pub fn codes(&self) -> Vec<String> {
        let codes = self.discount_codes.0.iter();
        codes
            .filter_map(|discount| discount.code.as_deref().and_then(clean::line))
            .collect()
    }

    /// Whose code the shopper came by: the one that was redeemed, else what the theme noted, else the page they came to.
    pub fn referral(&self) -> Option<ReferralCode> {
        let redeemed = self.discount_codes.0.iter().map(|discount| &discount.code);
        let notes = self.note_attributes.0.iter();
        let noted = notes.filter(|note| note.name.as_deref() == Some("ref"));
        let texts = redeemed.chain(noted.map(|note| &note.value));
        let landed = self.landing_site.as_deref().and_then(clean::ref_of_page);
        clean::referral(texts.filter_map(Text::as_deref).chain(landed))
    }
}

impl MoneySet {
    fn seen(&self) -> Option<Money> {
        let seen = self.presentment_money.as_ref()?;
        clean::money(&seen.amount, clean::currency(&seen.currency_code))
    }
}

impl Line {
    fn item(&self, currency: Option<Currency>) -> LineItem {
        let text = |seen: &Text, own: &Text| seen.as_deref().or(own.as_deref()).and_then(clean::line);
        let id = |text: &Text| text.as_deref().and_then(clean::line);
        let price = self.price_set.as_ref().and_then(MoneySet::seen);
        LineItem {
            title: text(&self.presentment_title, &self.title).unwrap_or_default(),
            // What Shopify calls the only variant of a product without variants.
            variant: text(&self.presentment_variant_title, &self.variant_title)
                .filter(|title| title != "Default Title"),
            quantity: clean::quantity(&self.quantity),
            price: price.or_else(|| clean::money(&self.price, currency)),
            sku: id(&self.sku),
            product_id: id(&self.product_id),
            variant_id: id(&self.variant_id),
            image_url: self.image_url.as_deref().and_then(clean::url),
            url: None,
        }
    }
}
