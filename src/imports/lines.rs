//! The lines of an order of the past, as each program writes them. Called by `orders`.

use super::form::Form;
use super::row::Row;
use crate::domain::event::LineItem;
use crate::domain::money::{Currency, Money};
use crate::sources::clean;

/// The lines that stand in a row of the file: one of most programs, all of WooCommerce's.
pub fn of(form: Form, row: &Row<'_>, currency: Currency) -> Vec<LineItem> {
    match form {
        Form::ShopifyOrders => item(
            row.get("lineitem name"),
            row.get("lineitem quantity"),
            row.get("lineitem price").and_then(|price| money(price, currency)),
            row.get("lineitem sku"),
        )
        .into_iter()
        .collect(),
        Form::WoocommerceOrders => {
            let mut numbered: Vec<(usize, &str)> = row
                .beginning("line_item_")
                .filter_map(|(number, text)| Some((number.parse().ok()?, text)))
                .collect();
            numbered.sort_unstable();
            numbered
                .into_iter()
                .filter_map(|(_, text)| woocommerce(text, currency))
                .collect()
        }
        Form::Klaviyo
        | Form::Mailchimp
        | Form::Listmonk
        | Form::ShopifyCustomers
        | Form::WoocommerceCustomers
        | Form::WoocommerceUsers
        | Form::Own
        | Form::OwnOrders => item(
            row.get("title"),
            row.get("quantity"),
            row.get("price").and_then(|price| money(price, currency)),
            row.get("sku"),
        )
        .into_iter()
        .collect(),
    }
}

/// `name:Linen shirt|product_id:87|sku:LS-1|quantity:2|total:59.80|sub_total:59.80`
fn woocommerce(text: &str, currency: Currency) -> Option<LineItem> {
    let field = |name: &str| {
        let mut parts = text.split('|');
        let found = parts.find_map(|part| part.trim().strip_prefix(name)?.strip_prefix(':'));
        found.map(str::trim).filter(|value| !value.is_empty())
    };
    let mut line = item(field("name"), field("quantity"), None, field("sku"))?;
    line.product_id = field("product_id").and_then(clean::line);
    let total = field("total").and_then(|total| money(total, currency));
    line.price = total.and_then(|total| {
        let each = total.amount.checked_div(line.quantity.into())?;
        let amount = each.round_dp(currency.decimals());
        Some(Money { amount, currency })
    });
    Some(line)
}

fn item(
    title: Option<&str>,
    quantity: Option<&str>,
    price: Option<Money>,
    sku: Option<&str>,
) -> Option<LineItem> {
    Some(LineItem {
        title: clean::html_line(title?)?,
        variant: None,
        // Cloth by the metre counts as one more.
        quantity: quantity.map_or(Some(1), whole)?,
        price,
        sku: sku.and_then(clean::line),
        product_id: None,
        variant_id: None,
        image_url: None,
        url: None,
    })
}

fn whole(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let more = u32::from(part.bytes().any(|digit| digit != b'0'));
    whole.parse::<u32>().ok()?.checked_add(more)
}

/// `57.05`, and `1,234.50` or `57,05` where the sign before the last two digits tells.
pub fn money(text: &str, currency: Currency) -> Option<Money> {
    let digits: String = text
        .chars()
        .filter(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '-'))
        .collect();
    let plain = match (digits.rfind('.'), digits.rfind(',')) {
        (Some(point), Some(comma)) if comma > point => digits.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => digits.replace(',', ""),
        (None, Some(comma)) if digits.len() - comma == 3 => digits.replace(',', "."),
        (None, Some(_)) => return None,
        (Some(_), None) | (None, None) => digits,
    };
    Money::parse(&plain, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_where_their_sign_tells() {
        let eur = Currency::parse("EUR").unwrap();
        let read = |text: &str| money(text, eur).map(|money| money.amount.to_string());
        for (text, amount) in [
            ("57.05", "57.05"),
            ("57,05", "57.05"),
            ("1,234.50", "1234.50"),
            ("1.234,50", "1234.50"),
            ("€57.05", "57.05"),
            ("1200", "1200"),
        ] {
            assert_eq!(read(text).as_deref(), Some(amount), "{text}");
        }
        for text in ["1,234", "", "free"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_line_of_woocommerce_is_its_parts() {
        let eur = Currency::parse("EUR").unwrap();
        let line = woocommerce(
            "name:Tea &amp; cup|product_id:87|sku:T-1|quantity:3|total:10.00",
            eur,
        )
        .unwrap();
        assert_eq!((line.title.as_str(), line.quantity), ("Tea & cup", 3));
        assert_eq!(line.price.unwrap().amount.to_string(), "3.33");
        assert_eq!(line.product_id.as_deref(), Some("87"));
        assert_eq!(
            (whole("2"), whole("0.5"), whole("-1"), whole("1.0")),
            (Some(2), Some(1), None, Some(1))
        );
    }
}
