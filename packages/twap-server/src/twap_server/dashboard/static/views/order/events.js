// What happened to the order, newest first; and its fills.

import { useEffect, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { assets, grouped, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { inWords, placeOf } from "../../core/orders.js";
import { Time } from "../../parts/time.js";
import { VirtualList } from "../../parts/virtual_list.js";

const PAGE = 1_000;
const HEIGHT = 34;

/** Events as they come: all of those before are asked for a page at a time, once. @param {string} token @param {string} lastSeq of the stream */
function useEvents(token, lastSeq) {
  const [events, setEvents] = useState(/** @type {any[]} */ ([]));
  useEffect(() => {
    const control = new AbortController();
    const load = async () => {
      let since = events.length && events[0].token_id === token ? events[events.length - 1].seq : "0";
      /** @type {any[]} */
      let page;
      do {
        page = await get(`${placeOf(token)}/events`, { since, limit: PAGE }, control.signal);
        if (control.signal.aborted) return;
        const fresh = page;
        since = fresh[fresh.length - 1]?.seq ?? since;
        setEvents((before) => [...before.filter((one) => one.token_id === token && !fresh.some((other) => other.seq === one.seq)), ...fresh]);
      } while (page.length === PAGE);
    };
    const timer = setTimeout(() => load().catch(() => undefined), 300);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [token, lastSeq]);
  return events;
}

/** @param {{order: any, lastSeq: string}} props */
export function Events({ order, lastSeq }) {
  const rows = [...useEvents(order.token_id, lastSeq)].reverse();
  const [base] = assets(order.instrument || order.symbol);
  const row = (/** @type {number} */ at) => html`
    <div key=${rows[at].seq} role="row" class="table-row" style=${{ height: `${HEIGHT}px` }}>
      <span role="cell"><${Time} iso=${rows[at].time} /></span><span role="cell">${rows[at].event}</span><span role="cell" class="soft">${told(rows[at], base)}</span>
    </div>
  `;
  return html`
    <section class="card" aria-label="Events">
      <h2>Events <span class="soft">${grouped(String(rows.length))}</span></h2>
      <div role="table" class="table event-table" aria-label="Events"><${VirtualList} count=${rows.length} rowHeight=${HEIGHT} row=${row} label="Events" /></div>
    </section>
  `;
}

/** @param {any} event @param {string} base */
function told(event, base) {
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
