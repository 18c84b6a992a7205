// A chart over the order's time, drawn by uPlot: made once, told of new data, redrawn when colours change.

import { useEffect, useRef, useState } from "preact/hooks";
import { setApart } from "../../core/format.js";
import { html } from "../../core/html.js";
import { color, onTheme } from "../../core/theme.js";
import { uPlot } from "../../parts/uplot.js";

const FONT = "11px system-ui, sans-serif";

/**
 * @param {{label: string, height: number, data: any[], series: () => any[], hooks?: any, words: string, range?: [number, number] | null, onPick?: (chart: any, x: number, y: number) => void, revision: string, yRange?: (low: number, high: number) => [number, number]}} props
 *   `revision` changes when the drawing must be new though the data are not; `words`: what the chart shows, for those who cannot see it
 */
export function Chart({ label, height, data, series, hooks = {}, words, range, onPick, revision, yRange }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const chart = useRef(/** @type {any} */ (null));
  const [failure, setFailure] = useState("");
  const latest = useRef({ data, hooks, onPick, range, yRange });
  latest.current = { data, hooks, onPick, range, yRange };
  useEffect(() => {
    let isOver = false;
    const make = () =>
      uPlot().then((Plot) => {
        if (isOver || !box.current) return;
        chart.current?.destroy();
        chart.current = new Plot(options(box.current, height, series(), latest), latest.current.data, box.current);
      }, (/** @type {Error} */ error) => setFailure(error.message));
    make();
    const watch = new ResizeObserver(() => box.current && chart.current?.setSize({ width: box.current.clientWidth, height }));
    if (box.current) watch.observe(box.current);
    const ends = onTheme(make);
    return () => {
      isOver = true;
      ends();
      watch.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => chart.current?.setData(data), [data]);
  useEffect(() => chart.current?.redraw(), [revision]);
  return html`<figure class="chart"><figcaption>${label}</figcaption>
    ${failure ? html`<p class="problem">${failure}</p>` : html`<div ref=${box} class="plot" role="img" aria-label=${`${label}. ${words}`}></div>`}
  </figure>`;
}

/** @param {HTMLElement} box @param {number} height @param {any[]} series @param {{current: any}} latest */
function options(box, height, series, latest) {
  const axis = { stroke: color("soft"), font: FONT, grid: { stroke: color("line"), width: 1 }, ticks: { stroke: color("line"), width: 1 } };
  const hook = (/** @type {string} */ name) => [(/** @type {any} */ chart) => latest.current.hooks[name]?.(chart)];
  return {
    width: box.clientWidth, height, series: [{}, ...series], legend: { show: false },
    cursor: { sync: { key: "order" }, drag: { x: true, y: false }, points: { show: false } },
    scales: {
      x: { time: true, range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => latest.current.range || [low, high] },
      y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ high) => latest.current.yRange?.(low, high) || padded(low, high) },
    },
    axes: [{ ...axis, space: 80, values: clock }, { ...axis, values: figures, size: room }],
    hooks: {
      drawClear: hook("below"), draw: hook("above"),
      ready: [(/** @type {any} */ chart) => chart.over.addEventListener("click", (/** @type {MouseEvent} */ event) => latest.current.onPick?.(chart, event.offsetX, event.offsetY))],
    },
  };
}

const LEAST_ROOM = 80; // as wide as most prices: then both charts begin at the same place

/** Room for the longest figure of the axis, none of which may be cut. @param {any} chart @param {string[] | null} texts @param {number} index @param {number} round */
function room(chart, texts, index, round) {
  const axis = chart.axes[index];
  if (round > 1) return axis._size; // uPlot asks again until nothing changes
  chart.ctx.font = axis.font[0];
  const widest = Math.max(0, ...(texts || []).map((one) => chart.ctx.measureText(one).width / devicePixelRatio));
  return Math.max(LEAST_ROOM, Math.ceil(widest + axis.ticks.size + axis.gap));
}

/** Figures at the marks of the axis, with as many decimals as their step has. @param {any} _ @param {number[]} marks */
function figures(_, marks) {
  const step = marks.length > 1 ? marks[1] - marks[0] : 0;
  const decimals = [...Array(12).keys()].find((count) => Math.abs(step * 10 ** count - Math.round(step * 10 ** count)) < 1e-6) ?? 12;
  return marks.map((one) => setApart(one.toFixed(decimals)));
}

const DAY_AND_CLOCK = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** Local time at the marks of the axis. @param {any} _ @param {number[]} marks */
function clock(_, marks) {
  const write = marks.length > 1 && marks[marks.length - 1] - marks[0] > 43_200 ? DAY_AND_CLOCK : CLOCK;
  return marks.map((one) => write.format(one * 1000));
}

/** @param {number | null} low @param {number | null} high @returns {[number, number]} */
function padded(low, high) {
  if (low === null || high === null) return [0, 1];
  const air = (high - low) * 0.08 || Math.abs(high) * 1e-4 || 1;
  return [low - air, high + air];
}
