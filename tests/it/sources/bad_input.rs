//! What no source accepts: unsigned, tampered, unconfigured, unreadable.

use super::*;

/// One of each source.
fn genuine() -> Vec<Delivery> {
    vec![
        shopify("orders/create", fixture("shopify/orders_create")),
        woocommerce("order.created", fixture("woocommerce/order_created")),
        our_events(fixture("standard_webhooks/contact_created")),
        bigcommerce(fixture("bigcommerce/store_cart_abandoned")),
        ecwid(fixture("ecwid/order_updated")),
        stripe(fixture("stripe/checkout_session_completed")),
        squarespace(fixture("squarespace/order_create")),
        saleor("order_created", fixture("saleor/order_created")),
        medusa(fixture("medusa/order_placed_forwarded")),
        insales(fixture("insales/orders_create")),
        tilda(fixture("tilda/form_order")),
    ]
}

/// Where the signature stands; none where it is in the body or there is none.
fn signature_header(source: SourceKind) -> Option<&'static str> {
    match source {
        SourceKind::Shopify => Some("X-Shopify-Hmac-Sha256"),
        SourceKind::Woocommerce => Some("X-WC-Webhook-Signature"),
        SourceKind::Bigcommerce | SourceKind::Medusa | SourceKind::Events => Some("webhook-signature"),
        SourceKind::Ecwid => Some("X-Ecwid-Webhook-Signature"),
        SourceKind::Stripe => Some("Stripe-Signature"),
        SourceKind::Squarespace => Some("Squarespace-Signature"),
        SourceKind::Saleor => Some("Saleor-Signature"),
        SourceKind::Wix | SourceKind::Insales | SourceKind::Tilda => None,
    }
}

/// A secret of the form that the source's own have, and not the right one.
fn other_secret(source: SourceKind) -> &'static str {
    match source {
        SourceKind::Squarespace => "00112233445566778899AABBCCDDEEFF",
        _ => "whsec_bm90IHRoZSBvbmU=",
    }
}

fn status(read: Result<Reading, Error>) -> u16 {
    read.map_or_else(|error| error.status(), |_| 200)
}

#[test]
fn a_wrong_missing_or_tampered_signature_is_401() {
    for delivery in genuine() {
        assert_eq!(status(delivery.read()), 200);
        let other = other_secret(delivery.source);
        assert_eq!(status(delivery.read_with(other)), 401, "{}", delivery.source);
    }
    let signed = || {
        let of = |delivery: Delivery| signature_header(delivery.source).map(|name| (name, delivery));
        genuine().into_iter().filter_map(of)
    };
    for (name, delivery) in signed() {
        assert_eq!(status(delivery.without(name).read()), 401, "{name}");
    }
    for wrong in ["", "v1,", "AAAA", "v1,AAAA", "не подпись", "*", "t=1,v1=", "a..b"] {
        for (name, delivery) in signed() {
            assert_eq!(status(delivery.with(name, wrong).read()), 401, "{name}: {wrong}");
        }
    }
    for (name, delivery) in signed() {
        let whole = delivery.headers.get(name).unwrap().to_owned();
        let cut = &whole[..whole.len() - 6];
        assert_eq!(status(delivery.with(name, cut).read()), 401, "{name}: {cut}");
    }
    for (name, mut delivery) in signed() {
        delivery.body.push(b' ');
        // Ecwid signs two fields only, which is why its documents are fetched.
        let expected = if delivery.source == SourceKind::Ecwid {
            200
        } else {
            401
        };
        assert_eq!(status(delivery.read()), expected, "{name}");
    }
    let altered = edited("ecwid/order_updated", &[("/eventId", json!("another"))]);
    let mut forged = ecwid(fixture("ecwid/order_updated"));
    forged.body = altered.to_string().into_bytes();
    assert_eq!(status(forged.read()), 401);
}

#[test]
fn a_wrong_or_missing_token_in_the_address_is_401() {
    for delivery in genuine() {
        if signature_header(delivery.source).is_some() {
            continue;
        }
        let right = delivery.token.clone().unwrap();
        let other = route_token::derive(HOOK_SECRET, "hooks/other");
        for wrong in [
            None,
            Some(String::new()),
            Some(right[1..].to_owned()),
            Some(HOOK_SECRET.to_owned()),
            Some(other),
        ] {
            let delivery = Delivery {
                token: wrong.clone(),
                body: delivery.body.clone(),
                headers: Headers::new(),
                ..delivery
            };
            assert_eq!(status(delivery.read()), 401, "{}: {wrong:?}", delivery.source);
        }
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
            let Error::Unconfigured { setting } = error else {
                panic!("{}: {error}", delivery.source)
            };
            assert_eq!(error.status(), 401);
            assert!(delivery.source.settings().contains(&setting) && error.to_string().contains(setting));
            assert!(!delivery.source.is_on(&settings(delivery.source, nothing)));
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
            bigcommerce(body),
            stripe(body),
            squarespace(body),
            saleor("order_created", body),
            medusa(body),
            insales(body),
            tilda(body),
        ] {
            // An array of nothing but one object is the object.
            if body == b"[{}]"
                && !matches!(
                    delivery.source,
                    SourceKind::Shopify | SourceKind::Woocommerce | SourceKind::Events
                )
            {
                continue;
            }
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
    for unknown in ["", "Shopify", "magento", "events/"] {
        assert_eq!(SourceKind::parse(unknown), None);
    }
}
