// One order with what happened to it: the order and its events live, its slices, fills and samples as the report has them.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { parsed } from "../../core/csv.js";
import { onOrders } from "../../core/feed.js";
import { isOpen, placeOf } from "../../core/orders.js";

/** More slices than this are shown a part at a time: the newest. */
export const LARGE = 5_000;
const AGAIN_MS = 4_000;
/** After a slice the charts are drawn anew soon, but no more often than this. */
const SOON_MS = 2_000;
/** A large order is looked at again only every so many times: its report is long work. */
const LARGE_EVERY = 6;
const NEWEST = 1_000;
/** After the end, mark-outs still come for a minute. */
const AFTER_END_MS = [1_500, 12_000, 62_000];

/** @typedef {Record<string, string>} Row a row of a table of the report; empty text: not known */
/** @typedef {{slices: Row[], fills: Row[], samples: Row[], report: any}} Happened */

/** @param {string} token */
export function useOrder(token) {
  const [order, setOrder] = useState(/** @type {any} */ (null));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [happened, setHappened] = useState(/** @type {Happened | null} */ (null));
  const [lastSeq, setLastSeq] = useState("0");
  const latest = useRef(/** @type {any} */ (null));
  const take = (/** @type {any} */ fresh) => {
    latest.current = fresh;
    setOrder(fresh);
  };
  const reload = () => get(placeOf(token), { slices: 0, fills: 0 }).then(withoutTables).then(take, setError);

  useEffect(() => {
    let isDirty = true;
    let isOver = false;
    let isBusy = false;
    let round = 0;
    let begun = 0;
    let soon = 0;
    const look = async () => {
      if (isOver || isBusy || !latest.current || !(isDirty || isOpen(latest.current.status)) || document.hidden) return;
      round += 1;
      if (Number(latest.current.slice_count) > LARGE && isOpen(latest.current.status) && round % LARGE_EVERY !== 1) return;
      isBusy = true;
      begun = performance.now();
      isDirty = false;
      const made = await happenedTo(token, latest.current).catch(() => null);
      isBusy = false;
      if (made && !isOver) setHappened(made);
    };
    const end = onOrders((event) => {
      if (event.type !== "order_event" || event.token_id !== token) return;
      take(event.order);
      setLastSeq(event.seq);
      isDirty = true;
      soon ||= setTimeout(() => { soon = 0; look(); }, Math.max(200, begun + SOON_MS - performance.now()));
      if (event.event === "ended") AFTER_END_MS.forEach((ms) => setTimeout(() => { isDirty = true; look(); }, ms));
    });
    setOrder(null);
    setError(null);
    setHappened(null);
    reload().then(look);
    const timer = setInterval(look, AGAIN_MS);
    return () => {
      isOver = true;
      end();
      clearInterval(timer);
      clearTimeout(soon);
    };
  }, [token]);
  return { order, error, happened, lastSeq, take, reload };
}

/** @param {any} detail */
function withoutTables(detail) {
  const { slices, fills, report, ...order } = detail;
  return order;
}

/** @param {string} token @param {any} order @returns {Promise<Happened>} */
export async function happenedTo(token, order) {
  const place = `${placeOf(token)}/report`;
  const isLarge = Number(order.slice_count) > LARGE;
  const table = (/** @type {string} */ name, /** @type {number | ""} */ latest = "") => get(place, { format: "csv", table: name, latest }).then(parsed);
  const some = isLarge ? NEWEST : "";
  const [report, samples, slices, fills] = await Promise.all([get(place), table("samples"), table("slices", some), table("fills", some)]);
  return { report, samples, slices, fills };
}
