// What the preview expected, against what it came to: each point is an order, and opens it.

import { html } from "../../core/html.js";
import { link } from "../../core/router.js";
import { signed } from "../../core/format.js";
import { useNarrow } from "../../parts/narrow.js";
import { marks } from "./bins.js";

const SIZE = { width: 560, height: 300, left: 48, right: 10, top: 10, bottom: 258 };
const SMALL = { ...SIZE, width: 330 };

/** @param {{points: {order: any, forecast: string, actual: string}[]}} props in bps */
export function Scatter({ points }) {
  const size = useNarrow() ? SMALL : SIZE;
  if (!points.length) return html`<p class="soft">Nothing to compare yet: an order that fills is compared if its book was live when it was accepted.</p>`;
  const all = points.flatMap((one) => [Number(one.forecast), Number(one.actual)]);
  const air = (Math.max(...all) - Math.min(...all)) * 0.05 || 0.1;
  const low = Math.min(...all) - air;
  const high = Math.max(...all) + air;
  const share = (/** @type {number} */ value) => (value - low) / (high - low);
  const x = (/** @type {number} */ value) => size.left + share(value) * (size.width - size.left - size.right);
  const y = (/** @type {number} */ value) => size.bottom - share(value) * (size.bottom - size.top);
  const { values, decimals } = marks(low, high, 5);
  const worse = points.filter((one) => Number(one.actual) > Number(one.forecast)).length;
  return html`
    <svg class="costs-chart" viewBox=${`0 0 ${size.width} ${size.height}`} role="group" aria-label=${`${points.length} orders, what was expected against what it came to: ${worse} came to more. The table has the same orders.`}>
      ${values.map((one) => html`
        <line class="grid" x1=${size.left} x2=${size.width - size.right} y1=${y(one)} y2=${y(one)} /><text class="mark" x=${size.left - 6} y=${y(one) + 4} text-anchor="end">${one.toFixed(decimals)}</text>
        <text class="mark" x=${x(one)} y=${size.bottom + 15} text-anchor="middle">${one.toFixed(decimals)}</text>`)}
      <line class="equal" x1=${x(low)} y1=${y(low)} x2=${x(high)} y2=${y(high)} />
      ${points.map(({ order, forecast, actual }) => html`
        <a href=${link(["order", order.token_id])} tabindex="-1" aria-label=${`order ${order.token_id}`}>
          <circle class=${order.side} cx=${x(Number(forecast))} cy=${y(Number(actual))} r="4"><title>${`${order.token_id}: expected ${signed(forecast)} bps, came to ${signed(actual)} bps`}</title></circle>
        </a>`)}
      <text class="mark" x=${(size.left + size.width) / 2} y=${size.height - 4} text-anchor="middle">→ expected, bps · ↑ what it came to</text>
    </svg>
  `;
}
