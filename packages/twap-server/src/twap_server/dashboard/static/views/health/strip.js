// The last 15 minutes of a book as stretches of one status each.

/** @typedef {{status: string, reason: string, from: number, to: number}} Stretch milliseconds since 1970 */

export const WINDOW_MS = 15 * 60_000;

/**
 * Stretches within the window, oldest first. Before the first entry nothing was collected: there is no stretch.
 * @param {{time: string, status: string, reason: string}[]} history oldest first
 * @param {number} end milliseconds since 1970
 * @returns {Stretch[]}
 */
export function stretches(history, end) {
  const begin = end - WINDOW_MS;
  return history
    .map(({ time, status, reason }, index) => ({
      status, reason,
      from: Math.max(begin, Date.parse(time)),
      to: Math.min(end, history[index + 1] ? Date.parse(history[index + 1].time) : end),
    }))
    .filter((one) => one.to > one.from);
}

/** How much of what was collected was live, 0 to 1; null: nothing was collected. @param {Stretch[]} all */
export function liveShare(all) {
  const length = (/** @type {Stretch[]} */ some) => some.reduce((sum, one) => sum + one.to - one.from, 0);
  const whole = length(all);
  return whole ? length(all.filter((one) => one.status === "live")) / whole : null;
}

const ORDER = ["down", "resyncing", "stale", "live"];

/** What is worst comes first: a book by its status, then by how little of the window it was live, then by name. @param {any[]} books @param {number} end */
export function worstFirst(books, end) {
  const rank = (/** @type {any} */ book) => {
    const place = ORDER.indexOf(book.status);
    return place < 0 ? 0 : place;
  };
  const share = (/** @type {any} */ book) => liveShare(stretches(book.history, end)) ?? 1;
  const name = (/** @type {any} */ book) => `${book.exchange} ${book.symbol}`;
  return [...books].sort((one, other) => rank(one) - rank(other) || share(one) - share(other) || name(one).localeCompare(name(other)));
}

const GOOD = ["connected", "idle"];

/** An exchange that is down comes first, then one on its way, then those that trade nothing. @param {any[]} exchanges */
export function worstExchangesFirst(exchanges) {
  const rank = (/** @type {any} */ one) => (one.status === "down" ? 0 : !GOOD.includes(one.status) ? 1 : one.market_status !== "trading" ? 2 : one.status === "connected" ? 3 : 4);
  return [...exchanges].sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
}

/** How an exchange is, as one of the kinds that colours tell. @param {any} one @returns {"live" | "stale" | "down" | "idle"} */
export function kindOf(one) {
  if (one.status === "down") return "down";
  if (one.status === "idle") return "idle";
  return one.status === "connected" && one.market_status === "trading" ? "live" : "stale";
}
