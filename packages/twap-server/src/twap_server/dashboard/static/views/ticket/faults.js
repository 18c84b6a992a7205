// What is wrong at which field: what cannot be read here, what the server cannot read, what breaks a rule.

import { fixOf, place } from "./nearest.js";

/** @typedef {{message: string, fix: import("./nearest.js").Fix | null}} Fault */

/**
 * @param {import("./previewing.js").Previewed} previewed
 * @param {import("../../core/draft.js").Draft} draft
 * @returns {Record<string, Fault>} by the ticket's field; "order": of the whole
 */
export function faultsOf({ made, preview, error }, draft) {
  /** @type {Record<string, Fault>} */
  const faults = {};
  for (const [field, message] of Object.entries(made.wrong)) faults[field] = { message, fix: null };
  for (const one of error?.errors || []) add(faults, draft, one.field, one.message, one.nearest);
  for (const one of preview?.broken || []) add(faults, draft, one.field, one.detail, one.nearest, one.reason);
  return faults;
}

/** @param {Record<string, Fault>} faults @param {import("../../core/draft.js").Draft} draft @param {string} field @param {string} detail @param {string | null} [nearest] @param {string} [reason] */
function add(faults, draft, field, detail, nearest, reason) {
  const at = place(field, draft);
  const message = detail.charAt(0).toUpperCase() + detail.slice(1);
  faults[at] ??= { message: /[.!?]$/.test(message) ? message : `${message}.`, fix: fixOf({ field, nearest, reason }, draft) };
}
