// The recording as cells: a column a second, a row a step of the price; each cell one byte.

import { COLUMNS } from "../../core/recording.js";
import { bounds, code } from "./colours.js";

/** @typedef {import("../../core/recording.js").Recording} Recording */

const ROWS = 384;
const MULTIPLES = [1, 2, 5];

export class Grid {
  /** @param {Recording} recording @param {number} tick 0: not known */
  constructor(recording, tick) {
    this.recording = recording;
    this.tick = tick || 1e-8;
    this.cells = new Uint8Array(COLUMNS * ROWS);
    this.columns = COLUMNS;
    this.rows = ROWS;
    this.step = 0;
    /** The price at the lower edge of the lowest row. */
    this.base = 0;
    this.shown = 0;
    /** @type {[number, number]} */
    this.bounds = [1, 255];
    this.sums = new Float64Array(ROWS);
  }

  /**
   * Make the cells fit what is looked at.
   * @param {number} low @param {number} high prices
   * @returns {boolean} whether a cell changed
   */
  fit(low, high) {
    const step = stepFor(this.tick, (high - low) / (ROWS / 2));
    const isInside = low >= this.base && high <= this.base + ROWS * step;
    if (step === this.step && isInside) return this.append();
    this.step = step;
    this.base = Math.floor((low + high) / 2 / step - ROWS / 2) * step;
    this.cells.fill(0);
    const { last } = this.recording;
    for (let second = last - COLUMNS + 1; second <= last; second += 1) if (this.recording.has(second)) this.fill(second);
    this.shown = last;
    this.bounds = bounds(this.cells);
    return true;
  }

  append() {
    const { last } = this.recording;
    if (last <= this.shown) return false;
    for (let second = Math.max(this.shown + 1, last - COLUMNS + 1); second <= last; second += 1) this.fill(second);
    this.shown = last;
    this.bounds = bounds(this.cells);
    return true;
  }

  /** @param {number} second */
  fill(second) {
    const { sums, step, base } = this;
    sums.fill(0);
    this.recording.levels(second, (price, quantity) => {
      const row = Math.floor((price - base) / step + 1e-6);
      if (row >= 0 && row < ROWS) sums[row] += quantity;
    });
    const column = second % COLUMNS;
    for (let row = 0; row < ROWS; row += 1) this.cells[row * COLUMNS + column] = code(sums[row]);
  }

  /** About the quantity in the cell of a moment and price. @param {number} second @param {number} price */
  at(second, price) {
    let sum = 0;
    const row = Math.floor((price - this.base) / this.step + 1e-6);
    this.recording.levels(second, (one, quantity) => {
      if (Math.floor((one - this.base) / this.step + 1e-6) === row) sum += quantity;
    });
    return sum;
  }
}

/** The least round multiple of the tick that is at least so large. @param {number} tick @param {number} wanted */
export function stepFor(tick, wanted) {
  for (let power = 1; power < 1e12; power *= 10) {
    for (const one of MULTIPLES) if (tick * power * one >= wanted) return tick * power * one;
  }
  return wanted;
}
