// The parts of what an order cost, and where each bar of the waterfall begins and ends. Exact.

import { big } from "../../core/exact.js";

export const PARTS = /** @type {const} */ (["delay", "timing", "spread", "latency", "depth", "opportunity", "fees"]);

/** @typedef {{name: string, amount: string, bps: string | null, from: string, to: string}} Bar `from` and `to`: sums of the parts before and with it */

/**
 * @param {Record<string, {amount: string | null, bps: string | null}>} costs of the report
 * @returns {Bar[] | null} null: a part is not known, so there is nothing to sum
 */
export function bars(costs) {
  let reached = big("0");
  const made = [];
  for (const name of PARTS) {
    const { amount, bps } = costs[name];
    if (amount === null) return null;
    const from = reached.toFixed();
    reached = reached.plus(big(amount));
    made.push({ name, amount, bps, from, to: reached.toFixed() });
  }
  return made;
}

/** Whether the parts are the whole, to the last digit. @param {Bar[]} all @param {string} whole */
export function isWhole(all, whole) {
  return big(all[all.length - 1].to).eq(big(whole));
}
