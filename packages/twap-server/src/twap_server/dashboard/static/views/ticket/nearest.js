// What to change for the nearest value that would do, where the server names one.

import { typed } from "../../core/durations.js";
import { plain } from "../../core/format.js";

/** @typedef {import("../../core/draft.js").Draft} Draft */
/** @typedef {{words: string, changes: Partial<Draft>}} Fix what a click does, and what its button says */

/**
 * What mends a broken rule, or null.
 * @param {{field: string, nearest?: string | null, reason?: string}} broken
 * @param {Draft} draft
 * @returns {Fix | null}
 */
export function fixOf({ field, nearest, reason }, draft) {
  if (reason === "duplicate_token_id") return { words: "a new one", changes: { token_id: "" } };
  if (reason === "window_elapsed" && draft.start_time) return { words: "now", changes: { start_time: "" } };
  return nearest === null || nearest === undefined ? null : fixTo(field, plain(nearest), draft);
}

/**
 * What sets a field to a value, as the ticket has its fields.
 * @param {string} field of the request, or what `nearest_of` of the go-live table names
 * @param {string} value
 * @param {Draft} draft
 * @returns {Fix | null}
 */
export function fixTo(field, value, draft) {
  switch (field) {
    case "interval":
      return { words: typed(value), changes: { cut: "interval", interval: typed(value) } };
    case "half_life":
      return { words: typed(value), changes: { pace: "half_life", half_life: typed(value) } };
    case "slices":
      return { words: `${value} slices`, changes: { cut: "slices", slices: value } };
    case "duration":
      return { words: typed(value), changes: { window: "duration", duration: typed(value) } };
    case "end":
      return draft.start_time ? null : { words: `end in ${typed(value)}`, changes: { window: "duration", duration: typed(value) } };
    case "quantity":
    case "price":
    case "max_slippage_bps":
    case "randomize":
    case "participation_cap":
    case "participation":
    case "risk_aversion":
    case "volatility":
    case "temporary_impact":
    case "permanent_impact":
    case "volume_days":
      return { words: value, changes: { [field]: value } };
    default:
      return null;
  }
}

/** At which field of the ticket a field of the request stands. @param {string} field @param {Draft} draft */
export function place(field, draft) {
  if (field === "end_time" && draft.window === "duration") return draft.start_time ? "start_time" : "duration";
  if (field === "limit_price") return "price";
  if (field.startsWith("realism.")) return draft.realism === "own" ? field.slice("realism.".length) : "realism";
  if (field === "interval" && draft.cut === "slices") return "slices";
  return field;
}
