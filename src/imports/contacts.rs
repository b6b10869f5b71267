//! People: each program's columns as a contact. Called by `imports::read` for every line of a list of contacts.
//!
//! What is no language, zone or country is left out; a line is refused only for what would make it somebody else's or a
//! consent that nobody gave: its address, its ids, its dates.

use super::consent::{self, Said};
use super::form::Form;
use super::record::{ListedContact, Record};
use super::row::Row;
use crate::domain::civil::CivilDate;
use crate::domain::contact::Profile;
use crate::domain::ids::SourceName;
use crate::sources::clean;
use serde_json::Value;

/// The contact of a line.
///
/// # Errors
/// With words for the report.
pub fn read(form: Form, row: &Row<'_>, said: &Said) -> Result<Record, String> {
    let list = source(form.list())?;
    let consent = consent::of(form, row, said)?;
    let email = row.email(&["email", "email address", "user_email", "billing_email"])?;
    let since = row.time(match form {
        Form::Klaviyo => "profile created on",
        Form::Mailchimp => "optin_time",
        Form::Listmonk => "created_at",
        Form::WoocommerceCustomers => "sign up",
        Form::WoocommerceUsers => "user_registered",
        Form::Own => "since",
        Form::ShopifyCustomers | Form::ShopifyOrders | Form::WoocommerceOrders | Form::OwnOrders => "",
    })?;
    let customers = match form {
        Form::ShopifyCustomers => customer(row, "customer id", &list),
        Form::WoocommerceUsers => customer(row, "id", &list),
        Form::Own => match row.get("customer_id") {
            None => Vec::new(),
            Some(_) => {
                let shop = row
                    .get("source")
                    .ok_or("customer_id: say in `source` which shop's it is")?;
                customer(row, "customer_id", &source(shop)?)
            }
        },
        Form::Klaviyo
        | Form::Mailchimp
        | Form::Listmonk
        | Form::WoocommerceCustomers
        | Form::ShopifyOrders
        | Form::WoocommerceOrders
        | Form::OwnOrders => Vec::new(),
    };
    Ok(Record::Contact(Box::new(ListedContact {
        list,
        email,
        customers,
        profile: profile(form, row)?,
        since,
        consent,
    })))
}

pub(super) fn source(name: &str) -> Result<SourceName, String> {
    SourceName::parse(&name.to_ascii_lowercase()).map_err(|error| format!("source: {error}"))
}

/// WooCommerce's guests are number 0.
fn customer(row: &Row<'_>, column: &str, shop: &SourceName) -> Vec<(SourceName, String)> {
    let id = row.get(column).filter(|id| *id != "0");
    id.map(|id| (shop.clone(), id.to_owned())).into_iter().collect()
}

fn profile(form: Form, row: &Row<'_>) -> Result<Profile, String> {
    let line = |columns: &[&str]| row.first(columns).and_then(clean::line);
    let mut profile = Profile {
        first_name: line(&["first name", "first_name", "billing_first_name"]),
        last_name: line(&["last name", "last_name", "billing_last_name"]),
        locale: row.first(&["locale", "language"]).and_then(clean::locale),
        timezone: row.first(&["timezone", "time zone"]).and_then(clean::timezone),
        country: row
            .first(&[
                "country",
                "cc",
                "default address country code",
                "country code",
                "country / region",
                "billing_country",
            ])
            .and_then(clean::country),
        tags: tags(form, row),
        ..Profile::default()
    };
    if profile.first_name.is_none() && profile.last_name.is_none() {
        (profile.first_name, profile.last_name) = row.get("name").map(split).unwrap_or_default();
    }
    let mut add = |name: &str, value: String| profile.attributes.insert(name.to_owned(), Value::from(value));
    if let Some(phone) = line(&["phone", "phone number", "billing_phone", "default address phone"]) {
        add("phone", phone);
    }
    if let Some(day) = birthday(row)? {
        add("birthday", day);
    }
    for (name, value) in row.beginning("attribute.") {
        if let (Some(name), Some(value)) = (clean::line(name), clean::line(value)) {
            add(&name, value);
        }
    }
    Ok(profile)
}

/// `Ana Maria Lopes`: what stands before the last word is the first name.
pub(super) fn split(name: &str) -> (Option<String>, Option<String>) {
    match name.trim().rsplit_once(char::is_whitespace) {
        Some((first, last)) => (clean::line(first), clean::line(last)),
        None => (clean::line(name), None),
    }
}

/// Klaviyo's tags are no one's: its lists and segments have them.
fn tags(form: Form, row: &Row<'_>) -> Option<Vec<String>> {
    if form == Form::Klaviyo {
        return None;
    }
    let tags = row.get("tags")?.split([',', ';']);
    // Mailchimp puts each into quotes of its own.
    let tags = tags.filter_map(|tag| clean::line(tag.trim().trim_matches('"')));
    Some(tags.collect()).filter(|tags: &Vec<String>| !tags.is_empty())
}

/// `1990-05-17`, `05-17`, and Mailchimp's `05/17`.
fn birthday(row: &Row<'_>) -> Result<Option<String>, String> {
    let Some(text) = row.get("birthday") else {
        return Ok(None);
    };
    let date: Result<CivilDate, _> = text.replace('/', "-").parse();
    let date = date.map_err(|error| format!("birthday: {error}"))?;
    Ok(Some(date.to_string()))
}
