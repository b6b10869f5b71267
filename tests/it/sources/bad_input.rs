//! What no source accepts: unsigned, tampered, unconfigured, unreadable.

use super::*;

fn genuine() -> [Delivery; 3] {
    [
        shopify("orders/create", fixture("shopify/orders_create")),
        woocommerce("order.created", fixture("woocommerce/order_created")),
        our_events(fixture("standard_webhooks/contact_created")),
    ]
}

fn signature_header(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Shopify => "X-Shopify-Hmac-Sha256",
        SourceKind::Woocommerce => "X-WC-Webhook-Signature",
        SourceKind::Events => "webhook-signature",
    }
}

fn status(read: Result<Reading, Error>) -> u16 {
    read.map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn a_wrong_missing_or_tampered_signature_is_401() {
    for delivery in genuine() {
        assert_eq!(status(delivery.read()), 200);
        assert_eq!(status(delivery.read_with("whsec_bm90IHRoZSBvbmU=")), 401);
    }
    for delivery in genuine() {
        let name = signature_header(delivery.source);
        assert_eq!(status(delivery.without(name).read()), 401, "{name}");
    }
    for wrong in ["", "v1,", "AAAA", "v1,AAAA", "не подпись", "*"] {
        for delivery in genuine() {
            let name = signature_header(delivery.source);
            assert_eq!(status(delivery.with(name, wrong).read()), 401, "{name}: {wrong}");
        }
    }
    for mut delivery in genuine() {
        delivery.body.push(b' ');
        assert_eq!(status(delivery.read()), 401);
    }
}

#[test]
fn a_stale_or_early_delivery_is_401_where_the_time_is_signed() {
    let body = fixture("standard_webhooks/contact_created");
    for seconds in [-301, 301] {
        let at = Timestamp::from_seconds(now().as_seconds() + seconds);
        let mut delivery = our_events(body.clone());
        delivery.headers = standard_webhooks::sign(EVENTS_SECRET, "msg_1", at, &body).unwrap();
        assert_eq!(status(delivery.read()), 401, "{seconds}");
    }
}

#[test]
fn a_source_without_its_secret_is_off_and_names_the_setting() {
    for delivery in genuine() {
        for nothing in ["", "  ", "\n"] {
            let error = delivery.read_with(nothing).unwrap_err();
            let setting = delivery.source.setting();
            assert_eq!((error.status(), &error), (401, &Error::Unconfigured { setting }));
            assert!(error.to_string().contains(setting));
        }
    }
    let error = our_events("{}").read_with("whsec_").unwrap_err();
    assert_eq!(
        error,
        Error::Unconfigured {
            setting: "EVENTS_WEBHOOK_SECRET"
        }
    );
}

#[test]
fn a_genuine_body_that_cannot_be_read_is_400() {
    let bodies: [&[u8]; 7] = [
        b"{",
        b"null",
        b"[]",
        b"[{}]",
        b"\"{}\"",
        b"{\"id\":1,}",
        b"{\"id\":\"\xff\"}",
    ];
    for body in bodies {
        for delivery in [
            shopify("orders/create", body),
            woocommerce("order.created", body),
            our_events(body),
        ] {
            let error = delivery.read().unwrap_err();
            assert_eq!(
                error.status(),
                400,
                "{}: {}",
                delivery.source,
                String::from_utf8_lossy(body)
            );
        }
    }
}

#[test]
fn an_empty_body_is_refused() {
    assert_eq!(status(shopify("orders/create", "").read()), 401);
    assert_eq!(status(woocommerce("order.created", "").read()), 400);
    assert_eq!(status(our_events("").read()), 400);
}

#[test]
fn sources_have_one_name_each() {
    for source in SourceKind::ALL {
        assert_eq!(SourceKind::parse(source.as_str()), Some(source));
        assert_eq!(source.name().as_str(), source.as_str());
    }
    for unknown in ["", "Shopify", "stripe", "events/"] {
        assert_eq!(SourceKind::parse(unknown), None);
    }
}
