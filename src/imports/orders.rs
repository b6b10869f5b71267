//! Orders of the past: each program's columns as an order with what became of it. Called by `imports::read` with the
//! lines of one order.
//!
//! An order that nobody paid is none, as in the shop's webhooks. Where a list does not tell when something happened to an
//! order, it is taken to have happened last.

use super::contacts::{source, split};
use super::form::Form;
use super::lines;
use super::record::{PastOrder, Record};
use super::row::Row;
use crate::domain::contact::Profile;
use crate::domain::event::LineItem;
use crate::domain::money::Currency;
use crate::domain::order::OrderStatus;
use crate::domain::time::Timestamp;
use crate::sources::{clean, ended_at_shopify};

/// By what lines of the file are one order: those of one order stand together.
pub fn key<'a>(form: Form, row: &Row<'a>) -> Option<&'a str> {
    row.get(if form == Form::ShopifyOrders {
        "name"
    } else {
        "order_id"
    })
}

/// The order of these lines; the first has what is said once.
///
/// # Errors
/// With words for the report.
pub fn read(form: Form, rows: &[Row<'_>], store: Currency) -> Result<Record, String> {
    let row = rows.first().ok_or("it has no line")?;
    let currency = match row.first(&["currency", "order_currency"]) {
        Some(code) => Currency::parse(code).map_err(|error| error.to_string())?,
        None => store,
    };
    let items: Vec<LineItem> = rows
        .iter()
        .flat_map(|row| lines::of(form, row, currency))
        .collect();
    let order = match form {
        Form::ShopifyOrders => shopify(row, currency)?,
        Form::WoocommerceOrders => woocommerce(row, currency)?,
        Form::Klaviyo
        | Form::Mailchimp
        | Form::Listmonk
        | Form::ShopifyCustomers
        | Form::WoocommerceCustomers
        | Form::WoocommerceUsers
        | Form::Own
        | Form::OwnOrders => own(row, currency)?,
    };
    Ok(Record::Order(Box::new(PastOrder { items, ..order })))
}

fn shopify(row: &Row<'_>, currency: Currency) -> Result<PastOrder, String> {
    let placed_at = row.time("created at")?.ok_or("created at: it says nothing")?;
    let (sent_at, cancelled_at) = (row.time("fulfilled at")?, row.time("cancelled at")?);
    let last = [Some(placed_at), sent_at, cancelled_at]
        .into_iter()
        .flatten()
        .max();
    let last = last.unwrap_or(placed_at);
    let is_sent = row.get("fulfillment status") == Some("fulfilled");
    let mut later = Vec::new();
    later.extend(sent_at.filter(|_| is_sent).map(|at| (OrderStatus::Fulfilled, at)));
    let ended = ended_at_shopify(cancelled_at.is_some(), row.get("financial status"));
    later.extend(ended.map(|status| (status, cancelled_at.unwrap_or(last))));
    let (first_name, last_name) = row
        .first(&["billing name", "shipping name"])
        .map(split)
        .unwrap_or_default();
    Ok(PastOrder {
        id: row
            .get("id")
            .ok_or("id: an order without one is not known to the shop's webhooks")?
            .to_owned(),
        number: row.get("name").and_then(clean::line),
        customer: None,
        later,
        codes: row
            .get("discount code")
            .and_then(clean::line)
            .into_iter()
            .collect(),
        profile: Profile {
            first_name,
            last_name,
            country: row
                .first(&["billing country", "shipping country"])
                .and_then(clean::country),
            ..Profile::default()
        },
        ..blank(row, "shopify", "total", placed_at, currency)?
    })
}

fn woocommerce(row: &Row<'_>, currency: Currency) -> Result<PastOrder, String> {
    let placed_at = row.time("order_date")?.ok_or("order_date: it says nothing")?;
    let status = row.get("status").unwrap_or_default();
    let last = row.time("paid_date")?.unwrap_or(placed_at).max(placed_at);
    let later = match status.strip_prefix("wc-").unwrap_or(status) {
        "processing" | "on-hold" => Vec::new(),
        "completed" => vec![(OrderStatus::Fulfilled, last)],
        "cancelled" => vec![(OrderStatus::Cancelled, last)],
        "refunded" => vec![(OrderStatus::Refunded, last)],
        other => return Err(format!("status: an order that is `{other}` was not bought")),
    };
    Ok(PastOrder {
        id: row.get("order_id").unwrap_or_default().to_owned(),
        number: row.get("order_number").and_then(clean::line),
        customer: row
            .first(&["customer_id", "customer_user"])
            .filter(|id| *id != "0" && id.bytes().all(|byte| byte.is_ascii_digit()))
            .map(str::to_owned),
        later,
        profile: Profile {
            first_name: row.get("billing_first_name").and_then(clean::html_line),
            last_name: row.get("billing_last_name").and_then(clean::html_line),
            country: row.get("billing_country").and_then(clean::country),
            ..Profile::default()
        },
        ..blank(row, "woocommerce", "order_total", placed_at, currency)?
    })
}

fn own(row: &Row<'_>, currency: Currency) -> Result<PastOrder, String> {
    let placed_at = row.time("placed_at")?.ok_or("placed_at: it says nothing")?;
    let at = row.time("status_at")?.unwrap_or(placed_at);
    let later = match row.get("status") {
        None | Some("completed") => Vec::new(),
        Some("fulfilled") => vec![(OrderStatus::Fulfilled, at)],
        Some("delivered") => vec![(OrderStatus::Delivered, at)],
        Some("cancelled") => vec![(OrderStatus::Cancelled, at)],
        Some("refunded") => vec![(OrderStatus::Refunded, at)],
        Some(other) => {
            return Err(format!(
                "status: `{other}` is none of completed, fulfilled, delivered, cancelled, refunded"
            ));
        }
    };
    Ok(PastOrder {
        id: row.get("order_id").unwrap_or_default().to_owned(),
        number: row.get("number").and_then(clean::line),
        customer: row.get("customer_id").map(str::to_owned),
        later,
        codes: row.get("coupon").and_then(clean::line).into_iter().collect(),
        profile: Profile {
            first_name: row.get("first_name").and_then(clean::line),
            last_name: row.get("last_name").and_then(clean::line),
            country: row.get("country").and_then(clean::country),
            ..Profile::default()
        },
        ..blank(
            row,
            row.get("source").unwrap_or("events"),
            "total",
            placed_at,
            currency,
        )?
    })
}

/// What is read alike of every program.
fn blank(
    row: &Row<'_>,
    shop: &str,
    total: &str,
    placed_at: Timestamp,
    currency: Currency,
) -> Result<PastOrder, String> {
    let total = match row.get(total) {
        Some(text) => Some(
            lines::money(text, currency)
                .ok_or_else(|| format!("{total}: `{text}` is not an amount; write 57.05"))?,
        ),
        None => None,
    };
    Ok(PastOrder {
        source: source(shop)?,
        id: String::new(),
        number: None,
        email: row.email(&["email", "billing_email", "customer_email"])?,
        customer: None,
        placed_at,
        later: Vec::new(),
        total,
        items: Vec::new(),
        codes: Vec::new(),
        profile: Profile::default(),
    })
}
