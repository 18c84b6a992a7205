// Closed orders and what they cost: the first page with the sums at once, more pages for the charts, up to a bound.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { onOrders } from "../../core/feed.js";

/** @typedef {{exchange: string, symbol: string, side: string, from: string, to: string}} Filter `from`, `to`: days, local */
/** @typedef {{orders: any[], summary: any, next: string, isLoading: boolean, error: any}} Loaded */

const PAGE = 500;
export const AT_ONCE = 1_000;
const AGAIN_MS = 2_000;

/** @param {Filter} filter @returns {Record<string, unknown>} the query of `GET /costs` */
export function queryOf({ exchange, symbol, side, from, to }) {
  const start = from ? new Date(`${from}T00:00:00`) : null;
  const end = to ? new Date(`${to}T00:00:00`) : null;
  if (end) end.setDate(end.getDate() + 1);
  const iso = (/** @type {Date | null} */ at) => (at && !Number.isNaN(at.getTime()) ? at.toISOString() : "");
  return { exchange, symbol, side, start_time: iso(start), end_time: iso(end) };
}

/** @param {Filter} filter */
export function useCosts(filter) {
  const [state, setState] = useState(/** @type {Loaded} */ ({ orders: [], summary: null, next: "", isLoading: true, error: null }));
  const [round, setRound] = useState(0);
  const wanted = useRef(AT_ONCE);
  const key = JSON.stringify(filter);
  useEffect(() => {
    wanted.current = AT_ONCE;
  }, [key]);
  useEffect(() => {
    const control = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const load = async () => {
      setState((before) => ({ ...before, isLoading: true, error: null }));
      /** @type {any[]} */
      let orders = [];
      let summary = null;
      let after = "";
      do {
        const page = await get("costs", { ...queryOf(filter), limit: PAGE, after }, control.signal);
        orders = [...orders, ...page.orders];
        summary = page.summary || summary;
        after = page.next || "";
        setState({ orders, summary, next: after, isLoading: after !== "" && orders.length < wanted.current, error: null });
      } while (after && orders.length < wanted.current);
      if (Number(summary?.pending)) timer = setTimeout(() => setRound((before) => before + 1), AGAIN_MS);
    };
    load().catch((error) => control.signal.aborted || setState((before) => ({ ...before, isLoading: false, error })));
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [key, round]);
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const end = onOrders((event) => {
      if (event.event !== "ended") return;
      clearTimeout(timer);
      timer = setTimeout(() => setRound((before) => before + 1), AGAIN_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, []);
  const more = () => {
    wanted.current += AT_ONCE;
    setRound((before) => before + 1);
  };
  return { ...state, more, again: () => setRound((before) => before + 1) };
}

/** Every order that fits, for a file. @param {Filter} filter @returns {Promise<any[]>} */
export async function every(filter) {
  /** @type {any[]} */
  const all = [];
  let after = "";
  do {
    const page = await get("costs", { ...queryOf(filter), limit: PAGE, after });
    all.push(...page.orders);
    after = page.next || "";
  } while (after);
  return all;
}
