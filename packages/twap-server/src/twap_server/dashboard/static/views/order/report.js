// The execution report in the page: what it cost, against what, and what else it might have cost.

import { assets, grouped, plain, rounded, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { inWords, placeOf } from "../../core/orders.js";
import { saveFrom } from "../../core/save.js";
import { toast } from "../../parts/toasts.js";
import { price } from "./head.js";
import { Waterfall } from "./waterfall.js";

/** Called as in the report's file and on the command line. */
const WAYS = [
  ["sweep", "all at once", "at the start, through the displayed depth"], ["naive_twap", "at best prices", "equal slices, each whole, as if depth were endless"],
  ["vwap", "market VWAP", "everything at the average of what others traded"],
];
const FILES = [["html", "Page", ""], ["csv", "CSV", ""], ["csv", "Slices", "slices"], ["csv", "Fills", "fills"], ["csv", "Samples", "samples"]];

/** @param {{order: any, report: any}} props */
export function Report({ order, report }) {
  const [base, quote] = assets(report.instrument || order.symbol);
  return html`
    <section class="card report" aria-label="Execution report">
      <div class="row"><h2 class="title">Execution report ${report.final ? "" : html`<span class="soft">so far</span>`}</h2><${Files} token=${order.token_id} /></div>
      ${Number(report.filled_quantity) === 0 ? html`<p class="warning">Nothing was filled: ${why(report) || "see the notes"}.</p>` : null}
      <div class="report-parts">
        <div><h3>What it cost</h3><${Waterfall} costs=${report.costs} quote=${quote} /></div>
        <div><h3>Against the market</h3>${market(report, base, quote)}</div>
        <div><h3>Other ways, on the same books</h3>${ways(report, base, quote)}</div>
        <div><h3>After the fills</h3>${markOuts(report, quote)}</div>
      </div>
      ${report.notes.length ? html`<h3>Notes</h3><ul class="notes">${report.notes.map((/** @type {string} */ one) => html`<li>${one}</li>`)}</ul>` : null}
      ${report.sha256 ? html`<p class="hint hash">SHA-256 of terms, decisions and fills: <code>${report.sha256}</code></p>` : null}
    </section>
  `;
}

/** @param {any} report */
function why(report) {
  return Object.entries(report.slices_by_reason).map(([reason, count]) => `${count} slices: ${inWords(reason)}`).join("; ");
}

/** @param {any} report @param {string} base @param {string} quote */
function market(report, base, quote) {
  const row = (/** @type {string} */ name, /** @type {string} */ value, /** @type {string | null} */ worse) =>
    html`<tr><th scope="row">${name}</th><td class="number">${value}</td><td class="number">${worse === null ? "" : `${signed(worse)} bps`}</td></tr>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Against the market"><table>
      <thead><tr><th scope="col">figure</th><th scope="col" class="number">value</th><th scope="col" class="number">order is worse by</th></tr></thead>
      <tbody>
        ${row("Average price", `${price(report.average_price)} ${quote}`, null)}
        ${row("Decision price", `${price(report.decision_price)} ${quote}`, null)}
        ${row("Arrival price", `${price(report.arrival_price)} ${quote}`, report.arrival_slippage_bps)}
        ${row("Market TWAP", `${price(report.market_twap)} ${quote}`, report.market_twap_slippage_bps)}
        ${row("Market VWAP", `${price(report.market_vwap)} ${quote}`, report.market_vwap_slippage_bps)}
        ${report.forecast_bps === null ? null : html`${row("Spread, depth, fees: expected", `${signed(report.forecast_bps)} bps`, null)}${row("Spread, depth, fees: came to", `${signed(report.trading_bps)} bps`, null)}`}
        ${row("Others traded", `${plain(report.traded_volume)} ${base}`, null)}
        ${row("Participation", report.participation_percent === null ? "–" : `${rounded(report.participation_percent, 2)} %`, null)}
        ${report.drift ? row("Behind schedule, at most", `${plain(report.drift.max)} ${base} (${rounded(report.drift.max_percent, 2)} %)`, null) : null}
        ${report.book_age_ms ? row("Book's age, median", `${rounded(report.book_age_ms.p50, 1)} ms`, null) : null}
        ${Object.entries(report.slices_by_outcome).map(([outcome, count]) => row(`Slices ${outcome}`, grouped(String(count)), null))}
        ${report.exchanges.length > 1 ? report.exchanges.map((/** @type {any} */ one) => row(`On ${one.exchange}`, `${plain(one.quantity)} ${base} (${rounded(one.share_percent, 1)} %)`, null)) : null}
      </tbody>
    </table></div>
  `;
}

/** @param {any} report @param {string} base @param {string} quote */
function ways(report, base, quote) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Other ways"><table>
      <thead><tr><th scope="col">way</th><th scope="col" class="number wide-only">filled (${base})</th><th scope="col" class="number">average</th><th scope="col" class="number">shortfall (${quote})</th><th scope="col" class="number">order cost more by</th></tr></thead>
      <tbody>${WAYS.map(([name, words, meaning]) => {
        const one = report.counterfactuals[name];
        if (!one) return html`<tr><th scope="row">${words}<span class="soft">${meaning}</span></th><td colspan="4" class="soft">not known</td></tr>`;
        return html`<tr><th scope="row">${words}<span class="soft">${meaning}</span></th><td class="number wide-only">${plain(one.filled_quantity)}</td><td class="number">${price(one.average_price)}</td>
          <td class="number" title=${one.implementation_shortfall.amount}>${rounded(one.implementation_shortfall.amount, 4).replace("-", "−")}</td><td class="number">${signed(one.difference.bps)} bps</td></tr>`;
      })}</tbody>
    </table></div>
  `;
}

/** @param {any} report @param {string} quote */
function markOuts(report, quote) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Mark-outs"><table>
      <thead><tr><th scope="col">later</th><th scope="col" class="number">fills</th><th scope="col" class="number">${quote}</th><th scope="col" class="number">bps</th></tr></thead>
      <tbody>${report.mark_outs.map((/** @type {any} */ one) => html`<tr><td>${one.seconds} s</td><td class="number">${one.fills}</td><td class="number" title=${one.amount}>${rounded(one.amount, 4).replace("-", "−")}</td><td class="number">${signed(one.bps)}</td></tr>`)}</tbody>
    </table></div>
    <p class="hint">Above 0: the mid then stood worse than what was paid.</p>
  `;
}

/** @param {{token: string}} props */
function Files({ token }) {
  const save = (/** @type {string} */ format, /** @type {string} */ table) => () =>
    saveFrom(`${token}${table ? `-${table}` : ""}.${format}`, `${placeOf(token)}/report`, { format, table }).catch((error) => toast(error.message, "bad"));
  return html`<div class="row files" role="group" aria-label="Files">${FILES.map(([format, words, table]) => html`<button type="button" class="quiet" onClick=${save(format, table)} title=${`Save as ${format.toUpperCase()}`}>${words}</button>`)}</div>`;
}
