// How the order is spread over its window: the strategy, and the parameters that it takes.

import { fill } from "../../core/draft.js";
import { html } from "../../core/html.js";
import { STRATEGIES } from "../../core/strategies.js";
import { Choice } from "../../parts/field.js";
import { Segments } from "../../parts/segments.js";
import { Input, Wrong } from "./inputs.js";

/** @typedef {import("../../core/draft.js").Draft} Draft */
/** @typedef {{draft: Draft, faults: Record<string, import("./faults.js").Fault>, quote: string, base: string}} Props */

const DECIMAL = { inputmode: "decimal" };
/** @type {[string, string][]} */
const URGENCIES = [["low", "low: 1 half-life in the window"], ["medium", "medium: 3 half-lives"], ["high", "high: 6 half-lives"]];

/** @param {Props} props */
export function Strategy(props) {
  const { draft, faults } = props;
  const meaning = STRATEGIES.find((one) => one.name === draft.strategy)?.meaning || "";
  return html`
    <${Choice} label="Strategy" value=${draft.strategy} options=${STRATEGIES.map((one) => [one.name, one.label])} hint=${meaning} onInput=${(/** @type {string} */ strategy) => fill({ strategy })} />
    <${Wrong} fault=${faults.strategy} />
    ${PARAMETERS[draft.strategy]?.(props) ?? null}
  `;
}

/** @type {Record<string, (props: Props) => any>} */
const PARAMETERS = { vwap: byVolume, is: byShortfall, pov: byShare };

/** @param {Props} props */
function byVolume({ draft, faults }) {
  return html`
    <div class="parameters">
      <${Segments} label="Volume" isLabelShown value=${draft.profile} options=${[["auto", "as usual by the clock"], ["weights", "own weights"]]} onChoose=${(/** @type {string} */ profile) => fill({ profile })} />
      ${draft.profile === "auto"
        ? html`<${Input} name="volume_days" label="Days of candles" draft=${draft} faults=${faults} hint="1 to 30; none: 14" more=${{ inputmode: "numeric", placeholder: "14" }} /><${Wrong} fault=${faults.volume_profile} />`
        : html`<${Input} name="volume_profile" label="Weights" draft=${draft} faults=${faults} hint="of equal parts of the window, with spaces between" more=${{ placeholder: "1000 1500 2000" }} />`}
    </div>
  `;
}

/** @param {Props} props */
function byShortfall({ draft, faults, quote, base }) {
  const own = ["volatility", "temporary_impact", "permanent_impact"];
  const isUsed = own.some((name) => draft[/** @type {keyof Draft} */ (name)] || faults[name]);
  const input = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ unit, /** @type {string} */ hint) =>
    html`<${Input} name=${name} label=${label} unit=${unit} draft=${draft} faults=${faults} hint=${hint} more=${{ ...DECIMAL, placeholder: "estimated" }} />`;
  return html`
    <div class="parameters">
      <${Segments} label="How fast" isLabelShown value=${draft.pace} options=${[["urgency", "urgency"], ["half_life", "half-life"], ["risk_aversion", "λ"]]} onChoose=${(/** @type {string} */ pace) => fill({ pace })} />
      ${draft.pace === "urgency" ? html`<${Choice} label="Urgency" value=${draft.urgency} options=${URGENCIES} onInput=${(/** @type {string} */ urgency) => fill({ urgency })} /><${Wrong} fault=${faults.urgency} />` : null}
      ${draft.pace === "half_life" ? html`<${Input} name="half_life" label="Half-life" draft=${draft} faults=${faults} hint="after it 37 % of the order is left, of a long window" more=${{ placeholder: "2m" }} />` : null}
      ${draft.pace === "risk_aversion" ? html`<${Input} name="risk_aversion" label="Risk aversion λ" unit=${`per ${quote}`} draft=${draft} faults=${faults} hint="needs a live book and closed candles" more=${{ ...DECIMAL, placeholder: "0.000001" }} />` : null}
      <details class="options" open=${isUsed}>
        <summary>Own estimates</summary>
        ${input("volatility", "Volatility σ", "% a day", "none: from closed candles")}
        ${input("temporary_impact", "Temporary impact η", `${quote} per ${base} a second`, "none: from the live book")}
        ${input("permanent_impact", "Permanent impact γ", `${quote} per ${base}`, "none: from spread and a day's volume")}
      </details>
    </div>
  `;
}

/** @param {Props} props */
function byShare({ draft, faults }) {
  return html`<div class="parameters"><${Input} name="participation" label="Participation" unit="%" draft=${draft} faults=${faults} hint="of all that is traded, yours included" more=${{ ...DECIMAL, placeholder: "10" }} /></div>`;
}
