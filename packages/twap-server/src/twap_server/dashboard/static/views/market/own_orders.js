// Know the user's orders of one instrument, and their fills: what there was, and what comes.

import { useEffect, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { onOrders } from "../../core/feed.js";
import { user } from "../../core/session.js";

/** @typedef {{fill_id: string, time: string, exchange: string, price: string, quantity: string, side: "buy" | "sell"}} OwnFill */
/** @typedef {{orders: Map<string, any>, fills: Map<string, OwnFill>}} Own orders by their token, fills by their id */

const LOOKED_AT = 12;
const FILLS_OF_ONE = 300;
const MOST_FILLS = 3_000;

/**
 * @param {string} exchange
 * @param {string} symbol
 * @returns {Own} of this exchange; of `aggregate` all
 */
export function useOwnOrders(exchange, symbol) {
  const [own, setOwn] = useState(/** @type {Own} */ ({ orders: new Map(), fills: new Map() }));
  const who = user.value?.username;
  useEffect(() => {
    /** @type {Own} */
    const kept = { orders: new Map(), fills: new Map() };
    setOwn({ ...kept });
    if (!who) return undefined;
    return follow(exchange, symbol, kept, () => setOwn({ ...kept }));
  }, [exchange, symbol, who]);
  return own;
}

/** @param {string} exchange @param {string} symbol @param {Own} kept filled in @param {() => void} changed @returns {() => void} ends it */
export function follow(exchange, symbol, kept, changed) {
  const stop = new AbortController();
  const end = onOrders((message) => {
    if (message.type !== "order_event" || message.order.instrument !== symbol) return;
    take(message.order, message.fills || [], exchange, kept);
    changed();
  });
  look(exchange, symbol, kept, stop.signal).then(changed, () => undefined);
  return () => {
    stop.abort();
    end();
  };
}

/** @param {string} exchange @param {string} symbol @param {Own} kept @param {AbortSignal} signal */
async function look(exchange, symbol, kept, signal) {
  const found = await get("orders", { symbol, limit: LOOKED_AT }, signal);
  const open = await get("orders", { symbol, status: "open", limit: LOOKED_AT }, signal);
  const all = new Map([...open, ...found].map((order) => [order.token_id, order]));
  for (const order of all.values()) {
    if (!concerns(order.exchange, exchange)) continue;
    const path = `orders/${encodeURIComponent(order.token_id)}`;
    const whole = Number(order.filled_quantity) ? await get(path, { slices: 0, fills: FILLS_OF_ONE, latest: true }, signal) : order;
    if (!kept.orders.has(order.token_id)) take(whole, whole.fills || [], exchange, kept);
    else take(kept.orders.get(order.token_id), whole.fills || [], exchange, kept);
  }
}

/** @param {any} order @param {any[]} fills @param {string} exchange @param {Own} kept */
function take(order, fills, exchange, kept) {
  if (!concerns(order.exchange, exchange)) return;
  kept.orders.set(order.token_id, order);
  for (const fill of fills) {
    if (exchange === "aggregate" || fill.exchange === exchange) kept.fills.set(fill.fill_id, { ...fill, side: order.side });
  }
  for (const id of kept.fills.keys()) {
    if (kept.fills.size <= MOST_FILLS) break;
    kept.fills.delete(id);
  }
}

/** @param {string} of where an order trades @param {string} shown */
function concerns(of, shown) {
  return of === shown || of === "aggregate" || shown === "aggregate";
}

/** Whether an order is still at work, or will be. @param {any} order */
export function isOpen(order) {
  return ["Accepted", "Working", "Paused"].includes(order.status);
}
