// The view `#/costs?exchange=&symbol=&side=&from=&to=`: what closed orders cost.

import { useMemo, useState } from "preact/hooks";
import { written } from "../../core/csv.js";
import { grouped, money, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { link, setQuery } from "../../core/router.js";
import { saveText } from "../../core/save.js";
import { style } from "../../core/style.js";
import { OrderFilter, setsQuery } from "../../parts/order_filter.js";
import { ProblemText } from "../../parts/problem.js";
import { Segments } from "../../parts/segments.js";
import { toast } from "../../parts/toasts.js";
import { Histogram } from "./histogram.js";
import { every, useCosts } from "./loading.js";
import { Scatter } from "./scatter.js";
import { Table } from "./table.js";

style("views/costs/costs.css");

/** @param {{query: Record<string, string>}} props */
export default function View({ query }) {
  const filter = { exchange: query.exchange || "", symbol: query.symbol || "", side: query.side || "", from: query.from || "", to: query.to || "" };
  const { orders, summary, next, isLoading, error, more, again } = useCosts(filter);
  const what = query.what === "whole" ? "whole" : "trading";
  const values = useMemo(() => orders.filter((one) => one.shortfall_bps !== null).map((one) => Number(one.shortfall_bps)), [orders]);
  const points = useMemo(() => orders.map((order) => pointOf(order, what)).filter((one) => one !== null), [orders, what]);
  return html`
    <h1 class="visually-hidden">Costs</h1>
    <${Filters} filter=${filter} />
    <${ProblemText} error=${error} onRetry=${again} />
    ${summary ? html`<${Sums} summary=${summary} />` : null}
    ${orders.length ? html`
      <div class="costs-charts">
        <section class="card" aria-label="Distribution"><h2>What orders cost</h2><${Histogram} values=${values} /></section>
        <section class="card" aria-label="Forecast">
          <h2>Expected against what it came to</h2>
          <${Segments} label="What it came to" value=${what} options=${[["trading", "spread, depth, fees"], ["whole", "the whole shortfall"]]} onChoose=${(/** @type {string} */ one) => setQuery({ what: one === "whole" ? one : "" })} />
          <${Scatter} points=${points} />
        </section>
      </div>
      <section class="card" aria-label="Orders"><h2>Closed orders <span class="soft">${grouped(String(orders.length))}${next ? " newest" : ""}</span></h2>
        <p class="hint">Shortfall and its parts in basis points (bps) of the order's value. Above 0 is a cost, below 0 a gain.</p>
        <${Table} orders=${orders} onNearEnd=${() => next && !isLoading && more()} /></section>`
      : html`<p class="starting">${isLoading ? "Loading…" : error ? "" : html`No closed orders here. <a href=${link(["ticket"])}>Write one</a>`}</p>`}
  `;
}

/** What was expected of an order and what it came to; null where one is not known. @param {any} order @param {string} what */
function pointOf(order, what) {
  const actual = what === "whole" ? order.shortfall_bps : order.trading_bps;
  if (order.forecast_bps === null || actual === null || Number(order.filled_quantity) === 0) return null;
  return { order, forecast: order.forecast_bps, actual };
}

/** @param {{summary: any}} props */
function Sums({ summary }) {
  const fact = (/** @type {string} */ name, /** @type {any} */ value, title = "") => html`<div title=${title}><dt>${name}</dt><dd class="number">${value}</dd></div>`;
  const sums = (/** @type {Record<string, string>} */ all) => Object.entries(all).map(([quote, sum]) => html`<span class="sum" title=${`${sum} ${quote}, exactly`}>${money(sum)} ${quote}</span>`);
  const expected = Object.entries(summary.forecast_by_quote || {});
  const means = Object.entries(summary.shortfall_bps_by_quote || {});
  return html`
    <section class="card sums" aria-label="Sums"><dl class="facts">
      ${fact("Orders", `${grouped(String(summary.orders))}, of them ${grouped(String(summary.filled_orders))} filled something`)}
      ${fact("Traded", sums(summary.notional_by_quote))} ${fact("Cost", sums(summary.shortfall_by_quote), "implementation shortfall; above 0 is a cost")}
      ${fact("Mean, by size", summary.shortfall_bps !== null ? `${signed(summary.shortfall_bps)} bps` : means.length ? means.map(([quote, one]) => html`<span class="sum">${signed(one)} bps (${quote})</span>`) : "–")}
      ${expected.length ? fact("Expected, came to", expected.map(([quote, one]) => html`<span class="sum" title=${`${one.orders} orders, ${quote}`}>${signed(one.forecast_bps)}, ${signed(one.trading_bps)} bps${expected.length > 1 ? ` (${quote})` : ""}</span>`), "spread, depth and fees of what was filled: at acceptance, and in the end; weighted by size") : null}
      ${fact("Median", `${signed(summary.median_bps)} bps`)} ${fact("Worst", `${signed(summary.worst_bps)} bps`)}
    </dl>
    ${Number(summary.pending) ? html`<p class="hint" role="status">${summary.pending} orders are still being computed.</p>` : null}
    ${Number(summary.unpriced) ? html`<p class="hint">${summary.unpriced} orders have no known cost: a price was never measured.</p>` : null}
    </section>
  `;
}

/** @param {{filter: import("./loading.js").Filter}} props */
function Filters({ filter }) {
  const [isBusy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    await every(filter).then((all) => saveText("costs.csv", csvOf(all), "text/csv"), (error) => toast(error.message, "bad"));
    setBusy(false);
  };
  return html`
    <div class="row filters" role="group" aria-label="Filter">
      <${OrderFilter} filter=${filter} />
      <label>from <input type="date" value=${filter.from} onChange=${setsQuery("from")} /></label>
      <label>to <input type="date" value=${filter.to} onChange=${setsQuery("to")} /></label>
      <span class="grow"></span>
      <button type="button" disabled=${isBusy} onClick=${save} title="All orders that fit the filter">${isBusy ? "…" : "CSV"}</button>
    </div>
  `;
}

/** @param {any[]} orders @returns {string} every field that the server gave, exactly */
function csvOf(orders) {
  const header = [...new Set(orders.flatMap((one) => Object.keys(one)))];
  return written(header, orders.map((one) => header.map((name) => (one[name] === null || one[name] === undefined ? "" : String(one[name])))));
}
