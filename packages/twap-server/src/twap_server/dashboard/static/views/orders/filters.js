// What of the orders is shown; the address keeps it.

import { html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { exchanges } from "../../core/server.js";
import { Segments } from "../../parts/segments.js";

/** @param {{filter: import("./loading.js").Filter, children?: any}} props */
export function Filters({ filter, children }) {
  const set = (/** @type {string} */ name) => (/** @type {any} */ event) => setQuery({ [name]: event.currentTarget.value.trim() });
  return html`
    <div class="row filters" role="group" aria-label="Filter">
      <${Segments} label="State" value=${filter.status} options=${[["open", "open"], ["closed", "closed"], ["", "all"]]} onChoose=${(/** @type {string} */ status) => setQuery({ status: status || "all" })} />
      <select aria-label="Exchange" value=${filter.exchange} onChange=${set("exchange")}>
        <option value="">any exchange</option>
        ${[...exchanges.value.map((one) => one.name), "aggregate"].map((name) => html`<option value=${name} selected=${name === filter.exchange}>${name}</option>`)}
      </select>
      <input aria-label="Instrument" placeholder="any instrument" size="13" value=${filter.symbol} spellcheck=${false} autocomplete="off"
        onChange=${(/** @type {any} */ event) => setQuery({ symbol: event.currentTarget.value.trim().toUpperCase().replace("/", "-") })} />
      <select aria-label="Side" value=${filter.side} onChange=${set("side")}>
        ${[["", "both sides"], ["buy", "buy"], ["sell", "sell"]].map(([value, words]) => html`<option value=${value} selected=${value === filter.side}>${words}</option>`)}
      </select>
      ${children}
    </div>
  `;
}
