// Read spans of time as people type them, exactly: "90", "15m", "1h30m", "1 hour 30 min", "00:05:00", "500ms".

import Big from "big.js";
import { plain } from "./format.js";

/** Seconds of each word. @type {Record<string, string>} */
const UNITS = {
  ms: "0.001", millisecond: "0.001", s: "1", sec: "1", second: "1", m: "60", min: "60", minute: "60",
  h: "3600", hr: "3600", hour: "3600", d: "86400", day: "86400", w: "604800", week: "604800",
};
const LARGEST_FIRST = [["d", 86_400], ["h", 3_600], ["m", 60]];

/** What may be typed, in words, for a hint. */
export const EXAMPLES = "15m, 1h30m, 90s or 00:05:00";

/**
 * @param {string} text a number alone is seconds
 * @returns {string | null} seconds, exact; null: it cannot be read
 */
export function seconds(text) {
  const given = text.trim().toLowerCase();
  const clock = /^(\d+):([0-5]\d):([0-5]\d)$/.exec(given);
  if (clock) return String(Number(clock[1]) * 3600 + Number(clock[2]) * 60 + Number(clock[3]));
  if (/^\d+(\.\d+)?$/.test(given)) return plain(given);
  const parts = [...given.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/g)];
  if (!parts.length || parts.map((part) => part[0]).join("") !== given) return null;
  return summed(parts);
}

/** @param {RegExpMatchArray[]} parts number and unit of each */
function summed(parts) {
  let sum = new Big(0);
  for (const [, count, word] of parts) {
    const unit = UNITS[word] || UNITS[word.replace(/s$/, "")];
    if (!unit) return null;
    sum = sum.plus(new Big(count).times(unit));
  }
  return sum.toFixed();
}

/** Write seconds as briefly as one would type them: "300" is "5m", "5400" is "1h30m", "0.25" is "250ms". @param {string} text */
export function typed(text) {
  const whole = new Big(text);
  if (whole.lt(1) && whole.gt(0)) return `${whole.times(1000).toFixed()}ms`;
  if (!whole.mod(60).eq(0) || whole.eq(0)) return `${whole.toFixed()}s`;
  let rest = Number(whole);
  let made = "";
  for (const [unit, length] of /** @type {[string, number][]} */ (LARGEST_FIRST)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count) made += `${count}${unit}`;
  }
  return made;
}
