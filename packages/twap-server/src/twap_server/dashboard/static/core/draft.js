// The order that is being written: the ticket shows it, and other views fill it in (a click in the ladder sets the limit).
//
// It survives a reload, with its token_id: an order whose answer was lost can be sent again and stays one order.

import { effect, signal } from "@preact/signals";

/**
 * As it was typed. `window`, `cut`, `profile` and `pace` say which of several fields counts; times are local as the browser's own input writes them.
 * @typedef {{exchange: string, symbol: string, side: "buy" | "sell", quantity: string, price: string,
 *   window: "duration" | "end", duration: string, end_time: string, cut: "interval" | "slices", interval: string, slices: string,
 *   start_time: string, carry: string, late_start: string, max_slippage_bps: string, randomize: string,
 *   participation_cap: string, strategy: string, profile: string, volume_profile: string, volume_days: string, pace: string,
 *   urgency: string, half_life: string, risk_aversion: string, volatility: string, temporary_impact: string,
 *   permanent_impact: string, participation: string, realism: string, latency: string, latency_spread: string, impact: string,
 *   impact_half_life: string, fees: string, token_id: string}} Draft
 */

const KEY = "twap-draft";

/** @type {Draft} */
export const EMPTY = {
  exchange: "", symbol: "", side: "buy", quantity: "", price: "",
  window: "duration", duration: "15m", end_time: "", cut: "interval", interval: "30s", slices: "30",
  start_time: "", carry: "catch_up", late_start: "compress", max_slippage_bps: "", randomize: "", participation_cap: "",
  strategy: "twap", profile: "auto", volume_profile: "", volume_days: "", pace: "urgency", urgency: "medium", half_life: "", risk_aversion: "",
  volatility: "", temporary_impact: "", permanent_impact: "", participation: "10",
  realism: "", latency: "125ms", latency_spread: "20ms", impact: "level", impact_half_life: "", fees: "settings",
  token_id: "",
};

/** @type {import("@preact/signals").Signal<Draft>} */
export const draft = signal(kept());

effect(() => {
  try {
    if (draft.value === EMPTY) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, JSON.stringify(draft.value));
  } catch {
    // A browser that keeps nothing forgets it at the next reload.
  }
});

/** @param {Partial<Draft>} changes */
export function fill(changes) {
  draft.value = { ...draft.value, ...changes };
}

/** A name for the next order, such as "web-k3f9q2x7w4ma": nobody has used it. */
export function freshToken() {
  const letters = "abcdefghjkmnpqrstuvwxyz23456789";
  const drawn = crypto.getRandomValues(new Uint8Array(12));
  return `web-${[...drawn].map((one) => letters[one % letters.length]).join("")}`;
}

/** @returns {Draft} */
function kept() {
  try {
    const text = sessionStorage.getItem(KEY);
    if (!text) return EMPTY;
    const found = JSON.parse(text);
    const known = Object.keys(EMPTY).filter((name) => typeof found[name] === "string");
    return { ...EMPTY, ...Object.fromEntries(known.map((name) => [name, found[name]])) };
  } catch {
    return EMPTY;
  }
}
