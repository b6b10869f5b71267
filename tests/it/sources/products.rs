//! Product webhooks: offers for the catalogue, and no event.

use super::*;
use wend::sources::Product;

fn product(delivery: &Delivery) -> Product {
    match delivery.read() {
        Ok(Reading::Product(product)) => product,
        other => panic!("{other:?}"),
    }
}

fn of_shopify(changes: &[(&str, Value)]) -> Product {
    let body = edited("shopify/products_update", changes).to_string();
    let mut delivery = shopify("products/update", body);
    delivery.headers = delivery
        .headers
        .with("X-Shopify-Shop-Domain", "demo-shop.myshopify.com");
    product(&delivery)
}

fn of_woocommerce(topic: &str, changes: &[(&str, Value)]) -> Product {
    let body = edited("woocommerce/product_updated", changes).to_string();
    product(&woocommerce(topic, body))
}

#[test]
fn shopify_tells_of_a_product_with_its_variants() {
    let product = of_shopify(&[]);
    assert_eq!((product.id.as_str(), product.whole), ("8061102293267", true));
    insta::assert_snapshot!(serde_json::to_string_pretty(&product.offers).unwrap());
}

#[test]
fn woocommerce_tells_of_a_product_by_itself() {
    let product = of_woocommerce("product.updated", &[]);
    assert_eq!((product.id.as_str(), product.whole), ("93", false));
    insta::assert_snapshot!(serde_json::to_string_pretty(&product.offers).unwrap());
}

#[test]
fn a_variant_is_there_as_its_shop_would_sell_it() {
    let there = |changes: &[(&str, Value)]| of_shopify(changes).offers[0].available;
    assert!(there(&[]));
    assert!(!there(&[("/variants/0/inventory_quantity", json!(0))]));
    assert!(!there(&[("/variants/0/inventory_quantity", json!(-2))]));
    assert!(there(&[
        ("/variants/0/inventory_quantity", json!(-2)),
        ("/variants/0/inventory_policy", json!("continue")),
    ]));
    assert!(there(&[("/variants/0/inventory_quantity", Value::Null)]));
    assert!(!there(&[("/status", json!("draft"))]));
    assert!(!there(&[("/published_at", Value::Null)]));

    let there = |changes: &[(&str, Value)]| of_woocommerce("product.restored", changes).offers[0].available;
    assert!(there(&[]));
    assert!(!there(&[("/stock_status", json!("outofstock"))]));
    assert!(!there(&[("/stock_status", json!("onbackorder"))]));
    assert!(!there(&[("/status", json!("trash"))]));
}

#[test]
fn a_variant_has_its_own_picture_or_its_product_s() {
    let own = json!({ "id": 7, "src": "https://cdn.example/own.jpg" });
    let product = of_shopify(&[("/images/0", own), ("/variants/0/image_id", json!(7))]);
    assert_eq!(
        product.offers[0].image.as_deref(),
        Some("https://cdn.example/own.jpg")
    );
    assert!(
        product.offers[1]
            .image
            .as_deref()
            .unwrap()
            .contains("beanie-moss")
    );
    let variation = [
        ("/parent_id", json!(93)),
        ("/id", json!(94)),
        ("/image", json!({ "src": "https://shop.example/s.jpg" })),
    ];
    let offer = of_woocommerce("product.updated", &variation).offers.remove(0);
    assert_eq!((offer.id.as_str(), offer.product.as_deref()), ("94", Some("93")));
    assert_eq!(offer.image.as_deref(), Some("https://shop.example/s.jpg"));
}

#[test]
fn what_was_deleted_has_no_offers_left() {
    let delivery = shopify("products/delete", r#"{"id":8061102293267}"#);
    let gone = product(&delivery);
    assert_eq!((gone.offers.len(), gone.whole), (0, true));
    // By the delivery's own time, which is not signed: it is never one that has not come yet.
    let at = |time: &str| Timestamp::parse_rfc3339(time).ok();
    assert_eq!(gone.as_of, at("2026-02-01T00:00:00.123Z"));
    let mut early = shopify("products/delete", r#"{"id":8061102293267}"#);
    early.headers = Headers::new();
    for (name, value) in delivery.headers.iter() {
        let later = name.eq_ignore_ascii_case("x-shopify-triggered-at");
        early
            .headers
            .push(name, if later { "2027-01-01T00:00:00Z" } else { value });
    }
    assert_eq!(product(&early).as_of, Some(now()));
    let gone = product(&woocommerce("product.deleted", r#"{"id":93}"#));
    assert_eq!((gone.offers.len(), gone.whole), (0, true));
    assert_eq!(gone.as_of, Some(now()));
    assert_eq!(of_shopify(&[]).as_of, None);
}

#[test]
fn a_product_that_is_told_in_part_takes_no_variant_away() {
    let gids: Vec<Value> = (0..3)
        .map(|n| json!({ "admin_graphql_api_id": format!("gid://{n}") }))
        .collect();
    assert!(!of_shopify(&[("/variant_gids", json!(gids))]).whole);
    for partial in [json!([]), Value::Null, json!("none")] {
        let product = of_shopify(&[("/variants", partial)]);
        assert_eq!((product.offers.len(), product.whole), (0, false));
    }
}

#[test]
fn only_a_shop_of_shopify_s_own_name_gives_an_address() {
    for domain in [
        "evil.example",
        "a.b.myshopify.com",
        ".myshopify.com",
        "x/y.myshopify.com",
    ] {
        let mut delivery = shopify("products/update", fixture("shopify/products_update"));
        delivery.headers = delivery.headers.with("X-Shopify-Shop-Domain", domain);
        assert_eq!(product(&delivery).offers[0].url, None, "{domain}");
    }
}

#[test]
fn a_product_without_an_id_is_nothing_to_keep() {
    for body in ["{}", r#"{"id":null}"#, r#"{"id":0}"#, r#"{"id":{}}"#] {
        for delivery in [
            shopify("products/update", body),
            woocommerce("product.updated", body),
        ] {
            assert!(matches!(delivery.read(), Ok(Reading::Ignored(_))), "{body}");
        }
    }
}
