// Cost against risk: a point for each of a few ways. One whose risk or cost is not known has no place in it, and is named below.

import { html } from "../core/html.js";
import { signed } from "../core/format.js";
import { marks } from "../views/costs/bins.js";

/** @typedef {{label: string, color: string, cost: string | null, risk: string | null, isChosen?: boolean}} Way `cost` and `risk` in bps; `color`: of style/tokens.css */

const SIZE = { width: 330, height: 210, left: 46, right: 20, top: 14, bottom: 160 };

/** @param {{ways: Way[], costs: string}} props `costs`: what the upright axis shows */
export function CostRisk({ ways, costs }) {
  const known = ways.filter((one) => one.cost !== null && one.risk !== null);
  const others = ways.filter((one) => !known.includes(one)).map((one) => one.label);
  if (known.length < 2) return null;
  const x = axis(known.map((one) => Number(one.risk)), SIZE.left, SIZE.width - SIZE.right);
  const y = axis(known.map((one) => Number(one.cost)), SIZE.bottom, SIZE.top);
  const place = (/** @type {Way} */ one) => ({ x: x.at(Number(one.risk)), y: y.at(Number(one.cost)) });
  return html`
    <figure class="cost-risk">
      <figcaption>Cost against risk</figcaption>
      <svg viewBox=${`0 0 ${SIZE.width} ${SIZE.height}`} role="img" aria-label=${`Cost against risk: ${known.map((one) => `${one.label}: cost ${signed(one.cost)}, risk ${signed(one.risk)} bps`).join("; ")}`}>
        ${y.marks.map((one) => html`<line class="grid" x1=${SIZE.left} x2=${SIZE.width - SIZE.right} y1=${y.at(one)} y2=${y.at(one)} /><text class="mark" x=${SIZE.left - 6} y=${y.at(one) + 4} text-anchor="end">${y.write(one)}</text>`)}
        ${x.marks.map((one) => html`<text class="mark" x=${x.at(one)} y=${SIZE.bottom + 15} text-anchor="middle">${x.write(one)}</text>`)}
        ${known.map((one) => html`<circle class=${`fill-${one.color}`} cx=${place(one).x} cy=${place(one).y} r=${one.isChosen ? 6 : 4} />`)}
        ${labels(known.map((one) => ({ ...place(one), name: one.label }))).map((one) => html`<text class="name" x=${one.x} y=${one.y + one.away} text-anchor=${one.anchor}>${one.names.join(", ")}</text>`)}
        <text class="mark" x=${(SIZE.left + SIZE.width - SIZE.right) / 2} y=${SIZE.height - 6} text-anchor="middle">→ risk, bps · ↑ ${costs}, bps</text>
      </svg>
      ${others.length ? html`<p class="hint">Not in it, for risk or cost is not known: ${others.join(", ")}.</p>` : null}
    </figure>
  `;
}

/** Names beside their points; those that lie on each other share one. @param {{x: number, y: number, name: string}[]} points */
export function labels(points) {
  /** @type {{x: number, y: number, names: string[]}[]} */
  const made = [];
  for (const { x, y, name } of points) {
    const near = made.find((one) => Math.abs(one.x - x) < 20 && Math.abs(one.y - y) < 12);
    if (near) near.names.push(name);
    else made.push({ x, y, names: [name] });
  }
  const anchor = (/** @type {number} */ x) => (x < SIZE.width * 0.3 ? "start" : x > SIZE.width * 0.6 ? "end" : "middle");
  /** @type {Box[]} */
  const taken = [];
  return made.sort((one, other) => one.x - other.x).map((one, at) => {
    const named = { ...one, anchor: anchor(one.x) };
    const away = AWAY[at % 2].find((move) => isFree(boxOf(named, move), taken)) ?? AWAY[at % 2][0];
    taken.push(boxOf(named, away));
    return { ...named, away };
  });
}

/** @typedef {{left: number, right: number, y: number}} Box */

/** Where a name may stand, beside its point: below or above, then farther away. */
const AWAY = [[18, -10, 32, -24, 46, -38], [-10, 18, -24, 32, -38, 46]];
const LETTER = 6.5;
const LINE = 13;

/** @param {{x: number, y: number, names: string[], anchor: string}} one @param {number} away @returns {Box} */
function boxOf({ x, y, names, anchor }, away) {
  const width = names.join(", ").length * LETTER;
  const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
  return { left, right: left + width, y: y + away };
}

/** @param {Box} box @param {Box[]} taken */
function isFree(box, taken) {
  const isInside = box.y > 8 && box.y < SIZE.bottom + 2;
  return isInside && !taken.some((one) => box.left < one.right && one.left < box.right && Math.abs(box.y - one.y) < LINE);
}

/** A scale with its marks. @param {number[]} values @param {number} from pixels of the lowest @param {number} to */
function axis(values, from, to) {
  const air = (Math.max(...values) - Math.min(...values)) * 0.12 || Math.abs(values[0]) * 0.1 || 0.1;
  const [low, high] = [Math.min(...values) - air, Math.max(...values) + air];
  const { values: shown, decimals } = marks(low, high, 4);
  return { at: (/** @type {number} */ value) => from + ((value - low) / (high - low)) * (to - from), marks: shown, write: (/** @type {number} */ value) => value.toFixed(decimals) };
}
