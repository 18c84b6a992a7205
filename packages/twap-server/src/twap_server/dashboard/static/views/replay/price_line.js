// The mid over the whole replay, the slices of the order up to the moment, and the playhead; a click goes there.

import { useEffect, useMemo, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { html } from "../../core/html.js";
import { color } from "../../core/theme.js";
import { Chart } from "../order/chart.js";
import { useNarrow } from "../../parts/narrow.js";
import { bubbles, nearest } from "../order/points.js";
import { around, band, drawBubbles } from "../order/price_chart.js";
import { momentOf } from "./timeline.js";

/** @typedef {[number[], (number | null)[]]} Line seconds since 1970, mids */
/** @typedef {{summary: import("./timeline.js").Summary, book: number, number: number, order: any, happened: import("../order/loading.js").Happened | null, chosen: string, onSeek: (ms: number) => void, onChoose: (index: string) => void}} Props */

/** @param {Props} props */
export function PriceLine({ summary, book, number, order, happened, chosen, onSeek, onChoose }) {
  const line = useMids(summary, book);
  const isNarrow = useNarrow();
  const dots = useMemo(() => (happened && line ? bubbles(happened.slices, /** @type {any} */ (line)) : []), [happened, line]);
  const largest = Math.max(1e-18, ...dots.map((one) => one.filled));
  const now = momentOf(summary, number) / 1000;
  if (!line) return html`<p class="starting">Loading the prices…</p>`;
  /** @type {[number, number]} */
  const range = [line[0][0], line[0][line[0].length - 1] || line[0][0] + 1];
  const limit = !order || order.limit_price === null ? null : Number(order.limit_price);
  const below = (/** @type {any} */ chart) => limit !== null && band(chart, limit, order.side);
  const above = (/** @type {any} */ chart) => {
    if (order) drawBubbles(chart, dots, largest, order.side, chosen, crowdOf(order, range));
    playhead(chart, now);
  };
  const pick = (/** @type {any} */ chart, /** @type {number} */ x, /** @type {number} */ y) => {
    const found = nearest(dots, (one) => Math.hypot(chart.valToPos(one.x, "x") - x, chart.valToPos(one.y, "y") - y) * 2);
    if (found) onChoose(found.row.index);
    else onSeek(chart.posToVal(x, "x") * 1000);
  };
  return html`
    <${Chart} key=${String(isNarrow)} label="Mid of the recording" height=${isNarrow ? 220 : 330} data=${line} words=${`${dots.length} slices until this moment. The table of slices has every figure.`} range=${range}
      revision=${`${number} ${chosen} ${dots.length} ${order?.limit_price}`} series=${() => [{ stroke: color("soft"), width: 1.5, points: { show: false } }]} hooks=${{ above, below }}
      onPick=${pick} yRange=${(/** @type {number} */ low, /** @type {number} */ high) => around(low, high, dots)} />
    <p class="hint legend">line: mid${order ? html` · <span class=${order.side}>●</span> filled · <span class="bad">○</span> missed${limit === null ? "" : " · shaded: beyond the limit"}` : null} · pale: still to come · click: go there</p>
  `;
}

/** How many slices of the order would fill the whole of the chart. @param {any} order @param {[number, number]} range */
function crowdOf(order, [from, to]) {
  const window = (Date.parse(order.end_time) - Date.parse(order.start_time)) / 1000;
  return (Number(order.slice_count) * (to - from)) / Math.max(1, window);
}

/** Pale what is still to come. @param {any} chart @param {number} now */
function playhead(chart, now) {
  const { ctx, bbox } = chart;
  const x = Math.min(bbox.left + bbox.width, Math.max(bbox.left, chart.valToPos(now, "x", true)));
  ctx.save();
  ctx.fillStyle = color("card");
  ctx.globalAlpha = 0.62;
  ctx.fillRect(x, bbox.top, bbox.left + bbox.width - x, bbox.height);
  ctx.globalAlpha = 1;
  ctx.fillStyle = color("warn");
  ctx.fillRect(x - devicePixelRatio, bbox.top, 2 * devicePixelRatio, bbox.height);
  ctx.restore();
}

/** @param {import("./timeline.js").Summary} summary @param {number} book @returns {Line | null} */
function useMids(summary, book) {
  const [found, setFound] = useState(/** @type {{of: number, line: Line} | null} */ (null));
  useEffect(() => {
    const stop = new AbortController();
    get("replay/mids", { book }, stop.signal).then(({ every, mids }) => {
      const xs = mids.map((/** @type {unknown} */ _, /** @type {number} */ at) => momentOf(summary, at * Number(every)) / 1000);
      setFound({ of: book, line: [xs, mids.map((/** @type {string | null} */ one) => (one === null ? null : Number(one)))] });
    }, () => undefined);
    return () => stop.abort();
  }, [book]);
  return found?.of === book ? found.line : null;
}
