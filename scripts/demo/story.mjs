// Ninety days of the shop: who does what and when, and the webhooks that tell Wend of it.
//
// A scene is { day, time, who, text, post } or, for the link in a mail, { …, unsubscribe: address }. `post(now)` makes
// webhooks that are delivered at once; `now` is the development clock.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const iso = (now) => now.toISOString();
const ago = (now, ms) => new Date(now.getTime() - ms).toISOString();

export function tell(shop, sign) {
  const { people, basket } = shop;
  const { Nadia, Tomas, Mei, Priya, Jonas, Elif, Sam, Lars, Ama, Yuki, Oskar, Hugo } = people;
  const placed = new Map();
  const scenes = [];
  const scene = (day, time, person, text, post) => scenes.push({ day, time, who: person.first, text, post });

  const signsUp = (day, time, person, text) =>
    scene(day, time, person, text, (now) => [sign.shopify("customers/create", "Signed Up",
      shop.customer(person, { at: iso(now), consented: iso(now) }))]);
  const startsCheckout = (day, time, held, text, how = {}) =>
    scene(day, time, held.person, text, (now) => [sign.shopify("checkouts/create",
      "Checkout Started", shop.checkout(held, { at: iso(now), consented: how.ticked ? iso(now) : null, ...how }))]);
  const orders = (day, time, held, text, how = {}) =>
    scene(day, time, held.person, text, (now) => {
      placed.set(held, iso(now));
      return [sign.shopify("orders/create", "Order Completed",
        shop.order(held, { at: iso(now), consented: how.ticked ? iso(now) : null, ...how }))];
    });
  const isFulfilled = (day, time, held, text = "is told that the parcel left", how = {}) =>
    scene(day, time, held.person, text, (now) => [sign.shopify("orders/fulfilled", "Order Fulfilled",
      shop.fulfilled(held, { at: iso(now), placed: placed.get(held), ...how }))]);

  // The welcome series to its end; later a checkout, the nudge, the order.
  const nadiaBlanket = basket(Nadia, ["blanket", "towel"]);
  signsUp(1, "09:00", Nadia, "signs up for the newsletter");
  startsCheckout(20, "19:30", nadiaBlanket, "starts a checkout and stops");
  orders(20, "21:10", nadiaBlanket, "comes back by that mail and buys");
  isFulfilled(22, "14:00", nadiaBlanket);

  // The first order ends the welcome series.
  const tomasMug = basket(Tomas, ["mug", "mug"]);
  signsUp(1, "10:15", Tomas, "signs up for the newsletter");
  orders(2, "12:40", tomasMug, "buys before the second welcome mail");
  isFulfilled(4, "09:30", tomasMug);

  // Abandons and never buys: three mails, no more.
  startsCheckout(3, "18:05", basket(Mei, ["tray", "tote"]), "starts a checkout, ticks the box, goes", { ticked: true });

  // Buys under another address than that of the checkout, before the nudge.
  const priyaTray = basket(Priya, ["tray"]);
  startsCheckout(5, "20:00", priyaTray, "starts a checkout", { ticked: true });
  orders(5, "20:25", priyaTray, "buys it under another address",
    { guest: true, email: Priya.email.replace("priya.", "priya.home.") });

  // Unsubscribes by the link in a mail; an order confirmation is still sent, a review request is not.
  const jonasBeanie = basket(Jonas, ["beanie"]);
  signsUp(6, "08:20", Jonas, "signs up for the newsletter");
  scenes.push({ day: 6, time: "08:45", who: "Jonas", text: "unsubscribes by the link in that mail", unsubscribe: Jonas.email });
  orders(12, "13:00", jonasBeanie, "buys all the same");
  isFulfilled(13, "10:00", jonasBeanie);

  // Never asked for marketing.
  const elifTowel = basket(Elif, ["towel", "tote"]);
  startsCheckout(8, "11:00", elifTowel, "starts a checkout, ticks no box", { guest: true });
  orders(9, "17:30", elifTowel, "buys after all", { guest: true });
  isFulfilled(10, "12:00", elifTowel, undefined, { guest: true });

  // Two addresses, one person: the order ties them together.
  const samBlanket = basket(Sam, ["blanket"]);
  const samWork = Sam.email.replace("sam.", "sam.work.");
  signsUp(14, "09:10", Sam, "signs up with a private address");
  startsCheckout(30, "12:15", samBlanket, "starts a checkout from work",
    { guest: true, email: samWork });
  orders(30, "15:40", samBlanket, "logs in and buys: two addresses, one Sam", { email: samWork });
  isFulfilled(32, "09:00", samBlanket, undefined, { email: samWork });

  // Cancelled before it was sent: no review request.
  const larsTray = basket(Lars, ["tray", "mug"]);
  orders(16, "21:45", larsTray, "buys, and ticks the newsletter box", { ticked: true });
  scene(17, "08:05", Lars, "cancels the order", (now) => [sign.shopify("orders/cancelled", "Order Cancelled",
    shop.cancelled(larsTray, { at: iso(now), placed: placed.get(larsTray) }))]);

  // A second shop on WooCommerce, and consent from its own form.
  const amaMug = basket(Ama, ["mug", "tray"]);
  scene(24, "10:00", Ama, "makes an account in the second shop", (now) => [
    sign.woocommerce("customer.created", "Signed Up", shop.wooCustomer(Ama, { at: iso(now) })),
  ]);
  scene(24, "10:05", Ama, "ticks the box of that shop's own form", (now) => [sign.events("Contact Updated", now, {
    email: Ama.email, consent: { marketing: "subscribed", method: "footer-form", text: "2026-01" },
  })]);
  scene(26, "20:30", Ama, "places an order and does not pay", (now) => {
    placed.set(amaMug, iso(now));
    return [sign.woocommerce("order.created", "Checkout Started", shop.wooOrder(amaMug, "pending", { at: iso(now) }))];
  });
  scene(26, "22:00", Ama, "pays", (now) => [sign.woocommerce("order.updated", "Order Completed",
    shop.wooOrder(amaMug, "processing", { at: placed.get(amaMug), paid: iso(now) }))]);
  scene(28, "11:00", Ama, "is told that the parcel left", (now) => [sign.woocommerce("order.updated", "Order Fulfilled",
    shop.wooOrder(amaMug, "completed", { at: placed.get(amaMug), paid: ago(now, 37 * HOUR), completed: iso(now) }))]);

  // Any other shop: Wend's own JSON.
  scene(35, "07:30", Yuki, "signs up in a shop that posts plain JSON", (now) => [sign.events("Signed Up", now, {
    email: Yuki.email, first_name: Yuki.first, locale: "ja-JP", timezone: "Asia/Tokyo",
    consent: { marketing: "subscribed", method: "footer-form", text: "2026-01" },
  })]);
  scene(36, "19:00", Yuki, "buys there", (now) => [sign.events("Order Completed", now, {
    email: Yuki.email, order_id: `y-${Yuki.id}`, order_number: "Y-77", value: "42.00", currency: "GBP",
    products: shop.products(["tray"]),
  })]);

  // Webhooks twice, in the wrong order, and forged.
  const oskarBeanie = basket(Oskar, ["beanie", "mug"]);
  scene(40, "16:00", Oskar, "buys; three webhooks say so at once", (now) => {
    placed.set(oskarBeanie, iso(now));
    const payload = shop.order(oskarBeanie, { at: iso(now), consented: iso(now) });
    const first = sign.shopify("orders/create", "Order Completed", payload, { id: `twice-${oskarBeanie.id}` });
    return [first, first, sign.shopify("orders/paid", "Order Completed", payload)];
  });
  scene(40, "16:20", Oskar, "his checkout arrives after his order", (now) => [sign.shopify("checkouts/update",
    "Checkout Updated", shop.checkout(oskarBeanie, { at: ago(now, 25 * MINUTE), consented: ago(now, 25 * MINUTE) }))]);
  scene(41, "03:12", Oskar, "an order in his name, forged", (now) => [sign.shopify("orders/create", "forged",
    shop.order(basket(Oskar, ["blanket"]), { at: iso(now) }), { secret: "not the secret" })]);
  isFulfilled(42, "10:30", oskarBeanie);

  // A checkout that the shop's queue held for thirty hours: the nudge would be a day late.
  const hugoTote = basket(Hugo, ["tote", "towel"]);
  scene(50, "15:00", Hugo, "his checkout arrives 30 hours late", (now) => [sign.shopify("checkouts/create",
    "Checkout Started", shop.checkout(hugoTote, { at: ago(now, 30 * HOUR), consented: ago(now, 30 * HOUR) }))]);

  const minutes = ({ day, time }) => (day - 1) * 1440 + Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return scenes
    .map((each) => ({ ...each, offsetMs: minutes(each) * MINUTE }))
    .sort((one, two) => one.offsetMs - two.offsetMs);
}
