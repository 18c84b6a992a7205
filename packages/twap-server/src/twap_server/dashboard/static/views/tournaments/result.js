// What one tournament came to: cost and risk of each strategy, differences with how sure they are, the runs.

import { assets, grouped, plain, signed } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { link, setQuery } from "../../core/router.js";
import { saveFrom } from "../../core/save.js";
import { looksOf } from "../../core/strategies.js";
import { CostRisk } from "../../parts/cost_risk.js";
import { toast } from "../../parts/toasts.js";
import { Runs } from "./runs.js";

/** @param {{name: string, result: any, query: Record<string, string>}} props `query.group`: which cases; `query.strategy`: whose runs */
export function Result({ name, result, query }) {
  const at = Number(query.group) || 0;
  const group = result.groups[at] || result.groups[0];
  const page = () => saveFrom(`${name}.html`, `tournaments/${encodeURIComponent(name)}/page`, {}).catch((error) => toast(error.message, "bad"));
  return html`
    <div class="tournament">
      <div class="row"><h1 class="grow">${result.name || name}</h1><button type="button" onClick=${page}>Save the page</button><a href=${link(["tournaments"])}>All tournaments</a></div>
      <p class="hint">
        ${grouped(result.cases)} cases, ${grouped(result.runs)} runs over ${result.recordings.map((/** @type {any} */ one) => one.name).join(", ")}.
        Cost: implementation shortfall against the mid on arrival, in basis points; above 0 is a cost. Engine ${result.engine}.
      </p>
      ${result.groups.length > 1 ? html`<label class="row">Cases <select value=${String(at)} onChange=${(/** @type {any} */ event) => setQuery({ group: event.currentTarget.value === "0" ? "" : event.currentTarget.value })}>
        ${result.groups.map((/** @type {any} */ one, /** @type {number} */ index) => html`<option value=${String(index)} selected=${index === at}>${groupWords(one)} (${one.cases})</option>`)}
      </select></label>` : null}
      ${group ? html`<${Costs} result=${result} group=${group} /><${Parts} group=${group} />` : null}
      <${Runs} name=${name} result=${result} strategy=${query.strategy || ""} />
      ${result.notes.length ? html`<section class="card" aria-label="Notes"><h2>Notes</h2><ul class="notes">${result.notes.map((/** @type {string} */ one) => html`<li>${one}</li>`)}</ul></section>` : null}
    </div>
  `;
}

/** @param {any} group */
function groupWords({ market, side, quantity, profile }) {
  const [base] = assets((market || "").split(":")[1] || "");
  const parts = [market, side, quantity === null ? "" : `${plain(quantity)} ${base}`.trim(), profile];
  return parts.filter(Boolean).join(", ") || "all cases";
}

/** @param {{result: any, group: any}} props */
function Costs({ result, group }) {
  const ways = group.strategies.map((/** @type {any} */ one) => ({ label: one.strategy, color: colorOf(result, one.strategy), cost: one.cost?.mean ?? null, risk: one.cost?.deviation ?? null, isChosen: one.strategy === result.baseline }));
  return html`
    <section class="card" aria-label="Costs">
      <h2>Costs ${result.baseline ? html`<span class="soft">differences to ${result.baseline}, case by case</span>` : null}</h2>
      <div class="tournament-parts">
        <div class="scroll" tabindex="0" role="region" aria-label="Costs of the strategies"><table>
          <thead><tr>${["strategy", "mean", "difference", "verdict", "95 % interval", "risk", "median", "5 – 95 %", "filled"].map((words, at) => html`<th scope="col" class=${at && at !== 3 ? "number" : ""}>${words}</th>`)}</tr></thead>
          <tbody>${group.strategies.map((/** @type {any} */ one) => costRow(one, result.baseline))}</tbody>
        </table></div>
        <${CostRisk} costs="mean cost" ways=${ways} />
      </div>
      <p class="hint">
        In basis points. Risk: the standard deviation of the runs. An interval that contains 0 shows no difference; without enough stretches of time there is none. Of many strategies that are all alike,
        one in twenty is shown to differ by chance.
      </p>
    </section>
  `;
}

/** @param {any} one @param {string | null} baseline */
function costRow(one, baseline) {
  const { cost, difference } = one;
  const number = (/** @type {string | null | undefined} */ text) => html`<td class="number">${text === null || text === undefined ? html`<span class="soft">not known</span>` : signed(text)}</td>`;
  return html`
    <tr>
      <th scope="row">${one.strategy}${one.rejected !== "0" ? html`<span class="soft">${one.rejected} of ${one.runs} rejected</span>` : null}</th>
      ${number(cost?.mean)}
      ${difference ? html`
        <td class="number">${signed(difference.mean)}</td>
        <td><span class=${classes("verdict", VERDICTS[difference.verdict])}>${difference.verdict}</span></td>
        <td class="number">${difference.low === null ? html`<span class="soft">none: ${difference.blocks} stretches</span>` : `${signed(difference.low)} to ${signed(difference.high)}`}</td>`
      : html`<td colspan="3" class="soft">${one.strategy === baseline ? "the others are compared with it" : "no pair is known"}</td>`}
      <td class="number">${cost ? plain(cost.deviation) : "–"}</td>
      ${number(cost?.median)}
      <td class="number">${cost ? `${signed(cost.p5)} to ${signed(cost.p95)}` : "–"}</td>
      <td class="number">${one.filled_percent === null ? "–" : `${plain(one.filled_percent)} %`}</td>
    </tr>
  `;
}

const VERDICTS = /** @type {Record<string, string>} */ ({ cheaper: "good", dearer: "bad", "no difference shown": "soft" });

/** @param {any} result @param {string} name */
function colorOf(result, name) {
  return looksOf(result.strategies[name]?.strategy || "twap").color;
}

/** Where the cost came from. @param {{group: any}} props */
function Parts({ group }) {
  const names = [...new Set(group.strategies.flatMap((/** @type {any} */ one) => Object.keys(one.parts)))];
  if (!names.length) return null;
  return html`
    <section class="card" aria-label="Parts of the cost">
      <h2>Where it came from</h2>
      <div class="scroll" tabindex="0" role="region" aria-label="Mean of each part"><table>
        <thead><tr><th scope="col">strategy</th>${names.map((one) => html`<th scope="col" class="number">${one}</th>`)}</tr></thead>
        <tbody>${group.strategies.map((/** @type {any} */ one) => html`<tr><th scope="row">${one.strategy}</th>${names.map((part) => html`<td class="number">${one.parts[part] === undefined ? "–" : signed(one.parts[part])}</td>`)}</tr>`)}</tbody>
      </table></div>
      <p class="hint">Means in basis points, of the runs whose parts are all known.</p>
    </section>
  `;
}

