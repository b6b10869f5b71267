// A small invented shop: its shoppers, its goods, and the payloads that Shopify and WooCommerce send about them.
// Field names and nesting are those of tests/fixtures/sources; only what Wend reads is filled in.

const SHOP = "https://northfold.example";

const GOODS = {
  beanie: { title: "Merino Beanie", variant: "Moss", price: 28 },
  tote: { title: "Canvas Tote", variant: "Natural", price: 15.5 },
  mug: { title: "Stoneware Mug", variant: "Bone white", price: 14 },
  towel: { title: "Linen Tea Towel", variant: null, price: 9.5 },
  blanket: { title: "Wool Blanket", variant: "Heather", price: 95 },
  tray: { title: "Oak Tray", variant: null, price: 42 },
};

const FAMILY = {
  Nadia: "Okafor", Tomas: "Novak", Mei: "Tanaka", Priya: "Raman", Jonas: "Berg", Elif: "Demir",
  Sam: "Reyes", Lars: "Holm", Ama: "Mensah", Yuki: "Sato", Oskar: "Lind", Hugo: "Moreau",
};

/** `run` makes addresses and ids unlike those of every other run of the demo. */
export function openShop(run) {
  const base = Number.parseInt(run, 36) * 1000;
  let used = 0;
  const nextId = () => base + (used += 1);
  const people = Object.fromEntries(Object.entries(FAMILY).map(([first, last]) => [first, {
    id: nextId(), first, last, email: `${first.toLowerCase()}.${run}@example.com`,
  }]));

  const lines = (cart) => cart.map((name) => {
    const { title, variant, price } = GOODS[name];
    return {
      title, variant_title: variant, quantity: 1, price: price.toFixed(2),
      sku: name.toUpperCase(), product_id: 100 + Object.keys(GOODS).indexOf(name),
    };
  });
  const sum = (cart) => cart.reduce((total, name) => total + GOODS[name].price, 0).toFixed(2);
  const subscribed = (at) => ({ state: "subscribed", opt_in_level: "single_opt_in", consent_updated_at: at });

  /** A Shopify customer as `customers/create` shows one; `consented` is when the newsletter box was ticked. */
  function customer(person, { at, consented = null }) {
    return {
      id: person.id, email: person.email, first_name: person.first, last_name: person.last,
      created_at: at, updated_at: at,
      email_marketing_consent: consented ? subscribed(consented) : { state: "not_subscribed", consent_updated_at: null },
    };
  }

  /** A basket: what one checkout and the order made from it have in common. */
  function basket(person, cart) {
    const id = nextId();
    return { id, token: `c${id.toString(36)}`, cart_token: `b${id.toString(36)}`, number: 1000 + (used % 1000), person, cart };
  }

  function sale({ person, cart, cart_token }, { at, email = person.email, consented = null, guest = false }) {
    return {
      cart_token, email, currency: "GBP", customer_locale: "en-GB", created_at: at, updated_at: at,
      total_price: sum(cart), line_items: lines(cart),
      billing_address: { first_name: person.first, last_name: person.last, country_code: "GB" },
      ...(guest ? {} : { customer: customer(person, { at, consented }) }),
    };
  }

  const checkout = (basket, how) => ({
    ...sale(basket, how), id: basket.id, token: basket.token, completed_at: null,
    abandoned_checkout_url: `${SHOP}/checkouts/${basket.token}/recover`,
  });

  const order = (basket, how) => ({
    ...sale(basket, how), id: basket.id + 500, name: `#${basket.number}`, checkout_token: basket.token,
    processed_at: how.at, order_status_url: `${SHOP}/orders/${basket.token}`,
  });

  const fulfilled = (basket, { at, placed, ...how }) => ({
    ...order(basket, { at: placed, ...how }), updated_at: at,
    fulfillments: [{ status: "success", created_at: at, tracking_url: `${SHOP}/track/${basket.token}` }],
  });

  const cancelled = (basket, { at, placed, ...how }) => ({
    ...order(basket, { at: placed, ...how }), updated_at: at, cancelled_at: at, cancel_reason: "customer",
  });

  /** WooCommerce writes UTC without saying so. */
  const gmt = (at) => at.replace(/(\.\d+)?Z$/, "");

  function wooOrder({ id, number, person, cart }, status, { at, paid = null, completed = null }) {
    return {
      id, number: String(number), status, currency: "GBP", total: sum(cart), customer_id: person.id,
      date_created_gmt: gmt(at), date_modified_gmt: gmt(completed ?? paid ?? at),
      date_paid_gmt: paid && gmt(paid), date_completed_gmt: completed && gmt(completed),
      payment_url: `${SHOP}/checkout/order-pay/${id}`,
      billing: { first_name: person.first, last_name: person.last, country: "GB", email: person.email },
      line_items: cart.map((name) => ({ name: GOODS[name].title, quantity: 1, price: GOODS[name].price, product_id: 1 })),
    };
  }

  const wooCustomer = (person, { at }) => ({
    id: person.id, email: person.email, first_name: person.first, last_name: person.last,
    date_created_gmt: gmt(at), date_modified_gmt: gmt(at), billing: {},
  });

  /** What `/hooks/events` takes; names as in Segment's e-commerce spec. */
  const products = (cart) => cart.map((name) => ({ name: GOODS[name].title, price: GOODS[name].price, quantity: 1 }));

  return { people, basket, customer, checkout, order, fulfilled, cancelled, wooOrder, wooCustomer, products };
}
