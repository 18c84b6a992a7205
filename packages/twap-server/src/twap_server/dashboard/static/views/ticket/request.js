// Turn what was typed into what is sent, and say at which field something cannot be read.

import { isNumber } from "../../core/exact.js";
import { EXAMPLES, seconds } from "../../core/durations.js";

/** @typedef {import("../../core/draft.js").Draft} Draft */
/** @typedef {{body: Record<string, unknown> | null, wrong: Record<string, string>, missing: string[]}} Made */

const OWN_ESTIMATES = /** @type {const} */ (["volatility", "temporary_impact", "permanent_impact"]);
const OPTIONS = /** @type {const} */ (["max_slippage_bps", "randomize", "participation_cap"]);

/**
 * @param {Draft} draft
 * @returns {Made} `body` is null while a field is missing or wrong
 */
export function toRequest(draft) {
  /** @type {Made} */
  const made = { body: null, wrong: {}, missing: [] };
  const body = {
    token_id: draft.token_id, exchange: draft.exchange, symbol: draft.symbol, side: draft.side,
    carry: draft.carry, late_start: draft.late_start,
    ...number(made, draft, "quantity", true), ...number(made, draft, "price", false),
    ...ending(made, draft), ...cutting(made, draft), ...moment(made, draft, "start_time"), ...spreading(made, draft), ...reality(made, draft),
  };
  for (const name of OPTIONS) Object.assign(body, number(made, draft, name, false));
  if (!draft.exchange || !draft.symbol) made.missing.push("symbol");
  if (!made.missing.length && !Object.keys(made.wrong).length) made.body = body;
  return made;
}

/** The strategy, and those of its parameters that are given. @param {Made} made @param {Draft} draft @returns {Record<string, unknown>} */
function spreading(made, draft) {
  const { strategy } = draft;
  if (strategy === "vwap") return { strategy, ...(draft.profile === "auto" ? number(made, draft, "volume_days", false) : weights(made, draft)) };
  if (strategy === "pov") return { strategy, ...number(made, draft, "participation", true) };
  if (strategy !== "is") return { strategy };
  const own = OWN_ESTIMATES.map((name) => number(made, draft, name, false));
  return Object.assign({ strategy }, pace(made, draft), ...own);
}

/** The profile, or own figures; nothing: as the server's settings say. @param {Made} made @param {Draft} draft @returns {Record<string, unknown>} */
function reality(made, draft) {
  if (draft.realism !== "own") return draft.realism ? { realism: draft.realism } : {};
  const spans = /** @type {const} */ (["latency", "latency_spread", "impact_half_life"]).map((name) => (draft[name].trim() ? span(made, name, draft[name]) : {}));
  return { realism: Object.assign({ impact: draft.impact, fees: draft.fees }, ...spans) };
}

/** @param {Made} made @param {Draft} draft */
function pace(made, draft) {
  if (draft.pace === "half_life") return span(made, "half_life", draft.half_life);
  if (draft.pace === "risk_aversion") return number(made, draft, "risk_aversion", true);
  return { urgency: draft.urgency };
}

/** @param {Made} made @param {Draft} draft */
function weights(made, draft) {
  const given = draft.volume_profile.split(/[\s,;]+/).filter(Boolean);
  if (!given.length) return needs(made, "volume_profile");
  if (given.every(isNumber)) return { volume_profile: given };
  made.wrong.volume_profile = "Write numbers with spaces between: 1000 1500 2000";
  return {};
}

/** @param {Made} made @param {Draft} draft @param {keyof Draft} name @param {boolean} isNeeded */
function number(made, draft, name, isNeeded) {
  const text = draft[name].trim();
  if (!text && isNeeded) made.missing.push(name);
  if (!text) return {};
  if (isNumber(text)) return { [name]: text };
  made.wrong[name] = "Write digits, with a point for decimals: 0.5";
  return {};
}

/** @param {Made} made @param {Draft} draft */
function ending(made, draft) {
  if (draft.window === "end") return draft.end_time ? moment(made, draft, "end_time") : needs(made, "end_time");
  return span(made, "duration", draft.duration);
}

/** @param {Made} made @param {Draft} draft */
function cutting(made, draft) {
  if (draft.cut === "interval") return span(made, "interval", draft.interval);
  const text = draft.slices.trim();
  if (!text) return needs(made, "slices");
  if (/^\d+$/.test(text)) return { slices: text };
  made.wrong.slices = "Write a whole number: 30";
  return {};
}

/** @param {Made} made @param {string} name @param {string} text */
function span(made, name, text) {
  if (!text.trim()) return needs(made, name);
  const read = seconds(text);
  if (read !== null) return { [name]: read };
  made.wrong[name] = `Write a time such as ${EXAMPLES}`;
  return {};
}

/** @param {Made} made @param {Draft} draft @param {"start_time" | "end_time"} name */
function moment(made, draft, name) {
  if (!draft[name]) return {};
  const at = new Date(draft[name]);
  if (!Number.isNaN(at.getTime())) return { [name]: at.toISOString() };
  made.wrong[name] = "Write a date and a time";
  return {};
}

/** @param {Made} made @param {string} name */
function needs(made, name) {
  made.missing.push(name);
  return {};
}
