// What the order would cost against the book of now: cut into slices, and all at once.

import { grouped, plain, rounded, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { span } from "../../core/time.js";

const STOPPED = /** @type {Record<string, string>} */ ({
  depth_exhausted: "the book shows no more", limit_not_met: "the rest is beyond the limit", slippage_cap: "the rest is beyond the slippage cap",
});

/** @param {{preview: any, base: string, quote: string}} props */
export function Cost({ preview, base, quote }) {
  const cost = preview.expected_cost;
  if (!cost) return html`<section class="card"><h2>Expected cost</h2><p class="soft">Not known: ${preview.cost_reason || "there is no plan"}.</p></section>`;
  const ways = [cost.slices, cost.sweep];
  const row = (/** @type {string} */ words, /** @type {(way: any) => any} */ value, /** @type {string} */ unit, kind = "") => html`
    <tr class=${kind}><th scope="row">${words} <span class="unit">${unit}</span></th>${ways.map((way) => html`<td class="number">${value(way)}</td>`)}</tr>
  `;
  const amount = (/** @type {string} */ name) => (/** @type {any} */ way) => html`<span title=${`exactly ${way[name]}`}>${short(way[name])}</span>`;
  return html`
    <section class="card" aria-label="Expected cost">
      <h2>Expected cost</h2>
      <p class="soft">Against the book of now: mid ${grouped(cost.mid)} ${quote}${cost.book_age_ms === null ? "" : `, last change ${span(Number(cost.book_age_ms))} before`}. Positive is a cost.</p>
      <div class="scroll"><table class="cost">
        <thead><tr><td></td><th class="number" scope="col">in slices</th><th class="number" scope="col">all at once</th></tr></thead>
        <tbody>
          ${row("Fills", (way) => grouped(way.filled_quantity), base)}
          ${ways.some((way) => Number(way.unfilled_quantity)) ? row("Leaves", (way) => grouped(way.unfilled_quantity), base, "warn") : null}
          ${row("Average price", (way) => html`<span title=${way.average_price || ""}>${way.average_price ? grouped(short(way.average_price)) : "–"}</span>`, quote)}
          ${row("Spread", amount("spread"), quote)} ${row("Depth", amount("depth"), quote)} ${row("Fees", amount("fees"), quote)}
          ${row("Total", amount("total"), quote, "total")}
          ${row("Total", (way) => way.total_bps === null ? "–" : signed(way.total_bps), "bps", "total")}
        </tbody>
      </table></div>
      ${ways.map((way, index) => way.stopped_by && html`<p class="warning">${index ? "All at once" : "In slices"}: ${STOPPED[way.stopped_by] || way.stopped_by}.</p>`)}
      <p class="hint">Where prices go, and your own impact from slice to slice, nobody knows before.</p>
    </section>
  `;
}

/** Small costs keep four digits that say something; the whole is on hover. @param {string} text */
function short(text) {
  const size = Math.abs(Number(text));
  if (size === 0) return "0";
  return size >= 1 ? rounded(text, 2) : plain(rounded(text, Math.min(12, 3 - Math.floor(Math.log10(size)))));
}
