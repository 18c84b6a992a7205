// Send the order. Its token_id is kept until the server has it for sure, so a repeat after a lost answer is the same order.

import { ask, Problem, Unreachable } from "../../core/api.js";
import { fill } from "../../core/draft.js";

/** @typedef {{kind: "accepted" | "rejected" | "lost" | "refused", order: any, error: any}} Outcome */

/**
 * @param {Record<string, unknown>} body
 * @returns {Promise<Outcome>}
 */
export async function submit(body) {
  try {
    const { body: orders } = await ask("POST", "orders", { body });
    const order = orders[0];
    const isAccepted = order.status !== "Rejected" && order.status !== "unavailable" && order.reason !== "duplicate_token_id";
    if (order.status !== "unavailable") fill({ token_id: "" });
    return { kind: isAccepted ? "accepted" : "rejected", order, error: null };
  } catch (error) {
    return { kind: isLost(error) ? "lost" : "refused", order: null, error };
  }
}

/** Whether the order may be there all the same: no answer came, or the server failed in the middle. @param {unknown} error */
function isLost(error) {
  return error instanceof Unreachable || (error instanceof Problem && error.status >= 500);
}
