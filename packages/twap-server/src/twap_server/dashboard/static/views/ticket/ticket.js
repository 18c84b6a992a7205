// The ticket: write an order, see what would become of it, place it. Other views may embed it.

import { useEffect, useState } from "preact/hooks";
import { draft, fill } from "../../core/draft.js";
import { assets } from "../../core/format.js";
import { html } from "../../core/html.js";
import { stepAt } from "../../core/prices.js";
import { go } from "../../core/router.js";
import { instrument } from "../../core/server.js";
import { user } from "../../core/session.js";
import { style } from "../../core/style.js";
import { ProblemText } from "../../parts/problem.js";
import { toast } from "../../parts/toasts.js";
import { Confirm } from "./confirm.js";
import { faultsOf } from "./faults.js";
import { Fields } from "./form.js";
import { MarketLine, midOf, useBook } from "./market_line.js";
import { usePreview } from "./previewing.js";
import { Preview } from "./preview.js";
import { submit } from "./submitting.js";

style("views/ticket/ticket.css");

/** @param {{onInstrument: (exchange: string, symbol: string) => void}} props called when another instrument is chosen */
export function Ticket({ onInstrument }) {
  const order = draft.value;
  const previewed = usePreview();
  const facts = useFacts(order.exchange, order.symbol);
  const book = useBook(order.exchange, order.symbol);
  const [isAsked, setAsked] = useState(false);
  const [error, setError] = useState(/** @type {any} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [base, quote] = assets(order.symbol);
  const { preview, made } = previewed;
  const send = async () => {
    if (!made.body) return;
    setBusy(true);
    const { kind, order: placed, error: failure } = await submit(made.body);
    setBusy(false);
    setAsked(false);
    if (kind === "accepted") {
      setError(null);
      toast("The order is accepted.");
      return go(["order", placed.token_id]);
    }
    setError(kind === "lost" ? lost(failure) : failure || new Error(placed.detail || "The order was rejected."));
  };
  const ask = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (preview?.accepted) setAsked(true);
  };
  return html`
    <div class="ticket">
      <form class="card ticket-form" onSubmit=${ask} aria-label="Order">
        <${Fields} draft=${order} faults=${faultsOf(previewed, order)} facts=${facts} mid=${midOf(book)} onInstrument=${onInstrument} />
        <${MarketLine} book=${book} tick=${stepAt(facts, book?.asks?.[0]?.[0])} quote=${quote} />
        <${ProblemText} error=${error} />
        ${user.value
          ? html`<button class=${`primary wide place-${order.side}`} disabled=${!preview?.accepted || isBusy}>${order.side === "buy" ? "Buy" : "Sell"} ${order.quantity || "…"} ${base}…</button>`
          : null}
        <button type="button" class="quiet wide" onClick=${() => fill({ quantity: "", price: "", start_time: "", max_slippage_bps: "", randomize: "", participation_cap: "" })}>Clear</button>
      </form>
      <${Preview} previewed=${previewed} draft=${order} base=${base} quote=${quote} />
      ${isAsked && preview ? html`<${Confirm} preview=${preview} base=${base} isBusy=${isBusy} onYes=${send} onNo=${() => setAsked(false)} />` : null}
    </div>
  `;
}

/** @param {Error} failure */
function lost(failure) {
  return new Error(`No answer came (${failure.message}), so the order may be there or not. Place it again: it keeps its name, so it is never two.`);
}

/** An instrument's tick, lot and minimums. @param {string} exchange @param {string} symbol */
function useFacts(exchange, symbol) {
  const [facts, setFacts] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let isWanted = true;
    setFacts(null);
    instrument(exchange, symbol).then((found) => isWanted && setFacts(found), () => undefined);
    return () => {
      isWanted = false;
    };
  }, [exchange, symbol]);
  return facts;
}
