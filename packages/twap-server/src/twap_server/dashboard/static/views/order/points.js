// Turn what is recorded into what is drawn. Floats: pixels are not money.

/** @typedef {import("./loading.js").Row} Row */
/** @typedef {{x: number, y: number, filled: number, isMissed: boolean, row: Row}} Bubble `x` in seconds since 1970 */

/** @param {string} iso */
export function secondsOf(iso) {
  return Date.parse(iso) / 1000;
}

/** The mid over time, from samples and from what slices met. @param {Row[]} samples @param {Row[]} slices @returns {[number[], number[]]} */
export function mids(samples, slices) {
  const met = slices.filter((one) => one.mid && one.decided_time).map((one) => ({ at: secondsOf(one.decided_time), mid: Number(one.mid) }));
  const taken = samples.filter((one) => one.mid).map((one) => ({ at: secondsOf(one.time), mid: Number(one.mid) }));
  const all = [...met, ...taken].sort((one, other) => one.at - other.at);
  return [all.map((one) => one.at), all.map((one) => one.mid)];
}

/** A bubble a slice: at its average price; what missed stands at the mid it met, or at the last one known. @param {Row[]} slices @param {[number[], number[]]} line @returns {Bubble[]} */
export function bubbles(slices, line) {
  return slices
    .filter((one) => one.outcome === "filled" || one.outcome === "partial" || one.outcome === "missed")
    .map((row) => {
      const x = secondsOf(row.decided_time || row.due_time);
      const price = row.average_price || row.mid;
      return { x, y: price ? Number(price) : before(line, x), filled: Number(row.filled_quantity), isMissed: row.outcome === "missed", row };
    })
    .filter((one) => Number.isFinite(one.y));
}

/** The last value up to a moment. @param {[number[], number[]]} line @param {number} x */
function before([xs, ys], x) {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return ys[Math.max(0, low - 1)] ?? NaN;
}

/**
 * What the schedule asked for and what was filled, after each slice. @param {Row[]} slices @param {any} order
 * @returns {[number[], (number | null)[], number[]]} moments, targets (null: not known), filled
 */
export function progress(slices, order) {
  const xs = [secondsOf(order.start_time || order.creation_time)];
  /** @type {(number | null)[]} */
  const targets = [0];
  const filled = [0];
  let sum = 0;
  for (const one of slices) {
    if (one.outcome === "pending" || one.outcome === "canceled") continue;
    sum += Number(one.filled_quantity);
    const x = secondsOf(one.decided_time || one.due_time);
    xs.push(Math.max(x, xs[xs.length - 1]));
    targets.push(one.target_quantity ? Number(one.target_quantity) : null);
    filled.push(sum);
  }
  return [xs, targets, filled];
}

/** The bubble nearest to a place, within a hand's reach. @param {Bubble[]} all @param {(one: Bubble) => number} distance in pixels @returns {Bubble | null} */
export function nearest(all, distance) {
  let best = null;
  let least = 24;
  for (const one of all) {
    const far = distance(one);
    if (far < least) [best, least] = [one, far];
  }
  return best;
}
