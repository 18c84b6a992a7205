// The orders that fit the filter: a page at a time from the server, kept up by the stream's events.

import { useEffect, useRef, useState } from "preact/hooks";
import { ask, nextPage } from "../../core/api.js";
import { onOrders } from "../../core/feed.js";
import { renewed } from "./merging.js";

/** @typedef {{status: string, exchange: string, symbol: string, side: string}} Filter */
/** @typedef {{rows: any[], after: string, isLoading: boolean, error: any}} Loaded `after`: cursor of the next page, "" after the last */

const PAGE = 200;
const TOGETHER_MS = 250;

/** @param {Filter} filter */
export function useOrders(filter) {
  const [state, setState] = useState(/** @type {Loaded} */ ({ rows: [], after: "", isLoading: true, error: null }));
  const loading = useRef(/** @type {AbortController | null} */ (null));
  const cursor = useRef("");
  const events = useRef(/** @type {any[]} */ ([]));
  const key = JSON.stringify(filter);

  const load = async (/** @type {boolean} */ isFirst) => {
    if (!isFirst && (loading.current || !cursor.current)) return;
    loading.current?.abort();
    const mine = new AbortController();
    loading.current = mine;
    setState((before) => ({ ...before, isLoading: true, error: null }));
    try {
      const { rows, after } = await page(filter, isFirst ? "" : cursor.current, mine.signal);
      cursor.current = after;
      setState((before) => ({ rows: renewed([...(isFirst ? [] : before.rows), ...rows], events.current, filter), after, isLoading: false, error: null }));
    } catch (error) {
      if (!mine.signal.aborted) setState((before) => ({ ...before, isLoading: false, error }));
    } finally {
      if (loading.current === mine) loading.current = null;
    }
  };

  useEffect(() => {
    events.current = [];
    cursor.current = "";
    /** @type {any[]} */
    let fresh = [];
    const end = onOrders((event) => {
      if (event.type === "order_event") fresh.push(event.order);
    });
    const timer = setInterval(() => {
      if (!fresh.length) return;
      const taken = fresh;
      fresh = [];
      if (loading.current) events.current.push(...taken);
      setState((before) => ({ ...before, rows: renewed(before.rows, taken, filter) }));
    }, TOGETHER_MS);
    load(true);
    return () => {
      end();
      clearInterval(timer);
      loading.current?.abort();
    };
  }, [key]);
  const change = (/** @type {any} */ order) => setState((before) => ({ ...before, rows: renewed(before.rows, [order], filter) }));
  return { ...state, more: () => load(false), again: () => load(true), change };
}

/** @param {Filter} filter @param {string} after @param {AbortSignal} [signal] @returns {Promise<{rows: any[], after: string}>} */
export async function page(filter, after, signal) {
  const { status, exchange, symbol, side } = filter;
  const { body, headers } = await ask("GET", "orders", { query: { status, exchange, symbol, side, limit: PAGE, after }, signal });
  return { rows: body, after: nextPage(headers) };
}

/** Every order that fits, for a file. @param {Filter} filter @param {(count: number) => void} tell @returns {Promise<any[]>} */
export async function every(filter, tell) {
  /** @type {any[]} */
  const all = [];
  let after = "";
  do {
    const found = await page(filter, after);
    all.push(...found.rows);
    after = found.after;
    tell(all.length);
  } while (after);
  return all;
}
