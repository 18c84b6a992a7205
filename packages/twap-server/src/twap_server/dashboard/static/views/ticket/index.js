// The view `#/ticket/EXCHANGE/SYMBOL`: the ticket by itself.

import { useEffect } from "preact/hooks";
import { draft, fill } from "../../core/draft.js";
import { html } from "../../core/html.js";
import { go } from "../../core/router.js";
import { firstInstrument } from "../../parts/instrument_picker.js";
import { useKey } from "../../shell/keys.js";
import { Ticket } from "./ticket.js";

/** @param {{args: string[]}} props exchange and symbol */
export default function View({ args }) {
  const [exchange, symbol] = args;
  useEffect(() => {
    if (exchange && symbol) return take(exchange, symbol);
    const order = draft.value;
    const [first, name] = order.exchange && order.symbol ? [order.exchange, order.symbol] : firstInstrument();
    take(first, name);
  }, [exchange, symbol]);
  useKey("b", "buy", () => fill({ side: "buy" }));
  useKey("s", "sell", () => fill({ side: "sell" }));
  return html`
    <h1 class="visually-hidden">Write an order</h1>
    <${Ticket} onInstrument=${(/** @type {string} */ one, /** @type {string} */ name) => go(["ticket", one, name])} />
  `;
}

/** A limit belongs to one instrument: another one begins without. @param {string} exchange @param {string} symbol */
function take(exchange, symbol) {
  const { exchange: before, symbol: old } = draft.value;
  if (exchange === before && symbol === old) return;
  fill({ exchange, symbol, ...(old && old !== symbol ? { price: "", quantity: "" } : {}) });
}
