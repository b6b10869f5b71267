// A storefront under way: posts signed webhooks at a steady rate, whatever becomes of the other side, and remembers what it
// was answered. For the rounds of crashes. It does as Shopify does: what was not answered with 200 is posted again, the very
// same bytes under the same id, and now and then it posts twice what was answered already.

import { Shop, written } from "./shop.mjs";

/** A post that takes longer is one without an answer, as for Shopify. */
const PATIENCE_MS = 5_000;
const SETTLE_LIMIT_MS = 60_000;
/** What shoppers do. A cart that is left is written about after an hour; one that is bought is not. */
const STORIES = ["order", "signup", "cart", "cart-bought"];
const AGAIN = 0.05;
/**
 * Of what was not answered so many are never posted again: Wend may have them or not, but not half of them. (Only that an
 * order closes its cart may be all there is of it, where there are several shards.)
 */
const GIVEN_UP = 0.1;

/**
 * @typedef {object} Delivery One webhook, as often as it takes.
 * @property {object} who The shopper.
 * @property {"order" | "signup" | "cart"} kind
 * @property {{ path: string, body: string, headers: Record<string, string> }} post The exact bytes.
 * @property {number[]} answered When a 200 came, by this machine's clock.
 * @property {boolean} given_up Nobody posts it again.
 */

export class Storefront {
  /** @type {Delivery[]} */
  deliveries = [];
  /** Answers that no storefront should get: neither 200 nor 503. */
  strange = [];
  posts = 0;
  unanswered = 0;
  refused = 0;
  repeats = 0;
  #again = [];
  #carts = [];
  #running = new Set();

  /** `shards` decides where the ids of its shoppers lie. */
  constructor(draw, shards) {
    this.draw = draw;
    this.paper = new Shop(undefined, shards);
  }

  /**
   * Posts `perSecond` webhooks a second to `url` until `stop()`, which waits for all answers. `clock()` is the time of the
   * Worker.
   */
  open(url, clock, perSecond) {
    const every = setInterval(() => this.#track(this.#next(url, clock)), 1000 / perSecond);
    return async () => {
      clearInterval(every);
      await Promise.all(this.#running);
    };
  }

  #track(promise) {
    this.#running.add(promise);
    promise.finally(() => this.#running.delete(promise));
  }

  async #next(url, clock) {
    const answered = this.deliveries.length > 0 && this.draw.of(AGAIN) && this.draw.pick(this.deliveries);
    if (answered && answered.answered.length > 0) return this.#post(url, answered);
    if (this.#again.length > 0) return this.#post(url, this.#again.shift());
    if (this.#carts.length > 5) return this.#post(url, await this.#write("order", this.#carts.shift(), clock()));
    const story = this.draw.pick(STORIES);
    const who = this.paper.shopper(story);
    if (story === "cart-bought") this.#carts.push(who);
    return this.#post(url, await this.#write(story === "cart-bought" ? "cart" : story, who, clock()));
  }

  /** The bytes of a webhook: written once, by a shop that posts nothing. */
  async #write(kind, who, at) {
    const { paper } = this;
    const acts = { order: () => paper.orders(who, { at }), signup: () => paper.signsUp(who, { at }), cart: () => paper.startsCheckout(who, { at }) };
    const post = await written(paper, acts[kind]);
    const delivery = { who, kind, post, answered: [], given_up: false };
    this.deliveries.push(delivery);
    return delivery;
  }

  async #post(url, delivery) {
    const { path, body, headers } = delivery.post;
    this.posts += 1;
    try {
      const response = await fetch(url + path, { method: "POST", body, headers, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await response.text();
      if (response.status === 200) {
        if (delivery.answered.length > 0) this.repeats += 1;
        return void delivery.answered.push(Date.now());
      }
      if (response.status === 503) this.refused += 1;
      else this.strange.push(`${response.status} ${text}`);
    } catch {
      this.unanswered += 1;
    }
    if (delivery.answered.length > 0 || delivery.given_up) return undefined;
    if (this.draw.of(GIVEN_UP)) delivery.given_up = true;
    else this.#again.push(delivery);
    return undefined;
  }

  /** Posts what is still without an answer until each has one; what has none after a minute is said to be strange. */
  async settle(url) {
    const end = Date.now() + SETTLE_LIMIT_MS;
    while (this.#again.length > 0 && Date.now() < end) await this.#post(url, this.#again.shift());
    this.strange.push(...this.#again.map(({ kind }) => `none, for ${kind}, a minute long`));
  }
}
