// What happened to the order, newest first; and its fills.

import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { assets, grouped, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { inWords, isOfOneDay, placeOf } from "../../core/orders.js";
import { Time } from "../../parts/time.js";
import { VirtualList } from "../../parts/virtual_list.js";

const PAGE = 500;
/** So many events are kept at most; older ones are asked for again. */
const MOST = 20_000;
const EVERY_MS = 700;
const HEIGHT = 34;

/** @typedef {{seq: string, time: string, event: string, words: string}} Line */
/** @typedef {{lines: Line[], hasOlder: boolean}} Known `lines`: oldest first */

/**
 * The newest events at once, those that come, and older ones when they are asked for; a page at a time.
 * @param {any} order @param {string} lastSeq of the stream: a new one means that there is more
 * @returns {Known & {older: () => void}}
 */
function useEvents(order, lastSeq) {
  const [known, setKnown] = useState(/** @type {Known} */ ({ lines: [], hasOlder: false }));
  const told = useRef(lastSeq);
  const asking = useRef(false);
  told.current = lastSeq;
  const [base] = assets(order.instrument || order.symbol);
  const page = async (/** @type {Record<string, unknown>} */ query, /** @type {AbortSignal} */ signal) => {
    const found = await get(`${placeOf(order.token_id)}/events`, { ...query, limit: PAGE }, signal);
    return found.map((/** @type {any} */ one) => ({ seq: one.seq, time: one.time, event: one.event, words: inShort(one, base) }));
  };
  useEffect(() => {
    const control = new AbortController();
    let since = "";
    let seen = "";
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const look = async () => {
      let isMore = seen !== told.current || !since;
      seen = told.current;
      while (isMore) {
        const isFirst = !since;
        const fresh = await page(isFirst ? { latest: true } : { since }, control.signal);
        since = fresh[fresh.length - 1]?.seq ?? since;
        isMore = !isFirst && fresh.length === PAGE;
        setKnown((before) => joined(before, fresh, isFirst));
      }
    };
    const loop = () => look().catch(() => (seen = "")).finally(() => control.signal.aborted || (timer = setTimeout(loop, EVERY_MS)));
    setKnown({ lines: [], hasOlder: false });
    loop();
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [order.token_id]);
  const older = () => {
    const before = known.lines[0]?.seq;
    if (!known.hasOlder || asking.current || known.lines.length >= MOST) return;
    asking.current = true;
    page({ before }, new AbortController().signal)
      .then((found) => setKnown((now) => (now.lines[0]?.seq === before ? { lines: [...found, ...now.lines], hasOlder: found.length === PAGE } : now)))
      .catch(() => undefined)
      .finally(() => (asking.current = false));
  };
  return { ...known, older };
}

/** @param {Known} before @param {Line[]} fresh @param {boolean} isFirst @returns {Known} */
function joined(before, fresh, isFirst) {
  const lines = [...before.lines, ...fresh];
  const isOver = lines.length > MOST;
  return { lines: isOver ? lines.slice(-MOST) : lines, hasOlder: isOver || before.hasOlder || (isFirst && fresh.length === PAGE) };
}

/** @param {{order: any, lastSeq: string}} props */
export function Events({ order, lastSeq }) {
  const { lines, hasOlder, older } = useEvents(order, lastSeq);
  const rows = [...lines].reverse();
  const row = (/** @type {number} */ at) => html`
    <div key=${rows[at].seq} role="row" class="table-row" style=${{ height: `${HEIGHT}px` }}>
      <span role="cell"><${Time} iso=${rows[at].time} /></span><span role="cell">${rows[at].event}</span><span role="cell" class="soft" title=${rows[at].words}>${rows[at].words}</span>
    </div>
  `;
  const count = `${hasOlder ? "the newest " : ""}${grouped(String(rows.length))}${hasOlder && rows.length < MOST ? ", older ones as you scroll" : ""}`;
  return html`
    <section class="card" aria-label="Events">
      <h2>Events <span class="soft">${count}</span></h2>
      <div role="table" class="table event-table" aria-label="Events"><${VirtualList} count=${rows.length} rowHeight=${HEIGHT} row=${row} label="Events" onNearEnd=${older} /></div>
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
      <span role="cell"><${Time} iso=${rows[at].time} isClock=${isOfOneDay(order)} /></span><span role="cell">${rows[at].exchange}</span>
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
