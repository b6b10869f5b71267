//! `products/create`, `products/update` and `products/delete`: a product with all its variants, for the catalogue.
//!
//! Called by the topic dispatch. Each variant is an offer. Shopify sends the update for each change of stock as well, so the
//! topics of the inventory, which name no variant, are not needed.

use super::Delivery;
use crate::domain::offer::Offer;
use crate::sources::loose::{List, Object, Text};
use crate::sources::product::{self, Product};
use crate::sources::{Error, Reading, arrival, clean};
use serde::Deserialize;

const SHOP: [&str; 2] = ["X-Shopify-Shop-Domain", "Shopify-Shop-Domain"];
/// Where every shop answers, whatever its own name is.
const SHOPS: &str = ".myshopify.com";
/// Most variants of a product; Shopify allows 2,048.
const MAX_VARIANTS: usize = 2_048;

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Wire {
    id: Text,
    title: Text,
    handle: Text,
    vendor: Text,
    product_type: Text,
    status: Text,
    published_at: Text,
    updated_at: Text,
    variants: List<Variant>,
    variant_gids: List<Gid>,
    images: List<Image>,
    image: Object<Image>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Variant {
    id: Text,
    sku: Text,
    price: Text,
    compare_at_price: Text,
    inventory_policy: Text,
    inventory_quantity: Text,
    image_id: Text,
}

/// Another name of a variant, of which only the number counts.
#[derive(Debug, Deserialize)]
struct Gid {}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct Image {
    id: Text,
    src: Text,
}

/// Of a product without an id there is nothing to keep.
pub fn told(delivery: &Delivery<'_>) -> Result<Reading, Error> {
    let topic = delivery.verified.header(&super::TOPIC).unwrap_or_default();
    let wire: Wire = delivery.verified.json()?;
    let Some(id) = wire.id.nonzero().and_then(clean::line) else {
        return Ok(Reading::ignored(topic));
    };
    let shop = delivery.verified.header(&SHOP).filter(|shop| is_shop(shop));
    let variants = wire.variants.0.iter().take(MAX_VARIANTS);
    let offers: Vec<Offer> = variants
        .filter_map(|variant| wire.offer(&id, variant, shop, delivery))
        .collect();
    let deleted = topic == "products/delete";
    let now = delivery.arrival.now;
    // The body of a deletion is an id. Its header is not signed: it may say that it was earlier, and no more.
    let as_of = deleted.then(|| delivery.triggered_at.map_or(now, |at| at.min(now)));
    // Of a product with very many variants Shopify sends some, and the ids of the others beside them.
    let all = !offers.is_empty() && offers.len() >= wire.variant_gids.0.len();
    Ok(Reading::Product(Product {
        source: delivery.arrival.source,
        delivery: delivery.event_id.clone(),
        whole: all || deleted,
        as_of,
        offers,
        id,
    }))
}

fn is_shop(name: &str) -> bool {
    let own = name.strip_suffix(SHOPS).unwrap_or_default();
    !own.is_empty()
        && own
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl Wire {
    fn offer(
        &self,
        product: &str,
        variant: &Variant,
        shop: Option<&str>,
        delivery: &Delivery<'_>,
    ) -> Option<Offer> {
        let id = variant.id.nonzero().and_then(clean::line)?;
        let (price, compare_at) = product::prices(
            &variant.price,
            &variant.compare_at_price,
            delivery.arrival.currency,
        );
        let page = |shop: &str| {
            let handle = self.handle.as_deref()?;
            clean::url(&format!("https://{shop}/products/{handle}?variant={id}"))
        };
        Some(Offer {
            product: Some(product.to_owned()),
            sku: variant.sku.as_deref().and_then(clean::line),
            title: self.title.as_deref().and_then(clean::line),
            url: shop.and_then(page),
            image: self.image_of(variant).and_then(clean::url),
            price,
            compare_at,
            available: self.is_for_sale() && variant.is_there(),
            brand: self.vendor.as_deref().and_then(clean::line),
            categories: self
                .product_type
                .as_deref()
                .and_then(clean::line)
                .into_iter()
                .collect(),
            told_at: arrival::rfc3339(&self.updated_at),
            deleted: false,
            id,
        })
    }

    fn is_for_sale(&self) -> bool {
        let active = self.status.as_deref().is_none_or(|status| status == "active");
        active && self.published_at.as_deref().is_some()
    }

    /// The variant's own picture, else the product's.
    fn image_of(&self, variant: &Variant) -> Option<&str> {
        let own = variant.image_id.nonzero();
        let all = &self.images.0;
        let found = own.and_then(|id| all.iter().find(|image| image.id.as_deref() == Some(id)));
        found.or(self.image.as_ref()).or(all.first())?.src.as_deref()
    }
}

impl Variant {
    /// In stock, or sold without looking: a stock that is not kept is not named.
    fn is_there(&self) -> bool {
        let sold_anyway = self.inventory_policy.as_deref() == Some("continue");
        let left = self.inventory_quantity.as_deref();
        sold_anyway || left.is_none_or(|left| left != "0" && !left.starts_with('-'))
    }
}
