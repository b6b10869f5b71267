//! Sample data to look at emails with: a small cart that is also an order. For previews and tests, never sent.

use super::emails::{self, Rendered};
use super::headers;
use super::model::{Brought, MessageLinks, Model, Referral};
use super::questions;
use super::translation::translation;
use crate::domain::contact::Profile;
use crate::domain::email::EmailAddress;
use crate::domain::event::{EventData, LineItem};
use crate::domain::grounds::Grounds;
use crate::domain::ids::{ContactId, MessageId};
use crate::domain::message::{HeldCoupon, Stream};
use crate::domain::money::{Currency, Money};
use crate::domain::time::Timestamp;
use crate::journey::store_file::StoreFile;
use std::collections::BTreeMap;

/// Address of the sample contact; `.example` domains reach nobody.
pub const ADDRESS: &str = "nadia.okafor@example.com";

/// A contact with a name.
pub fn profile() -> Profile {
    Profile {
        first_name: Some("Nadia".to_owned()),
        last_name: Some("Okafor".to_owned()),
        ..Profile::default()
    }
}

/// The same for a reader of this language: a name is greeted as it is written, and Russian writes its own.
pub fn profile_in(locale: Option<&str>) -> Profile {
    let sample = profile();
    Profile {
        first_name: if is_russian(locale) {
            Some("Надя".to_owned())
        } else {
            sample.first_name
        },
        ..sample
    }
}

fn is_russian(locale: Option<&str>) -> bool {
    locale.and_then(|tag| tag.split('-').next()) == Some("ru")
}

/// What the event behind a mail would say: lines and totals for cart and order mails, nothing for the welcome.
pub fn data(email: &str, shop_url: &str, currency: Currency) -> EventData {
    if email.starts_with("welcome") {
        return EventData::default();
    }
    let shop_url = shop_url.trim_end_matches('/');
    let lines = [
        ("Stoneware mug", Some("Bone white"), 2, "14.00"),
        ("Linen tea towel", None, 1, "9.50"),
    ];
    let items = lines
        .map(|(title, variant, quantity, price)| LineItem {
            image_url: Some(format!(
                "{shop_url}/pictures/{}.jpg",
                title.to_lowercase().replace(' ', "-")
            )),
            title: title.to_owned(),
            variant: variant.map(str::to_owned),
            quantity,
            price: Money::parse(price, currency).ok(),
            url: Some(format!(
                "{shop_url}/products/{}",
                title.to_lowercase().replace(' ', "-")
            )),
            sku: None,
            product_id: None,
            variant_id: None,
        })
        .to_vec();
    // What an order's total counts besides its lines is shown by the one mail that is about the whole of it.
    let (value, properties) = match email {
        "order-confirmation" => ("42.45", BTreeMap::from([("shipping".to_owned(), "4.95".into())])),
        _ => ("37.50", BTreeMap::new()),
    };
    EventData {
        checkout_id: Some("8f2c".to_owned()),
        order_number: Some("#1042".to_owned())
            .filter(|_| !email.starts_with("checkout") && !email.starts_with("cart")),
        value: Money::parse(value, currency).ok(),
        properties,
        url: Some(format!("{shop_url}/go-on/8f2c")),
        items: items.into(),
        ..EventData::default()
    }
}

/// The same as a shop would tell it that names its goods in Russian.
fn in_russian(data: EventData) -> EventData {
    let titles = [
        ("Керамическая кружка", Some("Молочная")),
        ("Льняное полотенце", None),
    ];
    let lines = data.items.iter().zip(titles);
    let items: Vec<LineItem> = lines
        .map(|(line, (title, variant))| LineItem {
            title: title.to_owned(),
            variant: variant.map(str::to_owned),
            ..line.clone()
        })
        .collect();
    EventData {
        items: items.into(),
        ..data
    }
}

/// What variables say in samples, where what they say otherwise would show little.
pub const VARIABLES: &[(&str, &str)] = &[
    ("comment", "The mug is lovely, but it came with a chip in it."),
    ("score", "3"),
];

/// A code out of a pool, for emails that show one.
pub fn coupon() -> HeldCoupon {
    HeldCoupon {
        code: "NORTH-7Q2K".to_owned(),
        percent: Some(10),
        expires_at: Some(Timestamp::from_seconds(1_790_000_000)),
    }
}

/// An id that nobody has: its code is that of the sample's referral link.
pub fn contact() -> ContactId {
    ContactId::from_digest("8c7f00112233445566778899aabbccdd")
}

/// The id of a message that is in no ledger.
const MESSAGE: &str = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// Where the links of a preview lead: a token that no key signed.
const UNSUBSCRIBE: &str = "https://mail.northfold.example/u/sample";
const PREFERENCES: &str = "https://mail.northfold.example/p/sample";
const CONFIRM: &str = "https://mail.northfold.example/confirm/sample";

/// Where it leads to the mail in a browser, as little signed.
const VIEW: &str = "https://mail.northfold.example/m/sample";

/// The headers of the sample message, besides the usual ones: marketing can be left by one click.
pub fn headers(stream: Stream) -> Option<Vec<(String, String)>> {
    let message = MessageId::parse(MESSAGE).ok()?;
    let unsubscribe = match stream {
        Stream::Marketing => Some(UNSUBSCRIBE),
        Stream::Transactional => None,
    };
    Some(headers::headers(&message, unsubscribe))
}

/// An email as the sample contact would get it who reads this language; none when there is no such email. Nothing is
/// cleared here, so what comes out has no message and cannot be sent; nor are its links tracked.
pub fn preview(
    store: &StoreFile,
    email: &str,
    locale: Option<&str>,
    stream: Stream,
    variables: &BTreeMap<String, String>,
) -> Option<askama::Result<Rendered>> {
    preview_for((store, &profile()), email, locale, stream, variables)
}

/// Why the sample contact gets mail of this stream: most readers of marketing have subscribed.
pub const fn grounds(stream: Stream) -> Grounds {
    match stream {
        Stream::Marketing => Grounds::Subscribed,
        Stream::Transactional => Grounds::Unsaid,
    }
}

/// The same for a contact of this profile.
pub fn preview_for(
    (store, profile): (&StoreFile, &Profile),
    email: &str,
    locale: Option<&str>,
    stream: Stream,
    variables: &BTreeMap<String, String>,
) -> Option<askama::Result<Rendered>> {
    let to = EmailAddress::parse(ADDRESS).ok()?;
    let of_marketing = |link: &str| (stream == Stream::Marketing).then(|| link.to_owned());
    let data = data(email, &store.brand.url, store.currency);
    let translation = translation(email, locale, &store.locale);
    let data = if is_russian(translation.language) {
        in_russian(data)
    } else {
        data
    };
    let (questions, gifts) = questions::of_email(
        store,
        email,
        translation.language.unwrap_or(&store.locale),
        |purpose, said| {
            format!(
                "https://mail.northfold.example{}{}",
                purpose.path(),
                said.replace(' ', "-")
            )
        },
    );
    emails::render(
        translation.folder,
        &Model::new(
            (store, translation.language),
            (&to, grounds(stream)),
            profile,
            Brought {
                data: &data,
                coupon: Some(&coupon()),
                variables,
            },
            MessageLinks {
                unsubscribe: of_marketing(UNSUBSCRIBE),
                view: Some(VIEW.to_owned()),
                preferences: of_marketing(PREFERENCES),
                confirm: CONFIRM.to_owned(),
                referral: Referral::new(store, &contact()),
                questions,
                gifts,
            },
        ),
    )
}
