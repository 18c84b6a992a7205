// How much of what a real order meets is simulated: names, words, what was asked for.

import { typed } from "./durations.js";

/** @type {[string, string][]} */
export const PROFILES = [
  ["", "as the server's settings say"], ["ideal", "ideal: filled as it is decided"], ["local", "local: 5 ms away, the exchange's fees"],
  ["remote", "remote: 125 ms away, the exchange's fees"], ["adverse", "adverse: 250 ms, prices move away"], ["own", "own figures"],
];

/** In short: "remote", "own: 125 ms, price shift, published fees". @param {any} realism of an order: a name, or figures */
export function realismWords(realism) {
  if (!realism || typeof realism === "string") return realism || "ideal";
  const latency = Number(realism.latency) ? `${typed(realism.latency)} on the way` : "no latency";
  return `own figures: ${latency}, ${realism.impact === "price_shift" ? "price shift" : "impact at the price"}, ${realism.fees} fees`;
}

/** As a request has it. @param {any} realism of an order @returns {Record<string, unknown>} */
export function realismAsked(realism) {
  if (!realism) return {};
  if (typeof realism === "string") return { realism };
  return { realism: Object.fromEntries(Object.entries(realism).filter(([, value]) => value !== null)) };
}
