// All strategies for the same order side by side: their curves, what they are expected to cost, how far that may be off.

import { useMemo } from "preact/hooks";
import { fill } from "../../core/draft.js";
import { rounded, signed } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { looksOf, nameOf, strategyWords } from "../../core/strategies.js";
import { color } from "../../core/theme.js";
import { CostRisk } from "../../parts/cost_risk.js";
import { Chart } from "../order/chart.js";
import { joined } from "./curves.js";

/** @param {{preview: any, base: string}} props */
export function Comparison({ preview, base }) {
  const all = preview.strategies;
  if (!all.length) return null;
  const isRiskKnown = all.some((/** @type {any} */ one) => one.risk_bps !== null);
  return html`
    <section class="card comparison" aria-label="Strategies">
      <h2>Strategies for this order</h2>
      <${Curves} preview=${preview} base=${base} />
      <div class="comparison-parts">
        <div class="scroll" tabindex="0" role="region" aria-label="Strategies side by side"><table>
          <thead><tr><th scope="col">strategy</th><th scope="col" class="number">expected cost (bps)</th><th scope="col" class="number">risk (bps)</th></tr></thead>
          <tbody>${all.map((/** @type {any} */ one) => row(one, preview.strategy))}</tbody>
        </table></div>
        <${CostRisk} costs="expected cost" ways=${all.map((/** @type {any} */ one) => ({ label: nameOf(one.strategy), color: looksOf(one.strategy).color, cost: one.expected_cost_bps, risk: one.risk_bps, isChosen: one.strategy === preview.strategy }))} />
      </div>
      ${all.filter((/** @type {any} */ one) => one.note).map((/** @type {any} */ one) => html`<p class="hint">${nameOf(one.strategy)}: ${one.note}.</p>`)}
      <p class="hint">
        Cost: spread, depth and fees, each slice through the book of now; where prices go is not guessed. ${" "}
        ${forecast(preview.impact_forecast)}
        ${isRiskKnown ? "Risk: one standard deviation of the cost if prices move as they did in the last 14 days." : "Risk is not known: there are no closed candles to take it from."}
      </p>
    </section>
  `;
}

/** What volume and volatility say of an order of this size, whatever the book shows. @param {any} known */
function forecast(known) {
  if (!known) return "";
  const share = `${rounded(known.share_percent, 3)} % of a day's volume`;
  return html`By volume and volatility alone, an order of this size (${share}) costs about <strong title=${`exactly ${known.temporary_bps} bps`}>${rounded(known.temporary_bps, 2)} bps</strong> while it trades (fitted to US stocks, 2005: a rule of thumb). ${" "}`;
}

/** @param {any} one @param {string} chosen */
function row(one, chosen) {
  const isChosen = one.strategy === chosen;
  return html`
    <tr class=${classes(isChosen && "chosen")}>
      <th scope="row"><span class="name"><${Swatch} name=${one.strategy} /> ${isChosen ? html`<strong>${strategyWords(one)}</strong> <span class="soft">yours</span>` : html`<button type="button" class="fix" title="Choose it" onClick=${() => fill({ strategy: one.strategy })}>${strategyWords(one)}</button>`}</span></th>
      <td class="number">${one.expected_cost_bps === null ? html`<span class="soft">not known</span>` : html`<span title=${`exactly ${one.expected_cost_bps}`}>${fine(one.expected_cost_bps)}</span>`}</td>
      <td class="number">${one.risk_bps === null ? html`<span class="soft">not known</span>` : html`<span title=${`exactly ${one.risk_bps}`}>${signed(one.risk_bps).replace("+", "")}</span>`}</td>
    </tr>
  `;
}

/** Two decimals at least: strategies differ by little. @param {string} text */
function fine(text) {
  const size = Math.abs(Number(text));
  return size < 10 ? signed(text) : `${text.startsWith("-") ? "−" : "+"}${rounded(text, 2).replace("-", "")}`;
}

/** A piece of a strategy's line. @param {{name: string}} props */
function Swatch({ name }) {
  const { color: of, dash } = looksOf(name);
  return html`<svg class="line-swatch" width="28" height="8" aria-hidden="true"><line x1="0" x2="28" y1="4" y2="4" class=${`stroke-${of}`} stroke-width="2.5" stroke-dasharray=${dash.join(" ")} /></svg>`;
}

/** @param {{preview: any, base: string}} props */
function Curves({ preview, base }) {
  const drawn = preview.strategies.filter((/** @type {any} */ one) => one.curve.length);
  const names = drawn.map((/** @type {any} */ one) => one.strategy);
  const data = useMemo(() => joined(drawn.map((/** @type {any} */ one) => one.curve)), [preview]);
  if (!drawn.length) return null;
  const most = Number(preview.quantity) * 1.05 || 1;
  const series = () =>
    names.map((/** @type {string} */ name) => {
      const { color: of, dash } = looksOf(name);
      return { stroke: color(of), width: name === preview.strategy ? 3 : 1.5, dash, points: { show: false }, spanGaps: true };
    });
  const key = `${names.join()} ${preview.strategy}`;
  return html`<${Chart} key=${key} label=${`What should be filled by when (${base})`} height=${170} data=${data} series=${series} revision=${key}
    words=${`Curves of ${names.join(", ")}. The table has cost and risk of each.`} yRange=${() => /** @type {[number, number]} */ ([0, most])} />`;
}
