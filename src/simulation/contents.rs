//! What a line of a scenario says about a cart or an order.

use super::error::LineError;
use super::story::Line;
use crate::domain::event::{EventData, LineItem};
use crate::domain::money::{Currency, Money};

pub(super) fn data(
    line: &Line,
    checkout: Option<&str>,
    order: Option<String>,
) -> Result<EventData, LineError> {
    let sale = matches!(line.what(), "checkout" | "update" | "order");
    let currency = Currency::parse("GBP").map_err(|error| line.wrong(error))?;
    let value = line.option("value").or(sale.then_some("57.00"));
    let value = value.map(|text| Money::parse(text, currency)).transpose();
    let items = line.number("items")?.unwrap_or(u32::from(sale));
    let mut data = EventData {
        checkout_id: checkout.map(str::to_owned),
        cart_id: line.option("cart").map(str::to_owned),
        order_number: order.as_ref().map(|id| format!("#{id}")),
        order_id: order,
        value: value.map_err(|error| line.wrong(error))?,
        items: match line.option("products") {
            Some(products) => products.split(',').map(item).collect::<Vec<_>>(),
            None => (1..=items).map(|number| item(&number.to_string())).collect(),
        }
        .into(),
        url: Some("https://northfold.example/go".to_owned()),
        ..EventData::default()
    };
    if let Some(score) = line.number("score")? {
        data.properties.insert("score".to_owned(), score.into());
    }
    if line.what() == "request" {
        data.properties.insert("journey".to_owned(), line.word(1).into());
    }
    if let Some(date) = line.option("delivery") {
        data.properties.insert("delivery".to_owned(), date.into());
    }
    if let Some(bytes) = line.number("bulk")? {
        let text = "x".repeat(bytes as usize);
        data.properties.insert("note".to_owned(), text.into());
    }
    Ok(data)
}

fn item(product: &str) -> LineItem {
    LineItem {
        title: format!("Mug {product}"),
        variant: None,
        quantity: 1,
        price: None,
        sku: None,
        product_id: Some(product.to_owned()),
        variant_id: None,
        image_url: None,
        url: None,
    }
}
