// Bring what events say into a list of orders, newest first.

import { isOpen } from "../../core/orders.js";

/**
 * @param {any[]} rows
 * @param {any[]} fresh orders as they are now, oldest news first
 * @param {import("./loading.js").Filter} filter orders that no longer fit go
 */
export function renewed(rows, fresh, filter) {
  if (!fresh.length) return rows;
  const news = new Map(fresh.map((order) => [order.token_id, order]));
  const kept = rows.map((row) => news.get(row.token_id) || row).filter((row) => fits(row, filter));
  const known = new Set(rows.map((row) => row.token_id));
  const added = [...news.values()].filter((order) => !known.has(order.token_id) && fits(order, filter));
  return added.length ? [...added, ...kept].sort(newestFirst) : kept;
}

/** @param {any} one @param {any} other */
function newestFirst(one, other) {
  return one.creation_time < other.creation_time ? 1 : one.creation_time > other.creation_time ? -1 : 0;
}

/** @param {any} order @param {import("./loading.js").Filter} filter */
export function fits(order, { status, exchange, symbol, side }) {
  return (
    (!side || order.side === side) && (!exchange || order.exchange === exchange) &&
    (!symbol || order.instrument === symbol || order.symbol === symbol) &&
    (!status || (status === "open" ? isOpen(order.status) : status === "closed" ? !isOpen(order.status) : order.status === status))
  );
}
