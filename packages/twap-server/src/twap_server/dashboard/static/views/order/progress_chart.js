// What the schedule asked for, beside what was filled.

import { useMemo } from "preact/hooks";
import { html } from "../../core/html.js";
import { color } from "../../core/theme.js";
import { Chart } from "./chart.js";
import { progress, secondsOf } from "./points.js";

/** @param {{order: any, happened: import("./loading.js").Happened, base: string}} props */
export function ProgressChart({ order, happened, base }) {
  const data = useMemo(() => progress(happened.slices, order), [happened]);
  /** @type {[number, number]} */
  const range = [secondsOf(order.start_time), Math.max(secondsOf(order.start_time) + 1, secondsOf(order.end_time))];
  const most = Number(order.quantity) * 1.05 || 1;
  const step = (/** @type {any} */ chart, /** @type {number} */ series, /** @type {number} */ from, /** @type {number} */ to) =>
    /** @type {any} */ (window).uPlot.paths.stepped({ align: 1 })(chart, series, from, to);
  return html`
    <${Chart} label=${`Filled beside the schedule (${base})`} height=${160} data=${data} range=${range} revision=${order.quantity}
      words=${`${order.filled_quantity} of ${order.quantity} ${base} are filled.`} yRange=${() => /** @type {[number, number]} */ ([0, most])}
      series=${() => [{ stroke: color("soft"), dash: [6, 4], width: 1.5, paths: step, points: { show: false } }, { stroke: color(order.side), width: 2, paths: step, points: { show: false } }]} />
    <p class="hint legend"><span class=${order.side}>━</span> filled · <span class="soft">╌</span> schedule</p>
  `;
}
