// Choose an exchange and an instrument; names are found by any part of them.

import { useEffect, useId, useState } from "preact/hooks";
import { html } from "../core/html.js";
import { exchanges, instruments, listedAnywhere } from "../core/server.js";

/** @param {{exchange: string, symbol: string, onChoose: (exchange: string, symbol: string) => void}} props */
export function InstrumentPicker({ exchange, symbol, onChoose }) {
  const id = useId();
  const [names, setNames] = useState(/** @type {string[]} */ ([]));
  const [text, setText] = useState(symbol);
  useEffect(() => setText(symbol), [symbol]);
  const known = exchanges.value.map((one) => `${one.name}:${one.instruments}`).join();
  useEffect(() => {
    const list = exchange === "aggregate" ? listedAnywhere() : instruments(exchange).then((all) => all.map((one) => one.symbol));
    list.then(setNames, () => setNames([]));
  }, [exchange, known]);
  const choose = (/** @type {string} */ given) => {
    setText(given);
    const wanted = given.trim().toUpperCase().replace("/", "-");
    if (names.includes(wanted) && wanted !== symbol) onChoose(exchange, wanted);
  };
  return html`
    <div class="picker" role="group" aria-label="Instrument">
      <select aria-label="Exchange" value=${exchange} onChange=${(/** @type {any} */ event) => onChoose(event.currentTarget.value, symbol)}>
        ${exchanges.value.map((one) => html`<option value=${one.name} selected=${one.name === exchange}>${one.name}</option>`)}
        <option value="aggregate" selected=${exchange === "aggregate"}>all, merged</option>
      </select>
      <input aria-label="Instrument" list=${id} value=${text} spellcheck=${false} autocomplete="off" size="12"
        onInput=${(/** @type {any} */ event) => choose(event.currentTarget.value)} onBlur=${() => setText(symbol)} />
      <datalist id=${id}>${names.slice(0, 2000).map((name) => html`<option value=${name}></option>`)}</datalist>
    </div>
  `;
}

/** Where to begin when the address names no instrument. @returns {[string, string]} */
export function firstInstrument() {
  const first = exchanges.value[0]?.name || "binance";
  return [first, first === "kraken" || first.startsWith("coinbase") ? "BTC-USD" : "BTC-USDT"];
}
