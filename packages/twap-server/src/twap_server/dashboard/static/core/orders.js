// What can be done with an order that is there, and what its states mean.

import { ask } from "./api.js";

const OPEN = new Set(["Accepted", "Working", "Paused"]);

/** What a slice's or an order's reason means, in words. @type {Record<string, string>} */
export const REASONS = {
  limit_not_met: "the next price was beyond the limit", slippage_cap: "the next price was beyond the slippage cap",
  depth_exhausted: "the book showed no more", below_minimum: "below the exchange's minimum: added to the next slice",
  no_book: "there was no book", stale_book: "the book was stale", resyncing: "the book was being rebuilt", crossed_book: "the book was crossed",
  not_tradable: "the exchange does not trade it now", prices_disagree: "the exchanges' prices lie too far apart",
  participation_cap: "the participation cap allowed no more", paused: "the order was paused", engine_down: "the server did not run",
  storage: "the database could not record", overloaded: "the server had too much to do", elapsed: "it was past before the order came",
  not_needed: "enough was filled already", canceled: "the order ended before", delisted: "every market was delisted",
  too_late: "it would have arrived after its own interval",
};

/** @param {string | null | undefined} reason */
export function inWords(reason) {
  return reason ? REASONS[reason] || reason.replaceAll("_", " ") : "";
}

/** @param {string} status */
export function isOpen(status) {
  return OPEN.has(status);
}

/** Whether an order's window is within a day, so that its parts need not say theirs. @param {any} order */
export function isOfOneDay(order) {
  return Date.parse(order.end_time) - Date.parse(order.start_time) < 86_400_000;
}

/** @param {string} token @returns {string} */
export function placeOf(token) {
  return `orders/${encodeURIComponent(token)}`;
}

/** @param {string} token @returns {Promise<any>} the order as it is then */
export async function pause(token) {
  return (await ask("POST", `${placeOf(token)}/pause`)).body;
}

/** @param {string} token @returns {Promise<any>} */
export async function resume(token) {
  return (await ask("POST", `${placeOf(token)}/resume`)).body;
}

/** @param {string} token @returns {Promise<any>} */
export async function cancel(token) {
  return (await ask("DELETE", placeOf(token))).body;
}

/**
 * @param {string} token
 * @param {string} revision the one that was seen: 412 where it was amended since
 * @param {Record<string, unknown>} changes
 * @returns {Promise<any>}
 */
export async function amend(token, revision, changes) {
  return (await ask("PATCH", placeOf(token), { body: changes, headers: { "If-Match": `"${revision}"` } })).body;
}
