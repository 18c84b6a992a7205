// What a real order would meet on its way: a profile, or own figures; and what the preview says of it.

import { fill } from "../../core/draft.js";
import { typed } from "../../core/durations.js";
import { percent } from "../../core/format.js";
import { html } from "../../core/html.js";
import { PROFILES } from "../../core/realism.js";
import { Choice } from "../../parts/field.js";
import { Segments } from "../../parts/segments.js";
import { Input, Wrong } from "./inputs.js";

/** @param {{draft: import("../../core/draft.js").Draft, faults: Record<string, import("./faults.js").Fault>}} props */
export function Realism({ draft, faults }) {
  const span = (/** @type {string} */ name, /** @type {string} */ label, /** @type {string} */ hint, placeholder = "") =>
    html`<${Input} name=${name} label=${label} draft=${draft} faults=${faults} hint=${hint} more=${{ placeholder }} />`;
  return html`
    <${Choice} label="Realism" value=${draft.realism} options=${PROFILES} hint="what a real order would meet on its way" onInput=${(/** @type {string} */ realism) => fill({ realism })} />
    <${Wrong} fault=${faults.realism} />
    ${draft.realism === "own" ? html`<div class="parameters">
      ${span("latency", "Latency", "from the decision to the exchange, on average", "none")}
      ${span("latency_spread", "More or less", "at most so much, never more than the latency", "none")}
      <${Segments} label="What you take" isLabelShown value=${draft.impact} options=${[["level", "comes back"], ["price_shift", "shifts the price"]]} onChoose=${(/** @type {string} */ impact) => fill({ impact })} />
      ${span("impact_half_life", "Half of it within", "none: 30s for a shifted price, else as the settings say", "none")}
      <${Segments} label="Fees" isLabelShown value=${draft.fees} options=${[["settings", "of the settings"], ["published", "of the exchange"]]} onChoose=${(/** @type {string} */ fees) => fill({ fees })} />
    </div>` : null}
  `;
}

/** One sentence: how long slices take, what own trades do, which fees apply. @param {{preview: any}} props */
export function OnTheWay({ preview }) {
  const way = preview.on_the_way;
  if (!way) return null;
  const latency = Number(way.latency_to) ? `${typed(way.latency_from)} to ${typed(way.latency_to)} from decision to exchange` : "filled as they are decided";
  const impact = way.impact === "price_shift" ? "what you take shifts the price" : "what you take comes back at its price";
  const fees = way.fees.map((/** @type {any} */ one) => `${one.exchange} ${percent(one.fee, "1").replace(/\.0(?=\s)/, "")}${one.published ? ", as published" : ""}`);
  return html`<p class="hint">Realism ${way.profile}: slices are ${latency}; ${impact}${fees.length ? `; fees: ${fees.join("; ")}` : ""}.</p>`;
}
