// How many orders cost how much, in basis points.

import { html } from "../../core/html.js";
import { useNarrow } from "../../parts/narrow.js";
import { bins, marks } from "./bins.js";

const WIDE = 560;
const NARROW = 330;
const HEIGHT = 220;
const LEFT = 34;
const RIGHT = 20;
const BOTTOM = 190;
const TOP = 12;

/** @param {{values: number[]}} props shortfall of each order in bps */
export function Histogram({ values }) {
  const width = useNarrow() ? NARROW : WIDE;
  const all = bins(values);
  if (!all.length) return html`<p class="soft">No order here has a known cost.</p>`;
  const low = all[0].from;
  const high = all[all.length - 1].to;
  const most = Math.max(...all.map((one) => one.count));
  const x = (/** @type {number} */ value) => LEFT + ((value - low) / (high - low)) * (width - LEFT - RIGHT);
  const y = (/** @type {number} */ count) => BOTTOM - (count / most) * (BOTTOM - TOP);
  const across = marks(low, high, 6);
  const up = marks(0, most, Math.min(4, most));
  const gains = values.filter((one) => one < 0).length;
  return html`
    <svg class="costs-chart" viewBox=${`0 0 ${width} ${HEIGHT}`} role="img" aria-label=${`${values.length} orders by their cost in basis points: ${gains} gained, ${values.length - gains} cost something or nothing.`}>
      ${up.values.filter((one) => Number.isInteger(one)).map((one) => html`<line class="grid" x1=${LEFT} x2=${width - RIGHT} y1=${y(one)} y2=${y(one)} /><text class="mark" x=${LEFT - 6} y=${y(one) + 4} text-anchor="end">${one}</text>`)}
      ${all.map((one) => html`<rect class=${one.from < 0 ? "gain" : "loss"} x=${x(one.from) + 0.5} width=${Math.max(1, x(one.to) - x(one.from) - 1)} y=${y(one.count)} height=${BOTTOM - y(one.count)}><title>${`${one.count} orders between ${one.from.toFixed(across.decimals + 1)} and ${one.to.toFixed(across.decimals + 1)} bps`}</title></rect>`)}
      ${low < 0 && high > 0 ? html`<line class="zero" x1=${x(0)} x2=${x(0)} y1=${TOP} y2=${BOTTOM} />` : null}
      ${across.values.map((one) => html`<text class="mark" x=${x(one)} y=${BOTTOM + 15} text-anchor="middle">${one.toFixed(across.decimals).replace("-", "−")}</text>`)}
      <text class="mark" x=${(LEFT + width - RIGHT) / 2} y=${HEIGHT - 3} text-anchor="middle">shortfall in bps, orders in each</text>
    </svg>
  `;
}
