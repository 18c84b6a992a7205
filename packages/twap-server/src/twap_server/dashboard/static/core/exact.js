// Read JSON without losing a digit: every number becomes its own text, never a float.
//
// Prices, quantities and costs are shown as that text, and computed with Big. `Number` is for pixels,
// counts and sequence numbers.

import Big from "big.js";

Big.DP = 30;
Big.NE = -40;
Big.PE = 40;

const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Read JSON text; numbers come as text.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError} it is no JSON.
 */
export function read(text) {
  return JSON.parse(text.replace(TOKEN, (found) => (found[0] === '"' ? found : `"${found}"`)));
}

/**
 * A number for exact arithmetic.
 * @param {string} text
 * @returns {Big}
 */
export function big(text) {
  return new Big(text);
}

/**
 * Whether somebody typed a number that can be read.
 * @param {string} text
 */
export function isNumber(text) {
  return /^\s*-?(\d+(\.\d*)?|\.\d+)\s*$/.test(text);
}
