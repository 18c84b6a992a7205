// Write exact numbers for people. In: text as the server sent it. Out: text; no digit is lost unless it says "rounded".

import Big from "big.js";

/** Without zeros at the end of the decimals. @param {string | null | undefined} text */
export function plain(text) {
  if (text === null || text === undefined) return "–";
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** With thousands set apart: "1 234.5" (thin spaces). @param {string | null | undefined} text */
export function grouped(text) {
  return setApart(plain(text));
}

/** The same with as many decimals as a step has: "60 007.60". @param {string | null | undefined} text @param {string} step */
export function groupedOnGrid(text, step) {
  return setApart(onGrid(text, step));
}

/** @param {string} text */
export function setApart(text) {
  const [whole, decimals] = text.split(".");
  const apart = whole.replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009");
  return decimals === undefined ? apart : `${apart}.${decimals}`;
}

/** With so many decimals at least, thousands set apart: numbers of a column stand under each other. @param {string} text @param {number} decimals */
export function aligned(text, decimals) {
  const [whole, rest = ""] = plain(text).split(".");
  const padded = rest.padEnd(decimals, "0");
  return padded ? `${grouped(whole)}.${padded}` : grouped(whole);
}

/** A sum of money, rounded to cents; what is smaller keeps two digits that say something. @param {string} text */
export function money(text) {
  const size = Math.abs(Number(text));
  const decimals = size === 0 || size >= 0.01 ? 2 : Math.min(12, 1 - Math.floor(Math.log10(size)));
  return aligned(rounded(text, decimals), decimals).replace("-", "−");
}

/**
 * With as many decimals as a step has, so that columns line up; digits beyond it stay.
 * @param {string | null | undefined} text
 * @param {string} step tick or lot; "0": not known
 */
export function onGrid(text, step) {
  if (text === null || text === undefined) return "–";
  const wanted = plain(step).split(".")[1]?.length || 0;
  const [whole, decimals = ""] = plain(text).split(".");
  const padded = decimals.padEnd(wanted, "0");
  return padded ? `${whole}.${padded}` : whole;
}

/** Rounded half-even to so many decimals. @param {string | null | undefined} text @param {number} decimals */
export function rounded(text, decimals) {
  return text === null || text === undefined ? "–" : new Big(text).toFixed(decimals, Big.roundHalfEven);
}

/** Basis points with sign and one decimal: "+1.6 bps". @param {string | null | undefined} text */
export function bps(text) {
  if (text === null || text === undefined) return "–";
  const made = new Big(text).toFixed(1, Big.roundHalfEven);
  return `${made.startsWith("-") ? made.replace("-", "−") : `+${made}`}\u00a0bps`;
}

/** Signed, with the few decimals that say something: "+1.6", "−12.3", "+0.0017". Rounded. @param {string | null | undefined} text */
export function signed(text) {
  if (text === null || text === undefined) return "–";
  const size = Math.abs(Number(text));
  const made = new Big(text).toFixed(size === 0 ? 0 : size < 0.05 ? 4 : size < 10 ? 2 : 1, Big.roundHalfEven);
  return Number(made) === 0 ? "0" : made.startsWith("-") ? made.replace("-", "−") : `+${made}`;
}

/** Percent of a part: "33.3 %", rounded. @param {string} part @param {string} whole */
export function percent(part, whole) {
  if (new Big(whole).eq(0)) return "0 %";
  return `${new Big(part).times(100).div(whole).toFixed(1, Big.roundHalfEven)}\u00a0%`;
}

/** For pixels only. @param {string | null | undefined} text */
export function pixels(text) {
  return text === null || text === undefined ? NaN : Number(text);
}

/** The two assets of a canonical name. @param {string} symbol @returns {[string, string]} */
export function assets(symbol) {
  const [base, quote = ""] = symbol.split("-");
  return [base, quote];
}
