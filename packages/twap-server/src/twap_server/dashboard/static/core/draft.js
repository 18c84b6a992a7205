// The order that is being written: the ticket shows it, and other views fill it in (a click in the ladder sets the limit).

import { signal } from "@preact/signals";

/** @typedef {{exchange: string, symbol: string, side: "buy" | "sell", quantity: string, price: string, duration: string, slices: string, interval: string, start_time: string, carry: string, late_start: string, max_slippage_bps: string, randomize: string, participation_cap: string, token_id: string}} Draft */

/** @type {Draft} */
export const EMPTY = {
  exchange: "", symbol: "", side: "buy", quantity: "", price: "", duration: "15m", slices: "", interval: "30",
  start_time: "", carry: "catch_up", late_start: "compress", max_slippage_bps: "", randomize: "", participation_cap: "",
  token_id: "",
};

/** @type {import("@preact/signals").Signal<Draft>} */
export const draft = signal(EMPTY);

/** @param {Partial<Draft>} changes */
export function fill(changes) {
  draft.value = { ...draft.value, ...changes };
}
