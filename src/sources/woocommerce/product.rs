//! `product.created`, `product.updated`, `product.deleted` and `product.restored`: a product or a variation, for the catalogue.
//!
//! Called by the topic dispatch. WooCommerce tells of a variable product without the prices and stock of its variations, which
//! it sends as products of their own or a feed lists: they stay as they are when the product is told.

use super::Delivery;
use crate::domain::offer::Offer;
use crate::sources::loose::{List, Object, Text};
use crate::sources::product::{self, Product};
use crate::sources::{Error, Reading, clean};
use serde::Deserialize;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Wire {
    id: Text,
    parent_id: Text,
    name: Text,
    sku: Text,
    permalink: Text,
    status: Text,
    price: Text,
    regular_price: Text,
    stock_status: Text,
    categories: List<Category>,
    images: List<Image>,
    image: Object<Image>,
    date_modified_gmt: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Category {
    name: Text,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Image {
    src: Text,
}

/// Of a product without an id there is nothing to keep.
pub fn told(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let wire: Wire = delivery.verified.json()?;
    let Some(id) = wire.id.nonzero().and_then(clean::line) else {
        return Ok(Reading::ignored(delivery.topic));
    };
    let deleted = delivery.topic == "product.deleted";
    let offers = if deleted {
        Vec::new()
    } else {
        vec![wire.offer(&id, delivery)]
    };
    Ok(Reading::Product(Product {
        source: delivery.arrival.source,
        delivery: delivery.event_id(&id, &wire.date_modified_gmt),
        offers,
        whole: deleted,
        // The body of a deletion is an id, and no header names a time.
        as_of: deleted.then_some(delivery.arrival.now),
        id,
    }))
}

impl Wire {
    fn offer(&self, id: &str, delivery: &Delivery<'_>) -> Offer {
        let (price, compare_at) =
            product::prices(&self.price, &self.regular_price, delivery.arrival.currency);
        // A variation has one picture of its own, a product a list.
        let image = self.image.as_ref().or(self.images.0.first());
        let published = self.status.as_deref().is_none_or(|status| status == "publish");
        let categories = self
            .categories
            .0
            .iter()
            .filter_map(|category| category.name.as_deref());
        Offer {
            id: id.to_owned(),
            product: self.parent_id.nonzero().and_then(clean::line),
            sku: self.sku.as_deref().and_then(clean::line),
            title: self.name.as_deref().and_then(clean::html_line),
            url: self.permalink.as_deref().and_then(clean::url),
            image: image.and_then(|image| image.src.as_deref()).and_then(clean::url),
            price,
            compare_at,
            available: published
                && self
                    .stock_status
                    .as_deref()
                    .is_none_or(|stock| stock == "instock"),
            brand: None,
            told_at: super::gmt(&self.date_modified_gmt),
            deleted: false,
            categories: categories.filter_map(clean::html_line).take(8).collect(),
        }
    }
}
