// Which orders: the exchange, the instrument and the side. The address keeps the choice.

import { html } from "../core/html.js";
import { setQuery } from "../core/router.js";
import { exchanges } from "../core/server.js";

/** Put what was entered into the address. @param {string} name @returns {(event: any) => void} */
export function setsQuery(name) {
  return (event) => setQuery({ [name]: event.currentTarget.value.trim() });
}

/** @param {{filter: {exchange: string, symbol: string, side: string}}} props */
export function OrderFilter({ filter }) {
  return html`
    <select aria-label="Exchange" value=${filter.exchange} onChange=${setsQuery("exchange")}>
      <option value="">any exchange</option>
      ${[...exchanges.value.map((one) => one.name), "aggregate"].map((name) => html`<option value=${name} selected=${name === filter.exchange}>${name}</option>`)}
    </select>
    <input aria-label="Instrument" placeholder="any instrument" size="13" value=${filter.symbol} spellcheck=${false} autocomplete="off"
      onChange=${(/** @type {any} */ event) => setQuery({ symbol: event.currentTarget.value.trim().toUpperCase().replace("/", "-") })} />
    <select aria-label="Side" value=${filter.side} onChange=${setsQuery("side")}>
      ${[["", "both sides"], ["buy", "buy"], ["sell", "sell"]].map(([value, words]) => html`<option value=${value} selected=${value === filter.side}>${words}</option>`)}
    </select>
  `;
}
