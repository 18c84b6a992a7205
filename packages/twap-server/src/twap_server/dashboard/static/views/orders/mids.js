// The mids of the instruments in sight, for the average price beside the market.

import { useEffect, useState } from "preact/hooks";
import { big } from "../../core/exact.js";
import { onBook } from "../../core/feed.js";

const AT_MOST = 8;

/** Which book an order is filled from. @param {any} order */
export function bookOf(order) {
  return `${order.exchange} ${order.instrument}`;
}

/**
 * Listen to the books of open orders, the first few of them.
 * @param {any[]} orders
 * @returns {Record<string, string>} the exact mid of each live book
 */
export function useMids(orders) {
  const names = [...new Set(orders.filter((one) => one.instrument).map(bookOf))].slice(0, AT_MOST);
  const key = names.join();
  const [mids, setMids] = useState(/** @type {Record<string, string>} */ ({}));
  useEffect(() => {
    const ends = names.map((name) => {
      const [exchange, symbol] = name.split(" ");
      return onBook(exchange, symbol, { depth: 10 }, (book) => setMids((before) => ({ ...before, [name]: mid(book) })));
    });
    return () => ends.forEach((end) => end());
  }, [key]);
  return mids;
}

/** "" where the book is not to be trusted. @param {any} book */
export function mid(book) {
  if (book.status !== "live" || !book.bids?.length || !book.asks?.length) return "";
  return big(book.bids[0][0]).plus(big(book.asks[0][0])).div(2).toFixed();
}

/** By how much an average price is worse than the mid, in bps; above 0: worse. @param {any} order @param {string} middle */
export function behind(order, middle) {
  const sign = order.side === "buy" ? 1 : -1;
  return big(order.average_price).minus(big(middle)).times(10_000 * sign).div(big(middle)).toFixed(4);
}
