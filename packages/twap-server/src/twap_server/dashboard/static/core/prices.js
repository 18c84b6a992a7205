// Which prices an instrument has: multiples of its tick, on some exchanges with few significant digits only.

import Big from "big.js";

/**
 * How far apart prices are at a price, as text.
 * @param {any} facts an instrument; none: not known
 * @param {string | null | undefined} price none: the finest step
 * @returns {string} "0": not known
 */
export function stepAt(facts, price) {
  if (!facts) return "0";
  const tick = new Big(facts.tick_size);
  const digits = Number(facts.price_digits || 0);
  if (!digits || !price || new Big(price).lte(0)) return facts.tick_size;
  const byDigits = new Big(10).pow(new Big(price).e + 1 - digits);
  const step = facts.whole_prices && byDigits.gt(1) ? new Big(1) : byDigits;
  return (step.gt(tick) ? step : tick).toFixed();
}

/** What is special about its prices, in words; empty: nothing but the tick. @param {any} facts */
export function digitsOf(facts) {
  const digits = Number(facts?.price_digits || 0);
  if (!digits) return "";
  return `at most ${digits} significant digits${facts.whole_prices ? ", or a whole number" : ""}`;
}
