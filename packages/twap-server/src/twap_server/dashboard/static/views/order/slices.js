// The slices that are over, newest first, with why they missed; and what one of them saw.

import { assets, grouped, plain, signed } from "../../core/format.js";
import { big } from "../../core/exact.js";
import { classes, html } from "../../core/html.js";
import { inWords, isOfOneDay } from "../../core/orders.js";
import { span } from "../../core/time.js";
import { Time } from "../../parts/time.js";
import { VirtualList } from "../../parts/virtual_list.js";
import { price } from "./head.js";

/** @typedef {import("./loading.js").Row} Row */

const HEIGHT = 34;

/** @param {{order: any, slices: Row[], chosen: string, onChoose: (index: string) => void}} props */
export function Slices({ order, slices, chosen, onChoose }) {
  const [base, quote] = assets(order.instrument || order.symbol);
  const rows = [...slices].reverse();
  const place = rows.findIndex((one) => one.index === chosen);
  const toCome = Number(order.slice_count) - Number(slices[slices.length - 1]?.index ?? -1) - 1;
  const row = (/** @type {number} */ at) => {
    const one = rows[at];
    return html`
      <div key=${one.index} role="row" class=${classes("table-row", one.index === chosen && "chosen")} style=${{ height: `${HEIGHT}px` }}>
        <span role="cell"><button type="button" class="quiet" aria-label=${`Slice ${Number(one.index) + 1}: what it saw`} aria-pressed=${one.index === chosen} onClick=${() => onChoose(one.index)}>${Number(one.index) + 1}</button></span>
        <span role="cell"><${Time} iso=${one.due_time} isClock=${isOfOneDay(order)} /></span>
        <span role="cell" class=${one.outcome === "missed" ? "bad" : ""} title=${inWords(one.reason)}>${one.outcome}${one.reason ? html`<span class="soft"> · ${inWords(one.reason)}</span>` : null}</span>
        <span role="cell" class="number">${plain(one.filled_quantity)} <span class="soft of">of ${plain(one.wanted_quantity)}</span></span>
        <span role="cell" class="number">${price(one.average_price)}</span>
      </div>
    `;
  };
  return html`
    <section class="card" aria-label="Slices">
      <h2>Slices <span class="soft">${grouped(String(rows.length))} over${toCome > 0 && order.status !== "Canceled" ? `, ${grouped(String(toCome))} to come` : ""}</span></h2>
      ${rows.length ? html`<div role="table" class="table slice-table" aria-label="Slices" aria-rowcount=${rows.length + 1}>
        <div role="rowgroup"><div role="row" class="table-row head">
          ${["slice", "due", "outcome", `filled (${base})`, `average (${quote})`].map((words, at) => html`<span role="columnheader" class=${at > 2 ? "number" : ""}>${words}</span>`)}
        </div></div>
        <${VirtualList} count=${rows.length} rowHeight=${HEIGHT} row=${row} label="Slices" shown=${place} />
      </div>` : html`<p class="soft">No slice is over yet.</p>`}
    </section>
  `;
}

/** What a slice saw and took. @param {{order: any, slice: Row, fills: Row[], onClose: () => void}} props */
export function Seen({ order, slice, fills, onClose }) {
  const [base, quote] = assets(order.instrument || order.symbol);
  const mine = fills.filter((one) => one.slice === slice.index);
  const late = slice.decided_time ? Date.parse(slice.decided_time) - Date.parse(slice.due_time) : null;
  const fact = (/** @type {string} */ name, /** @type {any} */ value) => html`<div><dt>${name}</dt><dd class="number">${value}</dd></div>`;
  return html`
    <section class="card seen" aria-label=${`Slice ${Number(slice.index) + 1}`} aria-live="polite">
      <div class="row"><h2 class="grow">Slice ${Number(slice.index) + 1}: ${slice.outcome}</h2><button type="button" class="quiet" onClick=${onClose} aria-label="Close">×</button></div>
      ${slice.reason ? html`<p>${inWords(slice.reason)}</p>` : null}
      <dl class="facts">
        ${fact("Due", html`<${Time} iso=${slice.due_time} />`)}
        ${late === null ? null : fact("Decided", `${span(late)} later`)}
        ${fact("Wanted", `${plain(slice.wanted_quantity)} ${base}`)} ${fact("Filled", `${plain(slice.filled_quantity)} ${base}`)}
        ${fact("Mid", slice.mid ? `${grouped(slice.mid)} ${quote}` : "no book")}
        ${fact("Touch", slice.touch ? `${grouped(slice.touch)} ${quote}${slice.touch_exchange ? `, ${slice.touch_exchange}` : ""}` : "–")}
        ${fact("Book's last change", slice.book_age_ms ? `${span(Number(slice.book_age_ms))} before` : "–")}
        ${slice.traded_volume ? fact("Others traded since the slice before", `${plain(slice.traded_volume)} ${base}`) : null}
      </dl>
      ${mine.length ? html`
        <div class="scroll" tabindex="0" role="region" aria-label="Levels taken"><table>
          <thead><tr><th scope="col">level taken</th><th scope="col" class="number">price (${quote})</th><th scope="col" class="number">quantity (${base})</th><th scope="col" class="number">from the mid</th></tr></thead>
          <tbody>${mine.map((one) => html`<tr><td>${one.exchange}</td><td class="number">${grouped(one.price)}</td><td class="number">${plain(one.quantity)}</td><td class="number">${slice.mid ? `${signed(away(one.price, slice.mid, order.side))} bps` : "–"}</td></tr>`)}</tbody>
        </table></div>` : null}
    </section>
  `;
}

/** How much worse than the mid a price is, in bps. @param {string} paid @param {string} mid @param {string} side */
function away(paid, mid, side) {
  return big(paid).minus(big(mid)).times(side === "buy" ? 10_000 : -10_000).div(big(mid)).toFixed(6);
}
