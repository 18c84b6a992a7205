// One order in the list: what it is, how far it is, its price beside the market, what can be done.

import { aligned, assets, grouped, plain, rounded, signed } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { inWords, isOpen } from "../../core/orders.js";
import { realismWords } from "../../core/realism.js";
import { link } from "../../core/router.js";
import { strategyWords } from "../../core/strategies.js";
import { now, relative } from "../../core/time.js";
import { OrderStatus, Progress } from "../../parts/status.js";
import { Time } from "../../parts/time.js";
import { behind, bookOf } from "./mids.js";

/**
 * @param {{order: any, index: number, height: number, isChosen: boolean, middle: string, onChoose: () => void, onCancel: () => void, onPause: () => void}} props
 *   `middle`: the mid of its book, "" where there is none
 */
export function Row({ order, index, height, isChosen, middle, onChoose, onCancel, onPause }) {
  const [base, quote] = assets(order.instrument || order.symbol);
  const open = isOpen(order.status);
  const words = `${order.side} ${order.quantity} ${base}, ${order.exchange}`;
  return html`
    <div class=${classes("order-row", isChosen && "chosen")} role="row" aria-rowindex=${index + 2} style=${{ height: `${height}px` }} onFocusIn=${onChoose}>
      <span role="cell" class="state"><${OrderStatus} status=${order.status} /></span>
      <span role="cell" class="what">
        <a href=${link(["order", order.token_id])} data-row=${index} title=${order.token_id}>
          <span class=${order.side}>${order.side}</span> ${grouped(order.quantity)} ${base} <span class="soft">${base === quote ? "" : order.instrument || order.symbol}</span>
        </a>
        <span class="soft cut">${order.exchange} · ${strategyWords(order)}${order.realism === "ideal" || !order.realism ? "" : ` · ${realismWords(order.realism)}`}${order.limit_price === null ? "" : ` · limit ${grouped(order.limit_price)}`} · ${order.token_id}</span>
      </span>
      <span role="cell" class="done-cell"><${Progress} filled=${order.filled_quantity} quantity=${order.quantity} label=${`filled of ${words}`} />
        <span class="soft cut">${plain(order.filled_quantity)} ${base}${order.reason ? ` · ${inWords(order.reason)}` : ""}</span></span>
      <span role="cell" class="price number">${priceOf(order, quote, middle)}</span>
      <span role="cell" class="when">${whenOf(order, open)}</span>
      <span role="cell" class="acts">
        ${open ? html`
          <button type="button" class="quiet" onClick=${onPause} aria-label=${`${order.status === "Paused" ? "Resume" : "Pause"} ${words}`}>${order.status === "Paused" ? "Resume" : "Pause"}</button>
          <button type="button" class="quiet danger" onClick=${onCancel} aria-label=${`Cancel ${words}`}>Cancel</button>` : null}
      </span>
    </div>
  `;
}

/** @param {any} order @param {string} quote @param {string} middle */
function priceOf(order, quote, middle) {
  if (order.average_price === null) return html`<span class="soft">–</span>`;
  const decimals = Math.min(8, Math.max(2, 6 - Math.floor(Math.log10(Number(order.average_price) || 1))));
  const worse = middle && isOpen(order.status) ? behind(order, middle) : "";
  return html`
    <span title=${`${order.average_price} ${quote}, exactly`}>${aligned(rounded(order.average_price, decimals), decimals)} <span class="unit">${quote}</span></span>
    ${worse ? html`<span class="soft" title="its average price beside the mid of now; above 0: worse than the mid">${signed(worse)} bps to mid</span>` : null}
  `;
}

/** @param {any} order @param {boolean} open */
function whenOf(order, open) {
  if (!order.start_time) return html`<span class="soft"><${Time} iso=${order.creation_time} /></span>`;
  if (!open) return html`<${Time} iso=${order.creation_time} /><span class="soft">placed</span>`;
  const isToCome = Date.parse(order.start_time) > now.value;
  const iso = isToCome ? order.start_time : order.end_time;
  return html`<${Time} iso=${iso} /><span class="soft">${isToCome ? "starts" : "ends"} ${relative(iso)}</span>`;
}
