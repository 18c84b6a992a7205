// The fields of the ticket. What is rarely needed is folded away.

import { fill } from "../../core/draft.js";
import { assets, grouped, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { digitsOf } from "../../core/prices.js";
import { Choice } from "../../parts/field.js";
import { InstrumentPicker } from "../../parts/instrument_picker.js";
import { Segments } from "../../parts/segments.js";
import { EXAMPLES } from "../../core/durations.js";
import { zone } from "../../core/time.js";
import { Input, Wrong } from "./inputs.js";
import { Realism } from "./realism.js";
import { Strategy } from "./strategy.js";

/** @typedef {import("../../core/draft.js").Draft} Draft */
/** @typedef {{draft: Draft, faults: Record<string, import("./faults.js").Fault>, facts: any, mid: string | null, onInstrument: (exchange: string, symbol: string) => void}} Props */

const DECIMAL = { inputmode: "decimal" };
const CARRY = [["catch_up", "catch up, at most 3 slices' worth"], ["skip", "stay missed"], ["last", "all in the last slice"]];
const LATE = [["compress", "all of it in the time left"], ["skip", "the slices of the past are missed"], ["shift", "as long, but later"]];

/** @param {Props} props */
export function Fields({ draft, faults, facts, mid, onInstrument }) {
  const [base, quote] = assets(draft.symbol);
  return html`
    <${InstrumentPicker} exchange=${draft.exchange} symbol=${draft.symbol} onChoose=${onInstrument} />
    <${Wrong} fault=${faults.symbol || faults.exchange || faults.token_id} />
    <${Segments} label="Side" value=${draft.side} options=${[["buy", "Buy"], ["sell", "Sell"]]} onChoose=${(/** @type {any} */ side) => fill({ side })} />
    <${Input} name="quantity" label="Quantity" unit=${base} draft=${draft} faults=${faults} hint=${lotHint(facts, base)} more=${{ ...DECIMAL, placeholder: "0.5" }} />
    <${Window} draft=${draft} faults=${faults} />
    <${Cut} draft=${draft} faults=${faults} />
    <${Strategy} draft=${draft} faults=${faults} base=${base} quote=${quote} />
    <${Input} name="price" label="Limit" unit=${quote} draft=${draft} faults=${faults} hint=${[distance(draft, mid), digitsOf(facts)].filter(Boolean).join("; ")} more=${{ ...DECIMAL, placeholder: "none" }} />
    <${Realism} draft=${draft} faults=${faults} />
    <${Options} draft=${draft} faults=${faults} />
  `;
}

/** @param {{draft: Draft, faults: Props["faults"]}} props */
function Window({ draft, faults }) {
  const zoneName = zone(new Date().toISOString());
  return html`
    <div class="pair">
      <${Segments} label="Runs" isLabelShown value=${draft.window} options=${[["duration", "for"], ["end", "until"]]} onChoose=${(/** @type {any} */ window) => fill({ window })} />
      ${draft.window === "duration"
        ? html`<${Input} name="duration" label="Duration" draft=${draft} faults=${faults} hint=${EXAMPLES} isLabelHidden />`
        : html`<${Input} name="end_time" label="End" type="datetime-local" draft=${draft} faults=${faults} hint=${`your time, ${zoneName}`} more=${{ step: 1 }} isLabelHidden />`}
    </div>
  `;
}

/** @param {{draft: Draft, faults: Props["faults"]}} props */
function Cut({ draft, faults }) {
  return html`
    <div class="pair">
      <${Segments} label="Slices" isLabelShown value=${draft.cut} options=${[["interval", "every"], ["slices", "count"]]} onChoose=${(/** @type {any} */ cut) => fill({ cut })} />
      ${draft.cut === "interval"
        ? html`<${Input} name="interval" label="Interval" draft=${draft} faults=${faults} hint="time from slice to slice" isLabelHidden />`
        : html`<${Input} name="slices" label="Number of slices" draft=${draft} faults=${faults} hint="evenly over the window" more=${{ inputmode: "numeric" }} isLabelHidden />`}
    </div>
  `;
}

/** @param {{draft: Draft, faults: Props["faults"]}} props */
function Options({ draft, faults }) {
  const named = ["start_time", "max_slippage_bps", "randomize", "participation_cap"];
  const isUsed = named.some((name) => draft[/** @type {keyof Draft} */ (name)] || faults[name]);
  const input = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ unit, /** @type {string} */ hint) =>
    html`<${Input} name=${name} label=${label} unit=${unit} draft=${draft} faults=${faults} hint=${hint} more=${{ ...DECIMAL, placeholder: "none" }} />`;
  return html`
    <details class="options" open=${isUsed}>
      <summary>More options</summary>
      <${Input} name="start_time" label="Start" type="datetime-local" draft=${draft} faults=${faults} hint=${`none: now; your time, ${zone(new Date().toISOString())}`} more=${{ step: 1 }} />
      <${Choice} label="If the start is past" value=${draft.late_start} options=${LATE} onInput=${(/** @type {any} */ late_start) => fill({ late_start })} />
      <${Choice} label="What a slice did not fill will" value=${draft.carry} options=${CARRY} onInput=${(/** @type {any} */ carry) => fill({ carry })} />
      ${input("max_slippage_bps", "Slippage cap", "bps", "a slice goes no further than this from the mid")}
      ${input("randomize", "Randomize", "%", "up to 50: moves time and size of each slice")}
      ${input("participation_cap", "Participation cap", "%", "of what others traded since the slice before")}
    </details>
  `;
}

/** @param {any} facts @param {string} base */
function lotHint(facts, base) {
  if (!facts) return "";
  const least = Number(facts.min_quantity) ? `at least ${plain(facts.min_quantity)} ${base}` : "";
  const lot = Number(facts.lot_size) ? `in steps of ${plain(facts.lot_size)}` : "";
  const value = Number(facts.min_notional) ? `worth ${grouped(facts.min_notional)} ${facts.quote} or more` : "";
  return [least, lot, value].filter(Boolean).join(", ");
}

/** How far the limit is from the market. For orientation: two decimals of a percent. @param {Draft} draft @param {string | null} mid */
function distance(draft, mid) {
  const limit = Number(draft.price);
  if (!draft.price) return "none: any price";
  if (!mid || !(limit > 0)) return "";
  const far = (limit / Number(mid) - 1) * 100;
  const where = `${Math.abs(far).toFixed(2)} % ${far >= 0 ? "above" : "below"} the mid`;
  const never = draft.side === "buy" ? far < -0.01 : far > 0.01;
  return never ? `${where}: nothing fills before the market comes there` : where;
}
