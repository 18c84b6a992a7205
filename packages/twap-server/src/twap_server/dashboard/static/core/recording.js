// Keep the last 15 minutes of a book, a column a second, in memory that does not grow.
//
// Prices and quantities are floats here: they become pixels, never money.

/** Seconds that are kept. */
export const COLUMNS = 900;
/** Levels of a side that are kept of a second. */
export const LEVELS = 100;
const TRADES = 6_000;
/** A second without a book is a gap only if more than this many are missing: books come once a second, about. */
const BRIDGED = 2;

/** @typedef {{at: number, price: number, quantity: number, side: string}} Dot milliseconds since 1970 */

export class Recording {
  constructor() {
    this.prices = new Float64Array(COLUMNS * LEVELS * 2);
    this.quantities = new Float32Array(COLUMNS * LEVELS * 2);
    /** The second that a column shows; 0: nothing. */
    this.seconds = new Float64Array(COLUMNS);
    this.bids = new Uint8Array(COLUMNS);
    this.asks = new Uint8Array(COLUMNS);
    /** @type {Dot[]} */
    this.trades = [];
    /** @type {Set<string>} */
    this.seen = new Set();
    this.first = 0;
    this.last = 0;
    /** Rises with each change. */
    this.version = 0;
  }

  /**
   * Take a book that is live; one that is not leaves a gap.
   * @param {{status: string, bids: [string, string][], asks: [string, string][]}} book
   * @param {number} now milliseconds since 1970
   * @returns {number[]} the seconds that were written
   */
  takeBook(book, now) {
    const second = Math.floor(now / 1000);
    this.version += 1;
    if (book.status !== "live" || second < this.last) return [];
    const isBridged = this.last > 0 && second - this.last > 1 && second - this.last <= BRIDGED;
    const written = isBridged ? [this.copy(this.last, second - 1), second] : [second];
    this.write(second, book);
    this.first ||= second;
    this.last = second;
    return written;
  }

  /** @param {number} second @param {{bids: [string, string][], asks: [string, string][]}} book */
  write(second, { bids, asks }) {
    const column = second % COLUMNS;
    this.seconds[column] = second;
    this.bids[column] = this.side(column, 0, bids);
    this.asks[column] = this.side(column, LEVELS, asks);
  }

  /** @param {number} column @param {number} offset @param {[string, string][]} levels */
  side(column, offset, levels) {
    const start = column * LEVELS * 2 + offset;
    const count = Math.min(LEVELS, levels.length);
    for (let index = 0; index < count; index += 1) {
      this.prices[start + index] = Number(levels[index][0]);
      this.quantities[start + index] = Number(levels[index][1]);
    }
    return count;
  }

  /** @param {number} from @param {number} to seconds @returns {number} */
  copy(from, to) {
    const [source, target] = [from % COLUMNS, to % COLUMNS];
    const size = LEVELS * 2;
    this.prices.copyWithin(target * size, source * size, source * size + size);
    this.quantities.copyWithin(target * size, source * size, source * size + size);
    [this.bids[target], this.asks[target]] = [this.bids[source], this.asks[source]];
    this.seconds[target] = to;
    return to;
  }

  /** @param {{exchange: string, id: string, time: string, price: string, quantity: string, side: string}} trade */
  takeTrade(trade) {
    const name = `${trade.exchange} ${trade.id}`;
    if (this.seen.has(name)) return;
    this.seen.add(name);
    this.trades.push({ at: Date.parse(trade.time), price: Number(trade.price), quantity: Number(trade.quantity), side: trade.side });
    this.version += 1;
    if (this.trades.length > TRADES) this.trades.splice(0, TRADES / 4);
    if (this.seen.size > 2 * TRADES) this.seen = new Set([...this.seen].slice(-TRADES));
  }

  /** Whether there is a column for a second. @param {number} second */
  has(second) {
    return second > 0 && this.seconds[second % COLUMNS] === second;
  }

  /** Give every level of a second. @param {number} second @param {(price: number, quantity: number, isAsk: boolean) => void} each */
  levels(second, each) {
    if (!this.has(second)) return;
    const column = second % COLUMNS;
    const start = column * LEVELS * 2;
    for (let index = 0; index < this.bids[column]; index += 1) each(this.prices[start + index], this.quantities[start + index], false);
    for (let index = 0; index < this.asks[column]; index += 1) each(this.prices[start + LEVELS + index], this.quantities[start + LEVELS + index], true);
  }

  /** The best prices of a second; NaN where there is none. @param {number} second @returns {[number, number]} bid and ask */
  best(second) {
    if (!this.has(second)) return [NaN, NaN];
    const column = second % COLUMNS;
    const start = column * LEVELS * 2;
    return [this.bids[column] ? this.prices[start] : NaN, this.asks[column] ? this.prices[start + LEVELS] : NaN];
  }

  /** Stretches without a live book between the first column and a moment. @param {number} now seconds @returns {[number, number][]} first second, and the one after the last */
  gaps(now) {
    /** @type {[number, number][]} */
    const found = [];
    if (!this.first) return found;
    const begin = Math.max(this.first, now - COLUMNS + 1);
    let since = 0;
    for (let second = begin; second <= now; second += 1) {
      if (!this.has(second)) since ||= second;
      else if (since) {
        found.push([since, second]);
        since = 0;
      }
    }
    if (since && now - since >= BRIDGED) found.push([since, now + 1]);
    return found;
  }
}
