// The view `#/order/TOKEN`: one order, live, and its report.

import { useState } from "preact/hooks";
import { Problem } from "../../core/api.js";
import { isLost } from "../../core/feed.js";
import { assets, grouped } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { isOpen } from "../../core/orders.js";
import { link, setQuery } from "../../core/router.js";
import { style } from "../../core/style.js";
import { ProblemText } from "../../parts/problem.js";
import { Actions } from "./actions.js";
import { Events, Fills } from "./events.js";
import { Head } from "./head.js";
import { LARGE, useOrder } from "./loading.js";
import { PriceChart } from "./price_chart.js";
import { ProgressChart } from "./progress_chart.js";
import { Report } from "./report.js";
import { Seen, Slices } from "./slices.js";

style("views/order/order.css");

/** @param {{args: string[], query: Record<string, string>}} props `query.slice`: the chosen one, counted from 0 */
export default function View({ args, query }) {
  const token = args[0] || "";
  const { order, error, happened, lastSeq, take, reload } = useOrder(token);
  const choose = (/** @type {string} */ index) => setQuery({ slice: index === query.slice ? "" : index });
  if (error && !order) {
    const isUnknown = error instanceof Problem && error.status === 404;
    return html`<h1 class="visually-hidden">Order</h1><${ProblemText} error=${error} onRetry=${isUnknown ? undefined : reload} /><p><a href=${link(["orders"])}>Your orders</a></p>`;
  }
  if (!order) return html`<h1 class="visually-hidden">Order</h1><p class="starting">Loading…</p>`;
  const [base] = assets(order.instrument || order.symbol);
  const seen = happened?.slices.find((one) => one.index === query.slice);
  return html`
    <div class=${classes("order-page", isLost() && "outdated")}>
      <${Head} order=${order}><${Actions} order=${order} take=${take} reload=${reload} /><//>
      ${happened && order.start_time ? html`
        <section class="card charts" aria-label="Charts">
          <${PriceChart} order=${order} happened=${happened} chosen=${query.slice || ""} onChoose=${choose} />
          ${Number(order.slice_count) > LARGE ? html`<p class="hint">Of ${grouped(order.slice_count)} slices the newest 1,000 are drawn.</p>` : html`<${ProgressChart} order=${order} happened=${happened} base=${base} />`}
        </section>
        ${seen ? html`<${Seen} order=${order} slice=${seen} fills=${happened.fills} onClose=${() => setQuery({ slice: "" })} />` : null}
        ${happened.report && !isOpen(order.status) ? html`<${Report} order=${order} report=${happened.report} />` : null}
        <div class="order-tables">
          <${Slices} order=${order} slices=${happened.slices} chosen=${query.slice || ""} onChoose=${choose} />
          <${Events} order=${order} lastSeq=${lastSeq} />
          <${Fills} order=${order} fills=${happened.fills} />
        </div>
        ${happened.report && isOpen(order.status) ? html`<${Report} order=${order} report=${happened.report} />` : null}
      ` : order.start_time ? html`<p class="starting">Loading what happened…</p>` : null}
    </div>
  `;
}
