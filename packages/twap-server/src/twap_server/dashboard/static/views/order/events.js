// What happened to the order, newest first; and its fills.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { assets, grouped, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { inWords, placeOf } from "../../core/orders.js";
import { Time } from "../../parts/time.js";
import { VirtualList } from "../../parts/virtual_list.js";

const PAGE = 1_000;
/** So many pages of one order's events are kept; the command line and the API have all. */
const MOST_PAGES = 20;
const EVERY_MS = 700;
const HEIGHT = 34;

/** @typedef {{seq: string, time: string, event: string, words: string}} Line */

/**
 * Events as they come, a page at a time, each asked for once.
 * @param {any} order @param {string} lastSeq of the stream: a new one means that there is more
 * @returns {Line[]} oldest first
 */
function useEvents(order, lastSeq) {
  const [lines, setLines] = useState(/** @type {Line[]} */ ([]));
  const told = useRef(lastSeq);
  told.current = lastSeq;
  useEffect(() => {
    const control = new AbortController();
    const [base] = assets(order.instrument || order.symbol);
    let since = "0";
    let seen = "";
    let pages = 0;
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const look = async () => {
      let isMore = seen !== told.current;
      seen = told.current;
      while (isMore && pages < MOST_PAGES) {
        const page = await get(`${placeOf(order.token_id)}/events`, { since, limit: PAGE }, control.signal);
        const fresh = page.map((/** @type {any} */ one) => ({ seq: one.seq, time: one.time, event: one.event, words: inShort(one, base) }));
        since = fresh[fresh.length - 1]?.seq ?? since;
        isMore = page.length === PAGE;
        if (isMore) pages += 1;
        setLines((before) => [...before, ...fresh]);
      }
    };
    const loop = () => look().catch(() => (seen = "")).finally(() => control.signal.aborted || (timer = setTimeout(loop, EVERY_MS)));
    setLines([]);
    loop();
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [order.token_id]);
  return lines;
}

/** @param {{order: any, lastSeq: string}} props */
export function Events({ order, lastSeq }) {
  const rows = [...useEvents(order, lastSeq)].reverse();
  const row = (/** @type {number} */ at) => html`
    <div key=${rows[at].seq} role="row" class="table-row" style=${{ height: `${HEIGHT}px` }}>
      <span role="cell"><${Time} iso=${rows[at].time} /></span><span role="cell">${rows[at].event}</span><span role="cell" class="soft" title=${rows[at].words}>${rows[at].words}</span>
    </div>
  `;
  return html`
    <section class="card" aria-label="Events">
      <h2>Events <span class="soft">${rows.length >= PAGE * MOST_PAGES ? "the first " : ""}${grouped(String(rows.length))}</span></h2>
      <div role="table" class="table event-table" aria-label="Events"><${VirtualList} count=${rows.length} rowHeight=${HEIGHT} row=${row} label="Events" /></div>
    </section>
  `;
}

/** @param {any} event @param {string} base */
function inShort(event, base) {
  const { slice, order } = event;
  if (slice) return `slice ${Number(slice.index) + 1} ${slice.outcome}: ${plain(slice.filled_quantity)} of ${plain(slice.wanted_quantity)} ${base}${slice.reason ? `, ${inWords(slice.reason)}` : ""}`;
  if (event.event === "amended") return `${plain(order.quantity)} ${base}, limit ${order.limit_price ?? "none"}, revision ${order.revision}`;
  if (event.event === "ended") return `${order.status}: ${plain(order.filled_quantity)} of ${plain(order.quantity)} ${base}`;
  return order.detail || "";
}

/** @param {{order: any, fills: import("./loading.js").Row[]}} props */
export function Fills({ order, fills }) {
  const [base, quote] = assets(order.instrument || order.symbol);
  const rows = [...fills].reverse();
  const row = (/** @type {number} */ at) => html`
    <div key=${rows[at].fill_id} role="row" class="table-row" style=${{ height: `${HEIGHT}px` }}>
      <span role="cell"><${Time} iso=${rows[at].time} /></span><span role="cell">${rows[at].exchange}</span>
      <span role="cell" class="number">${grouped(rows[at].price)}</span><span role="cell" class="number">${plain(rows[at].quantity)}</span><span role="cell" class="number">${plain(rows[at].fee)}</span>
    </div>
  `;
  return html`
    <section class="card" aria-label="Fills">
      <h2>Fills <span class="soft">${grouped(String(rows.length))}</span></h2>
      ${rows.length ? html`<div role="table" class="table fill-table" aria-label="Fills">
        <div role="rowgroup"><div role="row" class="table-row head">${["time", "exchange", `price (${quote})`, `quantity (${base})`, `fee (${quote})`].map((words, at) => html`<span role="columnheader" class=${at > 1 ? "number" : ""}>${words}</span>`)}</div></div>
        <${VirtualList} count=${rows.length} rowHeight=${HEIGHT} row=${row} label="Fills" />
      </div>` : html`<p class="soft">Nothing is filled yet.</p>`}
    </section>
  `;
}
