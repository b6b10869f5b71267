//! One delivery of each kind that a source takes, as the source would send it: of these the documents' table is made, and
//! these are what damage is done to.

use super::*;
use wend::domain::notice::Notice;

/// A delivery, and the documents that it names.
pub struct Sample {
    pub topic: &'static str,
    /// What decides besides the topic.
    pub when: &'static str,
    pub delivery: Delivery,
    pub documents: Vec<Vec<u8>>,
}

fn whole(topic: &'static str, when: &'static str, delivery: Delivery) -> Sample {
    Sample {
        topic,
        when,
        delivery,
        documents: Vec::new(),
    }
}

fn thin(topic: &'static str, when: &'static str, delivery: Delivery, documents: &[Value]) -> Sample {
    Sample {
        documents: documents
            .iter()
            .map(|json| json.to_string().into_bytes())
            .collect(),
        ..whole(topic, when, delivery)
    }
}

impl Sample {
    /// What it comes to, once its documents were fetched.
    pub fn read(&self) -> Result<Reading, Error> {
        match self.delivery.read()? {
            Reading::Notice(notice) => documents(&notice, &self.documents),
            reading => Ok(reading),
        }
    }

    pub fn events(&self) -> Vec<Event> {
        match self.read() {
            Ok(Reading::Events(events)) => events,
            other => panic!("{} {}: {other:?}", self.topic, self.when),
        }
    }
}

pub fn documents(notice: &Notice, bodies: &[Vec<u8>]) -> Result<Reading, Error> {
    SourceKind::read_documents(notice, bodies, now(), Currency::parse("EUR").ok())
}

pub fn all() -> Vec<Sample> {
    let parts = [
        shopifys(),
        woocommerces(),
        bigcommerces(),
        ecwids(),
        stripes(),
        squarespaces(),
        wixes(),
        saleors(),
        medusas(),
        insaleses(),
        tildas(),
    ];
    parts.into_iter().flatten().collect()
}

fn shopifys() -> Vec<Sample> {
    let of = |topic: &'static str| {
        whole(
            topic,
            "",
            shopify(topic, fixture(&format!("shopify/{}", topic.replace('/', "_")))),
        )
    };
    let bought = edited(
        "shopify/checkouts_update",
        &[("/completed_at", json!("2026-01-05T10:00:00Z"))],
    );
    let voided = edited("shopify/orders_create", &[("/financial_status", json!("voided"))]);
    vec![
        of("customers/create"),
        of("customers/update"),
        of("customers_email_marketing_consent/update"),
        of("checkouts/create"),
        of("checkouts/update"),
        whole(
            "checkouts/update",
            "`completed_at` set",
            shopify("checkouts/update", bought.to_string()),
        ),
        of("orders/create"),
        of("orders/paid"),
        of("orders/fulfilled"),
        of("orders/cancelled"),
        whole(
            "orders/updated",
            "`financial_status` is `refunded`",
            shopify("orders/updated", fixture("shopify/orders_updated")),
        ),
        whole(
            "orders/updated",
            "`cancelled_at` set, or `financial_status` is `voided`",
            shopify("orders/updated", voided.to_string()),
        ),
    ]
}

fn woocommerces() -> Vec<Sample> {
    let customer = fixture("woocommerce/customer_created");
    let order = |when: &'static str, status: &str| {
        let body = edited("woocommerce/order_updated", &[("/status", json!(status))]);
        whole(
            "order.created, order.updated",
            when,
            woocommerce("order.updated", body.to_string()),
        )
    };
    vec![
        whole(
            "customer.created",
            "",
            woocommerce("customer.created", customer.clone()),
        ),
        whole("customer.updated", "", woocommerce("customer.updated", customer)),
        order("`pending`, `failed`, `checkout-draft`", "pending"),
        order("`on-hold`, `processing`", "processing"),
        order("`completed`", "completed"),
        order("`cancelled`", "cancelled"),
        order("`refunded`", "refunded"),
    ]
}

/// A document of BigCommerce's version 3.
pub fn bigcommerce_cart() -> Value {
    json!({ "data": {
        "id": "7c1d0a9e-90f2-4b5c-8a11-55d0c3b7e201", "customer_id": 512, "email": "devon.pratt@example.com",
        "currency": {"code": "USD"}, "cart_amount": 80.5, "locale": "en",
        "coupons": [{"code": "SPRING"}],
        "line_items": {
            "physical_items": [{"name": "Garden chair", "quantity": 2, "sale_price": 40.25, "list_price": 45, "sku": "GC-1",
                "product_id": 93, "variant_id": 140, "image_url": "https://cdn.example.com/chair.png",
                "url": "https://shop.example.com/garden-chair/"}],
            "digital_items": [{"name": "Plans", "quantity": 1, "list_price": 0, "product_id": 94, "variant_id": 141}],
            "gift_certificates": [], "custom_items": [],
        },
        "redirect_urls": {"cart_url": "https://shop.example.com/cart.php?action=loadInCheckout&id=1"},
        "created_time": "2026-01-06T12:00:00+00:00", "updated_time": "2026-01-06T12:30:00+00:00",
    }})
}

pub fn bigcommerce_products() -> Value {
    json!([
        {"id": 1, "product_id": 93, "variant_id": 140, "name": "Garden chair", "sku": "GC-1", "quantity": 2,
         "price_inc_tax": "43.3000"},
        {"id": 2, "product_id": 95, "variant_id": 142, "name": "Seeds (gift)", "sku": "", "quantity": 1,
         "price_inc_tax": "0.0000"},
    ])
}

fn bigcommerces() -> Vec<Sample> {
    let hook = |name: &str| bigcommerce(fixture(&format!("bigcommerce/{name}")));
    let scoped = |name: &str, scope: &str| {
        bigcommerce(edited(&format!("bigcommerce/{name}"), &[("/scope", json!(scope))]).to_string())
    };
    let order = |when: &'static str, status: u32| {
        let order = edited("bigcommerce/fetched_order_v2", &[("/status_id", json!(status))]);
        let topic = "store/order/created, store/order/updated, store/order/statusUpdated";
        thin(
            topic,
            when,
            hook("store_order_statusUpdated"),
            &[order, bigcommerce_products()],
        )
    };
    let customer = json!({"data": [{"id": 512, "email": "devon.pratt@example.com", "first_name": "Devon",
        "last_name": "Pratt", "accepts_product_review_abandoned_cart_emails": true}], "meta": {}});
    let subscriber = json!({"data": {"id": 512, "email": "devon.pratt@example.com", "first_name": "Devon"}});
    let subscribed = scoped("store_customer_created", "store/subscriber/created");
    vec![
        thin(
            "store/cart/abandoned",
            "",
            hook("store_cart_abandoned"),
            &[bigcommerce_cart()],
        ),
        whole("store/cart/converted", "", hook("store_cart_converted")),
        order(
            "Awaiting Payment, Fulfillment, Shipment or Pickup, and the rest",
            11,
        ),
        order("Shipped, Completed", 2),
        order("Cancelled, Declined", 5),
        order("Refunded", 4),
        thin(
            "store/customer/created",
            "",
            hook("store_customer_created"),
            std::slice::from_ref(&customer),
        ),
        thin(
            "store/customer/updated",
            "",
            scoped("store_customer_created", "store/customer/updated"),
            &[customer],
        ),
        thin("store/subscriber/created", "", subscribed, &[subscriber]),
    ]
}

/// An order as Ecwid's API shows it.
pub fn ecwid_order(payment: &str, fulfillment: &str) -> Value {
    json!({
        "id": "XJ12H", "internalId": 184, "email": "luis.campos@example.es", "customerId": 1_663_830, "total": 37.39,
        "paymentStatus": payment, "fulfillmentStatus": fulfillment, "cartId": "6626E60A-A6F9-4CD5-8230-43D5F162E0CD",
        "createTimestamp": 1_767_707_750, "updateTimestamp": 1_767_707_760, "acceptMarketing": true,
        "billingPerson": {"name": "Luis Campos", "firstName": "Luis", "lastName": "Campos", "countryCode": "ES"},
        "discountCoupon": {"code": "5PERCENTOFF"},
        "items": [{"productId": 37_208_342, "combinationId": 0, "name": "Cerezas", "price": 5.99, "quantity": 5,
            "sku": "00004", "imageUrl": "https://images.example.net/cherry.jpg"}],
    })
}

fn ecwids() -> Vec<Sample> {
    let hook = |name: &str| ecwid(fixture(&format!("ecwid/{name}")));
    let typed = |name: &str, kind: &str| {
        ecwid(edited(&format!("ecwid/{name}"), &[("/eventType", json!(kind))]).to_string())
    };
    let order = |when: &'static str, payment: &str, fulfillment: &str| {
        let document = ecwid_order(payment, fulfillment);
        thin(
            "order.created, order.updated",
            when,
            hook("order_updated"),
            &[document],
        )
    };
    let cart: Value = serde_json::from_slice(&fixture("ecwid/fetched_cart")).unwrap();
    let customer = json!({"id": 1_663_830, "email": "luis.campos@example.es", "name": "Luis Campos", "lang": "es",
        "billingPerson": {"countryCode": "ES"}, "acceptMarketing": false});
    let updated = typed("unfinished_order_created", "unfinished_order.updated");
    vec![
        thin(
            "unfinished_order.created",
            "",
            hook("unfinished_order_created"),
            std::slice::from_ref(&cart),
        ),
        thin("unfinished_order.updated", "", updated, &[cart]),
        order("any other", "PAID", "AWAITING_PROCESSING"),
        order("`SHIPPED`, `OUT_FOR_DELIVERY`", "PAID", "SHIPPED"),
        order("`DELIVERED`", "PAID", "DELIVERED"),
        order(
            "`CANCELLED`, `WILL_NOT_DELIVER`",
            "CANCELLED",
            "AWAITING_PROCESSING",
        ),
        order("`REFUNDED`, `RETURNED`", "REFUNDED", "SHIPPED"),
        thin(
            "customer.created",
            "",
            hook("customer_created"),
            std::slice::from_ref(&customer),
        ),
        thin(
            "customer.updated",
            "",
            typed("customer_created", "customer.updated"),
            &[customer],
        ),
    ]
}

pub fn charge() -> Value {
    json!({"id": "evt_9", "object": "event", "created": 1_767_790_000, "type": "charge.refunded", "livemode": true,
        "data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": "pi_3Sm", "refunded": true,
            "amount_refunded": 4500, "currency": "eur", "customer": "cus_TaB12",
            "billing_details": {"email": "iris.weber@example.de"}}}})
}

fn stripes() -> Vec<Sample> {
    let session = |topic: &'static str, when: &'static str, name: &str, changes: &[(&str, Value)]| {
        let mut all = vec![("/type", json!(topic)), ("/livemode", json!(true))];
        all.extend(changes.iter().cloned());
        whole(
            topic,
            when,
            stripe(edited(&format!("stripe/{name}"), &all).to_string()),
        )
    };
    let (bought, left) = ("checkout_session_completed", "checkout_session_expired");
    let unpaid = [("/data/object/payment_status", json!("unpaid"))];
    vec![
        session(
            "checkout.session.completed",
            "`paid`, `no_payment_required`",
            bought,
            &[],
        ),
        session(
            "checkout.session.completed",
            "`unpaid`: the payment takes days",
            bought,
            &unpaid,
        ),
        session("checkout.session.async_payment_succeeded", "", bought, &[]),
        session("checkout.session.async_payment_failed", "", bought, &unpaid),
        session("checkout.session.expired", "", left, &[]),
        session("invoice.paid", "of a subscription", "invoice_paid", &[]),
        whole("charge.refunded", "in full", stripe(charge().to_string())),
        session("customer.created", "", "customer_created", &[]),
        session("customer.updated", "", "customer_created", &[]),
    ]
}

fn squarespaces() -> Vec<Sample> {
    let order = |when: &'static str, changes: &[(&str, Value)]| {
        let hook = squarespace(fixture("squarespace/order_create"));
        thin(
            "order.create, order.update",
            when,
            hook,
            &[edited("squarespace/fetched_order", changes)],
        )
    };
    let status = |status: &str| [("/fulfillmentStatus", json!(status))];
    let refunded = [("/refundedTotal", json!({"currency": "USD", "value": "42.50"}))];
    vec![
        order("`PENDING`", &[]),
        order("`FULFILLED`", &status("FULFILLED")),
        order("`CANCELED`", &status("CANCELED")),
        order("refunded in full", &refunded),
    ]
}

pub fn wix_of(kind: &str, event: &Value) -> Delivery {
    wix_with(kind, &event.to_string())
}

fn wixes() -> Vec<Sample> {
    let order = |when: &'static str, changes: &[(&str, Value)]| {
        let topic = "wix.ecom.v1.order_created, …order_updated, …order_approved, …order_canceled, \
                     …order_payment_status_updated";
        whole(topic, when, wix(&edited("wix/order_created_decoded", changes)))
    };
    let in_order = |field: &str| format!("/data/createdEvent/entity/{field}");
    let (status, payment, sent) = (
        in_order("status"),
        in_order("paymentStatus"),
        in_order("fulfillmentStatus"),
    );
    let checkout = |status: &str| {
        json!({"id": "e-1", "eventTime": "2026-01-06T14:10:00.000Z", "createdEvent": {"entity": {
            "id": "ab-1", "checkoutId": "ch_1", "cartId": "ca_1", "status": status, "buyerLanguage": "en",
            "buyerInfo": {"contactId": "f1", "email": "eva@example.com"}, "currency": "EUR",
            "contactDetails": {"firstName": "Eva", "lastName": "Lind"}, "totalPrice": {"amount": "54.80"},
            "checkoutUrl": "https://shop.example.com/checkout?id=ch_1",
            "lineItems": [{"productName": {"original": "Linen Napkins"}, "quantity": 1, "price": {"amount": "49.90"}}],
        }}})
    };
    let contact = json!({"id": "e-2", "eventTime": "2026-01-06T14:00:00.000Z", "createdEvent": {"entityAsJson": json!({
        "id": "f1", "info": {"name": {"first": "Eva", "last": "Lind"}, "locale": "en"},
        "primaryInfo": {"email": "eva@example.com"}, "primaryEmail": {"subscriptionStatus": "SUBSCRIBED"},
    }).to_string()}});
    let of = |topic: &'static str, event: &Value| whole(topic, "", wix_of(topic, event));
    vec![
        order("any other", &[]),
        order("`FULFILLED`", &[(&sent, json!("FULFILLED"))]),
        order("`CANCELED`", &[(&status, json!("CANCELED"))]),
        order("`FULLY_REFUNDED`", &[(&payment, json!("FULLY_REFUNDED"))]),
        of("wix.ecom.v1.abandoned_checkout_created", &checkout("ABANDONED")),
        of("wix.ecom.v1.abandoned_checkout_updated", &checkout("ABANDONED")),
        of("wix.ecom.v1.abandoned_checkout_recovered", &checkout("RECOVERED")),
        of("wix.contacts.v4.contact_created", &contact),
        of("wix.contacts.v4.contact_updated", &contact),
    ]
}

fn saleors() -> Vec<Sample> {
    let order = |topic: &'static str| whole(topic, "", saleor(topic, fixture("saleor/order_created")));
    let checkout = json!({"issuedAt": "2026-01-06T15:00:00+00:00", "checkout": {
        "id": "Q2hlY2tvdXQ6YWJj", "email": "lukasz@example.pl", "languageCode": "PL_PL",
        "updatedAt": "2026-01-06T14:59:00+00:00", "user": null, "voucherCode": null,
        "totalPrice": {"gross": {"amount": 98.0, "currency": "PLN"}},
        "lines": [{"quantity": 2, "unitPrice": {"gross": {"amount": 49.0}},
            "variant": {"id": "v", "name": "Biały", "sku": "KUB-1", "product": {"id": "p", "name": "Kubek"}}}],
    }});
    let user = json!({"user": {"id": "VXNlcjo2OA==", "email": "lukasz@example.pl", "firstName": "Łukasz",
        "lastName": "Żak", "languageCode": "PL_PL"}});
    let of = |topic: &'static str, body: &Value| whole(topic, "", saleor(topic, body.to_string()));
    vec![
        of("customer_created", &user),
        of("customer_updated", &user),
        of("checkout_created", &checkout),
        of("checkout_updated", &checkout),
        of("checkout_fully_paid", &checkout),
        order("order_created"),
        order("order_confirmed"),
        order("order_paid"),
        order("order_fully_paid"),
        order("order_fulfilled"),
        order("order_cancelled"),
        order("order_fully_refunded"),
    ]
}

fn medusas() -> Vec<Sample> {
    let order = |topic: &'static str| {
        let body = edited("medusa/order_placed_forwarded", &[("/name", json!(topic))]);
        whole(topic, "", medusa(body.to_string()))
    };
    let of = |topic: &'static str, name: &str, document: Value| {
        whole(
            topic,
            "",
            medusa(json!({"name": topic, "data": {"id": "x"}, name: document}).to_string()),
        )
    };
    let cart = json!({"id": "cart_1", "email": "kofi.mensah@example.com", "currency_code": "usd", "total": 49.98,
        "created_at": "2026-01-06T14:00:00.000Z", "updated_at": "2026-01-06T14:05:00.000Z",
        "items": [{"title": "L", "product_title": "Wax Print Shirt", "quantity": 2, "unit_price": 24.99}]});
    let customer = json!({"id": "cus_01JH", "email": "kofi.mensah@example.com", "first_name": "Kofi",
        "last_name": "Mensah", "created_at": "2026-01-06T13:00:00.000Z"});
    vec![
        of("customer.created", "customer", customer.clone()),
        of("customer.updated", "customer", customer),
        of("cart.created", "cart", cart.clone()),
        of("cart.updated", "cart", cart.clone()),
        of("cart.customer_updated", "cart", cart),
        order("order.placed"),
        order("shipment.created"),
        order("delivery.created"),
        order("order.canceled"),
        order("payment.refunded"),
    ]
}

fn insaleses() -> Vec<Sample> {
    let order = |when: &'static str, status: &str| {
        let body = edited("insales/orders_create", &[("/fulfillment_status", json!(status))]);
        whole("orders/create, orders/update", when, insales(body.to_string()))
    };
    let later = [("/updated_at", json!("2026-02-06T17:19:50.000+03:00"))];
    let changed = edited("insales/clients_create", &later).to_string();
    vec![
        whole("client/create", "", insales(fixture("insales/clients_create"))),
        whole("client/update", "", insales(changed)),
        order("any other", "new"),
        order("`dispatched`", "dispatched"),
        order("`delivered`", "delivered"),
        order("`declined`", "declined"),
        order("`returned`", "returned"),
    ]
}

fn tildas() -> Vec<Sample> {
    let form =
        json!({"Name": "Ольга", "Email": "olga.petrova@example.ru", "marketing": "yes", "tranid": "1:2"});
    vec![
        whole("a form", "without a cart", tilda(form.to_string())),
        whole("a form", "with a cart", tilda(fixture("tilda/form_order"))),
    ]
}
