// What an exchange says of an instrument.

import { big } from "../../core/exact.js";
import { assets, grouped, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { digitsOf } from "../../core/prices.js";
import { exchanges } from "../../core/server.js";

/** @param {{exchange: string, symbol: string, facts: any}} props `facts`: undefined while they are asked for, null: not listed */
export function Facts({ exchange, symbol, facts }) {
  if (facts === undefined) return html`<section class="card facts"><h2>Instrument</h2><p class="hint">Loading…</p></section>`;
  if (facts === null) return html`<section class="card facts"><h2>Instrument</h2><p class="problem">${exchange} does not list ${symbol}.</p></section>`;
  const [base, quote] = assets(symbol);
  const of = exchanges.value.find((one) => one.name === facts.exchange);
  /** @type {[string, string][]} */
  const lines = [
    ["Name at the exchange", facts.native],
    ["Kind", facts.kind === "perpetual" ? `perpetual, settled in ${facts.settle || quote}` : facts.kind],
    ["Tick", known(facts.tick_size, quote)],
    ...(digitsOf(facts) ? [/** @type {[string, string]} */ (["Prices have", digitsOf(facts)])] : []),
    ["Lot", known(facts.lot_size, base)],
    ["Least quantity", stated(facts.min_quantity, base)],
    ["Least value", stated(facts.min_notional, quote)],
    ["Taker fee, as set here", feeOf(of?.taker_fee)],
    ["Trading", facts.reason ? `${facts.status}: ${facts.reason}` : facts.status],
    ["Exchange", of ? [of.status, of.market_status].join(", ") : "not known"],
    ["Clock of the exchange", of?.lag_ms === null || of?.lag_ms === undefined ? "not known" : `${of.lag_ms} ms behind ours`],
  ];
  if (facts.kind === "perpetual") lines.splice(2, 0, ["Not simulated", "funding, margin"]);
  return html`
    <section class="card facts" aria-label="Instrument">
      <h2>${symbol}${exchange === "aggregate" ? html` <span class="hint">as ${facts.exchange} lists it</span>` : null}</h2>
      <dl>${lines.map(([name, words]) => html`<div><dt>${name}</dt><dd class="number">${words}</dd></div>`)}</dl>
    </section>
  `;
}

/** A share of the notional, in percent; it is a setting of this server. @param {string | null | undefined} share */
function feeOf(share) {
  if (share === null || share === undefined) return "not known";
  return `${plain(big(share).times(100).toFixed())} %`;
}

/** @param {string} text @param {string} unit */
function known(text, unit) {
  return Number(text) ? `${grouped(text)} ${unit}` : "not known";
}

/** @param {string} text @param {string} unit */
function stated(text, unit) {
  return Number(text) ? `${grouped(plain(text))} ${unit}` : "none stated";
}
