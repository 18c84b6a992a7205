// The planned slices: how many, how large, when.

import { html } from "../../core/html.js";
import { grouped, plain } from "../../core/format.js";
import { Time } from "../../parts/time.js";
import { sizes } from "./summary.js";

const FIRST = 50;

/** @param {{preview: any, base: string}} props */
export function Slices({ preview, base }) {
  if (!preview.slices.length) return null;
  const shown = preview.slices.slice(0, FIRST);
  const followsVolume = preview.strategy === "pov";
  const left = Number(preview.slice_count) - shown.length;
  return html`
    <section class="card" aria-label="Slices">
      <h2>Slices</h2>
      ${followsVolume ? html`<p class="soft">${grouped(preview.slice_count)}. How much each takes depends on what others trade until then.</p>` : html`<p class="soft">${grouped(preview.slice_count)} of ${sizes(preview.slices)} ${base}${left > 0 && Number(preview.slice_count) > preview.slices.length ? ", as far as shown" : ""}.</p>`}
      <div class="scroll slices" tabindex="0" role="region" aria-label="Planned slices"><table>
        <thead><tr><th scope="col">slice</th><th scope="col">due</th>${followsVolume ? null : html`<th scope="col" class="number">quantity (${base})</th>`}</tr></thead>
        <tbody>
          ${shown.map((/** @type {any} */ one) => html`<tr><td>${Number(one.index) + 1}</td><td><${Time} iso=${one.due_time} /></td>${followsVolume ? null : html`<td class="number">${plain(one.quantity)}</td>`}</tr>`)}
        </tbody>
      </table></div>
      ${left > 0 ? html`<p class="hint">… and ${grouped(String(left))} more.</p>` : null}
    </section>
  `;
}
