// Record books while the page is open, whatever view is shown: the last few that were looked at.

import { onBook, onTrades } from "./feed.js";
import { user } from "./session.js";
import { now } from "./time.js";
import { Recording } from "./recording.js";

const AT_ONCE = 3;

/** @typedef {{recording: Recording, end: () => void, problem: string}} Running */

/** By exchange and symbol, the one that was asked for longest ago first. @type {Map<string, Running>} */
const running = new Map();
let forWhom = "";

/**
 * The recording of a book: goes on from now on, until a few others were asked for.
 * @param {string} exchange
 * @param {string} symbol
 * @returns {Running}
 */
export function record(exchange, symbol) {
  forget();
  const name = `${exchange} ${symbol}`;
  const known = running.get(name) || begin(exchange, symbol);
  running.delete(name);
  running.set(name, known);
  for (const [oldest, { end }] of running) {
    if (running.size <= AT_ONCE) break;
    end();
    running.delete(oldest);
  }
  return known;
}

/** Another user sees the same market: recordings stay. Only what was refused is asked for again. */
function forget() {
  const who = user.peek()?.username || "";
  if (who === forWhom) return;
  forWhom = who;
  for (const [name, { problem, end }] of running) {
    if (!problem) continue;
    end();
    running.delete(name);
  }
}

/** @param {string} exchange @param {string} symbol @returns {Running} */
function begin(exchange, symbol) {
  const recording = new Recording();
  /** @type {Running} */
  const made = { recording, problem: "", end: () => undefined };
  const endBook = onBook(exchange, symbol, { depth: 100 }, (message) => {
    if (message.type === "error") made.problem = message.message;
    else recording.takeBook(/** @type {any} */ (message), Date.parse(message.ts_sent) || now.peek());
  });
  const endTrades = onTrades(exchange, symbol, (message) => {
    if (message.type === "trade") recording.takeTrade(/** @type {any} */ (message));
  });
  made.end = () => {
    endBook();
    endTrades();
  };
  return made;
}
