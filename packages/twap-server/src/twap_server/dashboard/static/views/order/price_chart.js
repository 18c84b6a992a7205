// Price over the order's time: the mid, the limit and what lies beyond it, a bubble a slice.

import { useMemo } from "preact/hooks";
import { html } from "../../core/html.js";
import { color } from "../../core/theme.js";
import { Chart } from "./chart.js";
import { bubbles, mids, nearest, secondsOf } from "./points.js";

/** @param {{order: any, happened: import("./loading.js").Happened, chosen: string, onChoose: (index: string) => void}} props */
export function PriceChart({ order, happened, chosen, onChoose }) {
  const line = useMemo(() => mids(happened.samples, happened.slices), [happened]);
  const dots = useMemo(() => bubbles(happened.slices, line), [happened]);
  const largest = Math.max(1e-18, ...dots.map((one) => one.filled));
  const limit = order.limit_price === null ? null : Number(order.limit_price);
  const above = (/** @type {any} */ chart) => drawBubbles(chart, dots, largest, order.side, chosen);
  const below = (/** @type {any} */ chart) => limit !== null && band(chart, limit, order.side);
  const pick = (/** @type {any} */ chart, /** @type {number} */ x, /** @type {number} */ y) => {
    const found = nearest(dots, (one) => Math.hypot(chart.valToPos(one.x, "x") - x, chart.valToPos(one.y, "y") - y));
    if (found) onChoose(found.row.index);
  };
  const missed = dots.filter((one) => one.isMissed).length;
  const words = `${dots.length - missed} slices filled, ${missed} missed${limit === null ? "" : `, limit ${order.limit_price}`}. The table of slices has every figure.`;
  /** @type {[number, number]} */
  const range = [secondsOf(order.start_time), Math.max(secondsOf(order.start_time) + 1, secondsOf(order.end_time))];
  return html`
    <${Chart} label="Price: mid, limit, slices" height=${280} data=${line} words=${words} range=${range} revision=${`${chosen} ${dots.length} ${order.limit_price}`}
      series=${() => [{ stroke: color("soft"), width: 1.5, points: { show: false } }]} hooks=${{ above, below }} onPick=${pick} yRange=${(/** @type {number} */ low, /** @type {number} */ high) => around(low, high, dots)} />
    <p class="hint legend"><span class=${order.side}>●</span> filled, larger: more · <span class="bad">○</span> missed · line: mid${limit === null ? "" : " · shaded: beyond the limit"} · click a bubble for what its slice saw</p>
  `;
}

/** @param {number} low @param {number} high @param {import("./points.js").Bubble[]} dots @returns {[number, number]} */
export function around(low, high, dots) {
  const ys = dots.map((one) => one.y);
  const least = Math.min(low ?? Infinity, ...ys);
  const most = Math.max(high ?? -Infinity, ...ys);
  if (!Number.isFinite(least)) return [0, 1];
  const air = (most - least) * 0.1 || Math.abs(most) * 1e-5 || 1;
  return [least - air, most + air];
}

/** @param {any} chart @param {import("./points.js").Bubble[]} dots @param {number} largest what the fullest of them filled @param {string} side @param {string} chosen @param {number} [crowd] how many would fill the chart */
export function drawBubbles(chart, dots, largest, side, chosen, crowd = dots.length) {
  const { ctx } = chart;
  const ratio = devicePixelRatio;
  const room = Math.min(10, Math.max(2.5, (0.7 * chart.bbox.width) / ratio / Math.max(1, crowd))); // many stay apart
  const radius = (/** @type {number} */ filled) => room * (0.3 + 0.7 * Math.sqrt(filled / largest));
  ctx.save();
  ctx.beginPath();
  const edge = 12 * ratio; // the first and the last bubble are whole
  ctx.rect(chart.bbox.left - edge, chart.bbox.top, chart.bbox.width + 2 * edge, chart.bbox.height);
  ctx.clip();
  for (const one of dots) {
    ctx.beginPath();
    ctx.arc(chart.valToPos(one.x, "x", true), chart.valToPos(one.y, "y", true), radius(one.filled) * ratio, 0, 2 * Math.PI);
    ctx.lineWidth = (one.row.index === chosen ? 3 : 1.5) * ratio;
    ctx.strokeStyle = one.row.index === chosen ? color("mine") : one.isMissed ? color("bad") : color(side);
    if (!one.isMissed) {
      ctx.globalAlpha = 0.45;
      ctx.fillStyle = color(side);
      ctx.fill();
      ctx.globalAlpha = 1;
    }
    ctx.stroke();
  }
  ctx.restore();
}

/** Shade what lies beyond the limit. @param {any} chart @param {number} limit @param {string} side */
export function band(chart, limit, side) {
  const { ctx, bbox } = chart;
  const y = Math.min(bbox.top + bbox.height, Math.max(bbox.top, chart.valToPos(limit, "y", true)));
  ctx.save();
  ctx.fillStyle = color("bad-soft");
  ctx.globalAlpha = 0.6;
  if (side === "buy") ctx.fillRect(bbox.left, bbox.top, bbox.width, y - bbox.top);
  else ctx.fillRect(bbox.left, y, bbox.width, bbox.top + bbox.height - y);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = color("bad");
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}
