// What the order cost, part by part, from zero to the whole.

import { aligned, plain, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { bars, isWhole } from "./sums.js";

const MEANING = /** @type {Record<string, string>} */ ({
  delay: "the market moved between acceptance and start", timing: "it moved while slices waited for their turn", spread: "from the middle to the best price",
  latency: "the best price moved while slices were on their way",
  depth: "levels behind the best one", opportunity: "what was not filled, at the end's mid", fees: "taker fees",
});
const WIDTH = 300;

/** @param {{costs: any, quote: string}} props */
export function Waterfall({ costs, quote }) {
  const whole = costs.implementation_shortfall;
  const parts = bars(costs);
  if (!parts || whole.amount === null) return html`<p class="soft">Not every part is known: the notes say why.</p>`;
  const ends = [0, ...parts.map((one) => Number(one.to))];
  const low = Math.min(...ends);
  const size = Math.max(...ends) - low || 1;
  const decimals = Math.max(...parts.map((one) => plain(one.amount).split(".")[1]?.length || 0));
  const x = (/** @type {string | number} */ value) => ((Number(value) - low) / size) * WIDTH;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Costs"><table class="waterfall">
      <caption class="visually-hidden">Implementation shortfall and its parts; above 0 is a cost</caption>
      <thead><tr><th scope="col">part</th><th scope="col"><span class="visually-hidden">bar</span></th><th scope="col" class="number">${quote}</th><th scope="col" class="number">bps</th></tr></thead>
      <tbody>${parts.map((one) => row(one.name, MEANING[one.name], one.amount, decimals, one.bps, x(one.from), x(one.to), x(0), "part"))}</tbody>
      <tfoot>${row("shortfall", "the whole against the decision price", whole.amount, decimals, whole.bps, x(0), x(whole.amount), x(0), "whole")}</tfoot>
    </table></div>
    <p class="hint">${isWhole(parts, whole.amount) ? "The seven amounts sum to the shortfall exactly. Above 0 is a cost." : "The parts do not sum to the shortfall: please report it."}</p>
  `;
}

/** @param {string} name @param {string} meaning @param {string} amount @param {number} decimals @param {string | null} bps @param {number} from @param {number} to @param {number} zero @param {string} kind */
function row(name, meaning, amount, decimals, bps, from, to, zero, kind) {
  const isGain = amount.startsWith("-");
  return html`
    <tr class=${kind}>
      <th scope="row">${name}<span class="soft">${meaning}</span></th>
      <td class="bar"><svg viewBox=${`-2 0 ${WIDTH + 4} 22`} width=${WIDTH} height="22" aria-hidden="true" preserveAspectRatio="none">
        <line x1=${zero} x2=${zero} y1="0" y2="22" class="zero" />
        <rect x=${Math.min(from, to)} y="3" height="16" width=${from === to ? 0 : Math.max(1, Math.abs(to - from))} class=${kind === "whole" ? "all" : isGain ? "gain" : "loss"} />
      </svg></td>
      <td class="number" data-amount=${amount}>${aligned(amount, decimals).replace("-", "−")}</td>
      <td class="number bps">${signed(bps)}</td>
    </tr>
  `;
}
