// Keep candles in order and without doubles, as text; and make of them what the chart draws.

/** @typedef {{open_time: string, close_time: string, open: string, high: string, low: string, close: string, volume: string, closed: boolean}} Candle */

/** The intervals that are offered first; others come in through the address. */
export const INTERVALS = ["1m", "5m", "15m", "1h", "4h", "1d"];
/** All that the server knows. */
export const ALL_INTERVALS = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"];

export class Candles {
  constructor() {
    /** By the second they open. @type {Map<number, Candle>} */
    this.bySecond = new Map();
    /** @type {number[]} */
    this.order = [];
  }

  /**
   * Take candles in any order. One that closed is not replaced by one that was still forming.
   * @param {Candle[]} candles
   * @returns {boolean} whether one came that is older than the newest known
   */
  add(candles) {
    const newest = this.order[this.order.length - 1] ?? -Infinity;
    let isBehind = false;
    for (const candle of candles) {
      const second = secondOf(candle.open_time);
      const known = this.bySecond.get(second);
      if (known && known.closed && !candle.closed) continue;
      if (second < newest) isBehind = true;
      if (!known) this.order.push(second);
      this.bySecond.set(second, candle);
    }
    this.order.sort((one, other) => one - other);
    return isBehind;
  }

  get oldest() {
    return this.order.length ? this.bySecond.get(this.order[0]) : undefined;
  }

  get newest() {
    return this.order.length ? this.bySecond.get(this.order[this.order.length - 1]) : undefined;
  }

  /** @param {number} second of its opening */
  at(second) {
    return this.bySecond.get(second);
  }

  /** The second of the candle in which a moment lies; null: there is none. @param {string} iso */
  secondAt(iso) {
    const moment = Date.parse(iso) / 1000;
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.order[middle] <= moment) low = middle + 1;
      else high = middle;
    }
    const second = this.order[low - 1];
    const candle = second === undefined ? undefined : this.bySecond.get(second);
    return candle && moment <= Date.parse(candle.close_time) / 1000 ? second : null;
  }

  /** All, oldest first, for the chart. */
  bars() {
    return this.order.map((second) => bar(second, /** @type {Candle} */ (this.bySecond.get(second))));
  }

  /** @param {string} up @param {string} down colours */
  volumes(up, down) {
    return this.order.map((second) => volume(second, /** @type {Candle} */ (this.bySecond.get(second)), up, down));
  }
}

/** @param {string} iso */
export function secondOf(iso) {
  return Math.floor(Date.parse(iso) / 1000);
}

/** @param {number} time @param {Candle} candle */
export function bar(time, candle) {
  return { time, open: Number(candle.open), high: Number(candle.high), low: Number(candle.low), close: Number(candle.close) };
}

/** @param {number} time @param {Candle} candle @param {string} up @param {string} down */
export function volume(time, candle, up, down) {
  return { time, value: Number(candle.volume), color: Number(candle.close) >= Number(candle.open) ? up : down };
}
