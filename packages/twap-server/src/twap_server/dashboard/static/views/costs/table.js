// The closed orders and what each cost.

import { assets, grouped, money, plain, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { link } from "../../core/router.js";
import { Time } from "../../parts/time.js";
import { OrderStatus } from "../../parts/status.js";
import { VirtualList } from "../../parts/virtual_list.js";

const HEIGHT = 36;
/** Heading, what it means, and the field. @type {[string, string, string][]} */
const FIGURES = [
  ["shortfall", "the whole, against the decision price, what was not filled included", "shortfall_bps"], ["timing", "the market moved while slices waited", "timing_bps"], ["spread", "from the middle to the best price", "spread_bps"],
  ["depth", "levels behind the best one", "depth_bps"], ["fees", "taker fees", "fees_bps"], ["unfilled", "valued at the end's mid", "opportunity_bps"],
  ["slippage", "average price against the arrival price", "slippage_bps"], ["expected", "spread, depth and fees, as expected at acceptance", "forecast_bps"], ["came to", "spread, depth and fees of what was filled", "trading_bps"],
];

/** @param {{orders: any[], onNearEnd: () => void}} props */
export function Table({ orders, onNearEnd }) {
  const row = (/** @type {number} */ at) => {
    const one = orders[at];
    const [base, quote] = assets(one.instrument || one.symbol);
    return html`
      <div key=${one.token_id} role="row" class="cost-row" style=${{ height: `${HEIGHT}px` }}>
        <span role="cell"><a href=${link(["order", one.token_id])} title=${one.token_id}><span class=${one.side}>${one.side}</span> ${grouped(one.filled_quantity)} ${base}</a></span>
        <span role="cell" class="soft">${one.instrument || one.symbol} · ${one.exchange}</span>
        <span role="cell"><${OrderStatus} status=${one.status} /></span>
        <span role="cell"><${Time} iso=${one.ended} /></span>
        <span role="cell" class="number" title=${`${plain(one.notional)} ${quote}, exactly`}>${money(one.notional)} <span class="unit">${quote}</span></span>
        <span role="cell" class="number" title=${one.shortfall === null ? "" : `${plain(one.shortfall)} ${quote}, exactly`}>${one.shortfall === null ? "–" : html`${money(one.shortfall)} <span class="unit">${quote}</span>`}</span>
        ${FIGURES.map(([, , name]) => html`<span role="cell" class="number" title=${one[name] ?? ""}>${one.pending ? "…" : signed(one[name])}</span>`)}
      </div>
    `;
  };
  return html`
    <div class="costs-table" role="table" aria-label="Closed orders" aria-rowcount=${orders.length + 1}>
      <div role="rowgroup"><div role="row" class="cost-row head">
        ${["filled", "instrument", "state", "ended"].map((words) => html`<span role="columnheader">${words}</span>`)}
        <span role="columnheader" class="number" title="quote currency">notional</span><span role="columnheader" class="number" title="quote currency">cost</span>
        ${FIGURES.map(([words, meaning]) => html`<span role="columnheader" class="number" title=${meaning}>${words}</span>`)}
      </div></div>
      <${VirtualList} count=${orders.length} rowHeight=${HEIGHT} row=${row} label="Closed orders" onNearEnd=${onNearEnd} />
    </div>
  `;
}
