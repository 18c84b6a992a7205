// Ask by REST, again and again, for what a visitor without a sign-in looks at. The messages are those of the stream.

import { Problem, request } from "./http.js";
import { deliver, together } from "./wanted.js";

/** @typedef {import("./feed.js").Wanted} Wanted */

const EVERY_MS = { book: 1_000, trades: 1_500, klines: 3_000 };
const AFTER_FAILURE_MS = 3_000;

export class Poller {
  /**
   * @param {Map<string, Wanted>} all what is wanted, kept by the feed
   * @param {(state: any, more?: any) => void} tell how the connection is
   */
  constructor(all, tell) {
    this.tell = tell;
    this.isOver = false;
    /** @type {Set<Wanted>} */
    this.asked = new Set();
    tell("polling");
    for (const wanted of all.values()) this.add(wanted);
  }

  /** @param {Wanted} wanted */
  add(wanted) {
    if (wanted.topic.channel === "orders" || this.asked.has(wanted)) return;
    this.asked.add(wanted);
    this.ask(wanted, new Set());
  }

  /** @param {Wanted} wanted */
  remove(wanted) {
    if (!wanted.listeners.size) this.asked.delete(wanted);
  }

  stop() {
    this.isOver = true;
    this.asked.clear();
  }

  /** @param {Wanted} wanted @param {Set<string>} seen trades told already */
  async ask(wanted, seen) {
    const isWanted = () => !this.isOver && this.asked.has(wanted);
    if (!isWanted()) return;
    const channel = /** @type {keyof typeof EVERY_MS} */ (wanted.topic.channel);
    let wait = EVERY_MS[channel];
    try {
      const messages = document.hidden ? [] : await ASK[channel](wanted, seen);
      if (!isWanted()) return;
      this.tell("polling");
      for (const message of messages) deliver(wanted, message);
    } catch (error) {
      if (!isWanted()) return;
      wait = AFTER_FAILURE_MS;
      if (error instanceof Problem) {
        wait = Math.max(wait, error.retryAfter * 1000);
        deliver(wanted, { type: "error", code: error.code, message: error.message });
      } else this.tell("lost", { reason: "the server cannot be reached", retryAt: Date.now() + wait });
    }
    setTimeout(() => this.ask(wanted, seen), wait);
  }
}

const ASK = {
  /** @param {Wanted} wanted */
  async book(wanted) {
    const { exchange, symbol } = wanted.topic;
    const { body } = await request("GET", `orderbook/${exchange}/${symbol}`, { query: { depth: together(wanted).depth } });
    return [{ ...body, type: "book" }];
  },
  /** @param {Wanted} wanted @param {Set<string>} seen */
  async trades(wanted, seen) {
    const { exchange, symbol } = wanted.topic;
    const { body } = await request("GET", `trades/${exchange}/${symbol}`, { query: { limit: 100 } });
    const fresh = body.filter((/** @type {any} */ trade) => !seen.has(`${trade.exchange} ${trade.id}`));
    seen.clear();
    for (const trade of body) seen.add(`${trade.exchange} ${trade.id}`);
    return fresh.reverse().map((/** @type {any} */ trade) => ({ ...trade, type: "trade" }));
  },
  /** @param {Wanted} wanted */
  async klines(wanted) {
    const { exchange, symbol, interval } = wanted.topic;
    const { body } = await request("GET", `klines/${exchange}/${symbol}`, { query: { interval, limit: 2 } });
    return body.map((/** @type {any} */ candle) => ({ ...candle, type: "kline", exchange, symbol, interval }));
  },
};
