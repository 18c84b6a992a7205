// The runs of a tournament: one order each; those that have a report give it as a file.

import { assets, plain, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { saveFrom } from "../../core/save.js";
import { Time } from "../../parts/time.js";
import { toast } from "../../parts/toasts.js";
import { VirtualList } from "../../parts/virtual_list.js";

const HEIGHT = 34;
const HEAD = ["case", "strategy", "order", "start", "filled", "cost (bps)", "report"];

/** @param {{name: string, result: any, strategy: string}} props */
export function Runs({ name, result, strategy }) {
  const names = Object.keys(result.strategies);
  const shown = result.orders.filter((/** @type {any} */ one) => !strategy || one.strategy === strategy);
  const save = (/** @type {string} */ report) => {
    const file = report.split("/").pop() || report;
    saveFrom(file, `tournaments/${encodeURIComponent(name)}/reports/${encodeURIComponent(file)}`, {}).catch((error) => toast(error.message, "bad"));
  };
  const row = (/** @type {number} */ at) => {
    const one = shown[at];
    const [base] = assets(one.instrument || "");
    return html`
      <div key=${one.run} role="row" class="table-row" style=${{ height: `${HEIGHT}px` }}>
        <span role="cell">${one.case}</span><span role="cell">${one.strategy}</span>
        <span role="cell"><span class=${one.side}>${one.side}</span> ${plain(one.quantity)} ${base} <span class="soft">${one.exchange}${one.profile ? `, ${one.profile}` : ""}</span></span>
        <span role="cell"><${Time} iso=${one.start} /></span>
        <span role="cell" class="number">${one.status === "Rejected" ? html`<span class="bad" title=${one.reason}>Rejected</span>` : plain(one.filled_quantity)}</span>
        <span role="cell" class="number">${one.cost_bps === null ? "–" : signed(one.cost_bps)}</span>
        <span role="cell">${one.report ? html`<button type="button" class="quiet" aria-label=${`Save the report of run ${one.run}`} onClick=${() => save(one.report)}>Save</button>` : html`<span class="soft">–</span>`}</span>
      </div>
    `;
  };
  return html`
    <section class="card runs" aria-label="Runs">
      <div class="row"><h2 class="grow">Runs <span class="soft">${shown.length}${Number(result.runs) > result.orders.length ? ` of ${result.runs}; runs.csv has all` : ""}</span></h2>
        <label class="row">Strategy <select value=${strategy} onChange=${(/** @type {any} */ event) => setQuery({ strategy: event.currentTarget.value })}>
          <option value="">all</option>${names.map((one) => html`<option value=${one} selected=${one === strategy}>${one}</option>`)}
        </select></label></div>
      <div role="table" class="table run-table" aria-label="Runs">
        <div role="rowgroup"><div role="row" class="table-row head">${HEAD.map((words, at) => html`<span role="columnheader" class=${at === 4 || at === 5 ? "number" : ""}>${words}</span>`)}</div></div>
        <${VirtualList} count=${shown.length} rowHeight=${HEIGHT} row=${row} label="List of runs" />
      </div>
    </section>
  `;
}
