// What several listeners of one topic want together, and how a message reaches them.

/** @typedef {import("./feed.js").Wanted} Wanted */

const DEPTHS = [10, 25, 100];

/** The options that satisfy every listener of a book. @param {Wanted} wanted @returns {{depth: number, own: boolean}} */
export function together(wanted) {
  const options = [...wanted.listeners.values()];
  const depth = Math.max(10, ...options.map((one) => one.depth || 10));
  return { depth: DEPTHS.find((one) => one >= depth) || 100, own: options.some((one) => one.own) };
}

/** Tell every listener; the newest book and candle are kept for those who come later. @param {Wanted} wanted @param {any} message */
export function deliver(wanted, message) {
  if (message.type === "book" || message.type === "kline") wanted.last = message;
  for (const hear of [...wanted.listeners.keys()]) hear(message);
}

/** Whether a message belongs to a topic. @param {Wanted} wanted @param {any} message */
export function fits({ topic }, message) {
  switch (message.type) {
    case "book":
      return topic.channel === "book" && topic.symbol === message.symbol && topic.exchange === message.exchange;
    case "trade":
      return topic.channel === "trades" && topic.symbol === message.symbol && isOf(topic, message.exchange);
    case "kline":
      return (
        topic.channel === "klines" && topic.symbol === message.symbol && isOf(topic, message.exchange) &&
        topic.interval === message.interval
      );
    case "order_event":
      return topic.channel === "orders";
    default:
      return false;
  }
}

/** @param {import("./feed.js").Topic} topic @param {string} exchange */
function isOf(topic, exchange) {
  return topic.exchange === exchange || topic.exchange === "aggregate";
}
