// The frames of a replay: asked for a page at a time, some pages kept, and what stood at a moment made of them.

import { get } from "../../core/api.js";

/** @typedef {{recording: string, start: string, end: string, first: string, frames: string, messages: string, unread: string, books: any[], orders: {order: any, slices: {index: string, ms: string, outcome: string}[]}[]}} Summary */
/** @typedef {{number: string, time: string, mid: string | null, book: any, trades: any[], left_out: string, orders: Record<string, any>}} Frame */
/** @typedef {{first: string, every: string, frames: Frame[]}} Page */
/** What stood at a moment. `trades`: newest first. `orders`: by token; those that were not accepted yet are not there. @typedef {{number: number, time: string, book: any, mid: string | null, trades: any[], orders: Record<string, any>}} Scene */

const SIZE = 30;
const KEPT = 24;
const TRADES = 60;

/** Milliseconds since 1970, rounded up: a frame has nothing in it of what came a microsecond later. @param {string} time @returns {number} */
export function msOf(time) {
  return Date.parse(time) + (/\.\d{3}\d*[1-9]/.test(time) ? 1 : 0);
}

/** The frame of a moment, or the nearest there is. @param {Summary} summary @param {number} ms since 1970 */
export function frameAt(summary, ms) {
  const number = Math.ceil((ms - Date.parse(summary.first)) / 1000);
  return Math.min(Math.max(0, Number.isFinite(number) ? number : 0), Number(summary.frames) - 1);
}

/** The moment of a frame, in milliseconds since 1970. @param {Summary} summary @param {number} number */
export function momentOf(summary, number) {
  return Date.parse(summary.first) + number * 1000;
}

/** The moment as an address keeps it: "2024-08-08T23:55:54Z". @param {Summary} summary @param {number} number */
export function nameOf(summary, number) {
  return new Date(momentOf(summary, number)).toISOString().replace(".000Z", "Z");
}

/**
 * What stood at a frame of a page, or at the last one of the page before it.
 * @param {Page} page @param {number} number
 * @returns {Scene}
 */
export function sceneOf(page, number) {
  const at = Math.min(page.frames.length - 1, Math.floor((number - Number(page.first)) / Number(page.every)));
  const passed = page.frames.slice(0, at + 1);
  const { time, book, mid, number: shown } = passed[at];
  const trades = passed.flatMap((one) => one.trades).slice(-TRADES).reverse();
  return { number: Number(shown), time, book, mid, trades, orders: Object.assign({}, ...passed.map((one) => one.orders)) };
}

/** Pages of one book. */
export class Timeline {
  /** @param {number} book its place in the summary @param {number} count frames */
  constructor(book, count) {
    this.book = book;
    this.count = count;
    /** The one used last is last. @type {Map<string, Page | Promise<Page>>} */
    this.pages = new Map();
  }

  /** What is there already; null: it has to be asked for. @param {number} number @param {number} every */
  peek(number, every) {
    const page = this.pages.get(this.key(number, every));
    return page && !(page instanceof Promise) ? sceneOf(page, number) : null;
  }

  /** @param {number} number @param {number} every the page has a frame of every so many seconds @returns {Promise<Scene>} */
  async scene(number, every) {
    return sceneOf(await this.page(number, every), number);
  }

  /** Ask for the page that comes next, before it is needed. @param {number} number @param {number} every */
  expect(number, every) {
    const soon = number + (every * SIZE) / 2;
    if (soon < this.count) this.page(soon, every).catch(() => undefined);
  }

  /** @param {number} number @param {number} every */
  key(number, every) {
    return `${every} ${Math.floor(number / (every * SIZE))}`;
  }

  /** @param {number} number @param {number} every @returns {Promise<Page>} */
  async page(number, every) {
    const key = this.key(number, every);
    const known = this.pages.get(key);
    const first = Math.floor(number / (every * SIZE)) * every * SIZE;
    const page = known || get("replay/frames", { book: this.book, first, every, limit: SIZE });
    this.pages.delete(key);
    this.pages.set(key, page);
    try {
      const made = await page;
      if (this.pages.get(key) === page) this.pages.set(key, made);
      for (const old of this.pages.keys()) {
        if (this.pages.size <= KEPT) break;
        this.pages.delete(old);
      }
      return made;
    } catch (error) {
      this.pages.delete(key);
      throw error;
    }
  }
}

/** @param {import("../order/loading.js").Happened} happened @param {number} ms @returns {import("../order/loading.js").Happened} what of it had happened */
export function until(happened, ms) {
  const had = (/** @type {string} */ time) => msOf(time) <= ms;
  return {
    report: happened.report,
    slices: happened.slices.filter((one) => had(one.decided_time || one.due_time)),
    fills: happened.fills.filter((one) => had(one.time)),
    samples: happened.samples.filter((one) => had(one.time)),
  };
}

/**
 * The slice to step to: the next one, or the one before.
 * @param {{index: string, ms: string}[]} slices in order @param {Summary} summary @param {number} number the frame that is shown
 * @param {string} chosen the slice that is chosen, "": none @param {1 | -1} way
 * @returns {{index: string, number: number} | null} null: there is none
 */
export function stepped(slices, summary, number, chosen, way) {
  const frameOf = (/** @type {{ms: string}} */ one) => frameAt(summary, Number(one.ms));
  const at = slices.findIndex((one) => one.index === chosen);
  const isHere = at >= 0 && frameOf(slices[at]) === number;
  const found = isHere ? slices[at + way] : way > 0 ? slices.find((one) => frameOf(one) > number) : slices.findLast((one) => frameOf(one) < number);
  return found ? { index: found.index, number: frameOf(found) } : null;
}
