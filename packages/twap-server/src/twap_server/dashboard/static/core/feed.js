// Give views what changes: books, trades, candles, the user's orders. Signed in it comes over one WebSocket,
// which is opened anew when it is lost; a visitor without a sign-in asks for it again and again by REST.
//
// A view says what it wants to hear and gets a function that ends it. Messages are those of docs/stream.md with
// numbers as text; what was refused comes as {type: "error", code, message}.

import { effect, signal } from "@preact/signals";
import { Poller } from "./poller.js";
import { isKnown, user } from "./session.js";
import { Socket } from "./socket.js";

/** @typedef {{type: string, [name: string]: any}} Message */
/** @typedef {(message: Message) => void} Hear */
/** @typedef {{channel: "book" | "trades" | "klines" | "orders", exchange?: string, symbol?: string, interval?: string}} Topic */
/** @typedef {{depth?: number, own?: boolean}} BookOptions */
/** @typedef {{topic: Topic, listeners: Map<Hear, BookOptions>, last: Message | null}} Wanted */
/** @typedef {{add(wanted: Wanted): void, remove(wanted: Wanted): void, stop(): void}} Source */
/** @typedef {{state: "starting" | "live" | "polling" | "lost", since: number, retryAt: number, reason: string}} Link */

/** How the page hears from the server. `since` and `retryAt` are of `Date.now()`. @type {import("@preact/signals").Signal<Link>} */
export const link = signal({ state: "starting", since: Date.now(), retryAt: 0, reason: "" });

/** How often the server came back after it was lost: what no subscription brings again is asked for anew then. */
export const returns = signal(0);

/** @type {Map<string, Wanted>} */
const all = new Map();
/** @type {Source | null} */
let source = null;

/** Start to listen, and choose anew when somebody signs in or out. */
export function start() {
  effect(() => {
    if (!isKnown.value) return;
    const isSignedIn = user.value !== null;
    source?.stop();
    for (const wanted of all.values()) wanted.last = null;
    source = isSignedIn ? new Socket(all, tell) : new Poller(all, tell);
  });
}

/** @param {Link["state"]} state @param {Partial<Link>} [more] */
function tell(state, more = {}) {
  const before = link.peek();
  const since = before.state === state ? before.since : Date.now();
  link.value = { retryAt: 0, reason: "", ...more, state, since };
  if (before.state === "lost" && state !== "lost") returns.value += 1;
}

/** Whether what is shown may be out of date. */
export function isLost() {
  return link.value.state === "lost";
}

/**
 * The book once a second. `depth` levels a side (10, 25 or 100) at least; `own`: what the user took and has not grown back.
 * @param {string} exchange or "aggregate"
 * @param {string} symbol canonical
 * @param {BookOptions} options
 * @param {Hear} hear
 */
export function onBook(exchange, symbol, options, hear) {
  return listen({ channel: "book", exchange, symbol }, options, hear);
}

/** Each trade as it comes, after the newest ones there were. @param {string} exchange @param {string} symbol @param {Hear} hear */
export function onTrades(exchange, symbol, hear) {
  return listen({ channel: "trades", exchange, symbol }, {}, hear);
}

/** The candle that forms, and each one that closes. @param {string} exchange @param {string} symbol @param {string} interval @param {Hear} hear */
export function onCandles(exchange, symbol, interval, hear) {
  return listen({ channel: "klines", exchange, symbol, interval }, {}, hear);
}

/** Each event of the user's orders; nothing comes without a sign-in. @param {Hear} hear */
export function onOrders(hear) {
  return listen({ channel: "orders" }, {}, hear);
}

/** @param {Topic} topic @param {BookOptions} options @param {Hear} hear @returns {() => void} */
function listen(topic, options, hear) {
  const key = JSON.stringify([topic.channel, topic.exchange, topic.symbol, topic.interval]);
  let wanted = all.get(key);
  if (!wanted) {
    wanted = { topic, listeners: new Map(), last: null };
    all.set(key, wanted);
  }
  wanted.listeners.set(hear, options);
  source?.add(wanted);
  if (wanted.last) hear(wanted.last);
  return () => end(key, hear);
}

/** @param {string} key @param {Hear} hear */
function end(key, hear) {
  const wanted = all.get(key);
  if (!wanted || !wanted.listeners.delete(hear)) return;
  if (wanted.listeners.size === 0) all.delete(key);
  source?.remove(wanted);
}
