// Make the rungs of a ladder from a book's levels: exact sums, prices put together in steps, what a sweep would cost.

import Big from "big.js";

/** @typedef {[string, string]} Level price and quantity, as text */
/** @typedef {"bids" | "asks"} Side */
/**
 * A rung. `price`: its edge that is farther from the market, so a limit there reaches all of it. `taken`: what you took
 * and has not grown back, never more than `quantity`. `total`: quantity up to here. `sweepQuantity` and `sweepCost`: what you
 * could take up to here, and what it would cost or bring in quote currency.
 * @typedef {{price: string, quantity: Big, taken: Big, sources: string[], total: Big, sweepQuantity: Big, sweepCost: Big}} Rung
 */

const MULTIPLES = [1, 5, 10, 50, 100, 500, 1000, 5000, 10000];
const ZERO = new Big(0);

/**
 * The steps that prices may be put together in, smallest first.
 * @param {string} tick "0": not known
 * @param {string} price about where the market is: steps above 1 % of it are left out
 * @returns {string[]}
 */
export function steps(tick, price) {
  const smallest = new Big(tick || 0);
  if (smallest.lte(0)) return [];
  const largest = new Big(price || 0).div(100);
  return MULTIPLES.map((one) => smallest.times(one)).filter((step, index) => index === 0 || step.lte(largest)).map((step) => step.toFixed());
}

/**
 * The rungs of one side, best first. The last one may lack levels that the book did not show: then it is left out, unless it is the only one.
 * @param {Level[]} levels best first
 * @param {Side} side
 * @param {{step?: string, taken?: Level[], sources?: string[][], isCut?: boolean}} [options] `step` "": a rung a level; `isCut`: the book goes on after its last level here
 * @returns {Rung[]}
 */
export function rungs(levels, side, { step = "", taken = [], sources = [], isCut = false } = {}) {
  const mine = new Map(taken.map(([price, quantity]) => [key(price), new Big(quantity)]));
  /** @type {Rung[]} */
  const made = [];
  levels.forEach(([price, text], index) => {
    const edge = step ? edgeOf(price, step, side) : price;
    const quantity = new Big(text);
    const own = least(mine.get(key(price)) || ZERO, quantity);
    const last = made[made.length - 1];
    const rung = last && last.price === edge ? last : begin(made, edge, last);
    add(rung, new Big(price), quantity, own, sources[index] || []);
  });
  return step && isCut && made.length > 1 ? made.slice(0, -1) : made;
}

/** @param {Rung[]} made @param {string} price @param {Rung | undefined} last @returns {Rung} */
function begin(made, price, last) {
  const rung = {
    price, quantity: ZERO, taken: ZERO, sources: [], total: last?.total || ZERO,
    sweepQuantity: last?.sweepQuantity || ZERO, sweepCost: last?.sweepCost || ZERO,
  };
  made.push(rung);
  return rung;
}

/** @param {Rung} rung @param {Big} price @param {Big} quantity @param {Big} own @param {string[]} sources */
function add(rung, price, quantity, own, sources) {
  const free = quantity.minus(own);
  rung.quantity = rung.quantity.plus(quantity);
  rung.taken = rung.taken.plus(own);
  rung.total = rung.total.plus(quantity);
  rung.sweepQuantity = rung.sweepQuantity.plus(free);
  rung.sweepCost = rung.sweepCost.plus(free.times(price));
  for (const name of sources) if (!rung.sources.includes(name)) rung.sources.push(name);
}

/** The multiple of `step` that is farther from the market: down for bids, up for asks. @param {string} price @param {string} step @param {Side} side */
function edgeOf(price, step, side) {
  const count = new Big(price).div(step).round(0, side === "bids" ? Big.roundDown : Big.roundUp);
  return count.times(step).toFixed();
}

/**
 * The average price of a sweep to a rung, rounded half-even to so many decimals; "–": nothing is left to take.
 * @param {Rung} rung
 * @param {number} decimals
 */
export function average(rung, decimals) {
  if (rung.sweepQuantity.eq(0)) return "–";
  return rung.sweepCost.div(rung.sweepQuantity).toFixed(decimals, Big.roundHalfEven);
}

/** The middle between the best prices, exact; "": a side is empty. @param {{bids: Level[], asks: Level[]}} book */
export function middle({ bids, asks }) {
  if (!bids.length || !asks.length) return "";
  return new Big(bids[0][0]).plus(asks[0][0]).div(2).toFixed();
}

/**
 * How much of what is shown comes from which exchange; a level of several counts as "several": the book does not say how it is split.
 * @param {{bids: Level[], asks: Level[], sources?: {bids: string[][], asks: string[][]} | null}} book merged
 * @returns {[string, Big][]} names with quantities, largest first
 */
export function shares({ bids, asks, sources }) {
  /** @type {Map<string, Big>} */
  const sums = new Map();
  const count = (/** @type {Level[]} */ levels, /** @type {string[][]} */ names) =>
    levels.forEach(([, quantity], index) => {
      const of = names[index] || [];
      const name = of.length === 1 ? of[0] : "several";
      sums.set(name, (sums.get(name) || ZERO).plus(quantity));
    });
  count(bids, sources?.bids || []);
  count(asks, sources?.asks || []);
  return [...sums].sort((one, other) => other[1].cmp(one[1]));
}

/** One text a number: "60000.10" and "60000.1" are one price. @param {string} price */
function key(price) {
  return price.includes(".") ? price.replace(/\.?0+$/, "") : price;
}

/** @param {Big} one @param {Big} other */
function least(one, other) {
  return one.lt(other) ? one : other;
}
