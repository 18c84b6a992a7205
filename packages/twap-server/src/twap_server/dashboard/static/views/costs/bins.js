// Sort costs into bins of one width that is easy to read. Floats: pixels are not money.

/** @typedef {{from: number, to: number, count: number}} Bin */

const ABOUT = 24;
/** So many basis points are shown at least: one order alone is a bar among empty ones, not a wall. */
const LEAST = 1;

/** The step of 1, 2 or 5 times a power of ten that cuts a range into about so many. @param {number} range @param {number} count */
export function niceStep(range, count) {
  const rough = range / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((one) => one * power >= rough * 0.999) || 10;
  return factor * power;
}

/** @param {number[]} values @returns {Bin[]} all of them, in order, without a hole; none for no values */
export function bins(values) {
  if (!values.length) return [];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const air = Math.max(0, LEAST - (most - least)) / 2;
  const [low, high] = [least - air, most + air];
  const step = niceStep(high - low, ABOUT);
  const first = Math.floor(low / step);
  const count = Math.floor(high / step) - first + 1;
  const made = Array.from({ length: count }, (_, at) => ({ from: (first + at) * step, to: (first + at + 1) * step, count: 0 }));
  for (const value of values) made[Math.min(count - 1, Math.floor(value / step) - first)].count += 1;
  return made;
}

/** Round numbers inside a range, for an axis. @param {number} low @param {number} high @param {number} [about] */
export function marks(low, high, about = 5) {
  const step = niceStep(high - low || 1, about);
  const made = [];
  for (let one = Math.ceil(low / step); one * step <= high + step * 1e-9; one += 1) made.push(one * step);
  return { values: made, decimals: Math.max(0, -Math.floor(Math.log10(step))) };
}
