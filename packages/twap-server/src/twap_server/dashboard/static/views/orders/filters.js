// What of the orders is shown; the address keeps it.

import { html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { OrderFilter } from "../../parts/order_filter.js";
import { Segments } from "../../parts/segments.js";

/** @param {{filter: import("./loading.js").Filter, children?: any}} props */
export function Filters({ filter, children }) {
  return html`
    <div class="row filters" role="group" aria-label="Filter">
      <${Segments} label="State" value=${filter.status} options=${[["open", "open"], ["closed", "closed"], ["", "all"]]} onChoose=${(/** @type {string} */ status) => setQuery({ status: status || "all" })} />
      <${OrderFilter} filter=${filter} />
      ${children}
    </div>
  `;
}
