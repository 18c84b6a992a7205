// Change an order at work: what would change is shown before it is sent.

import { useEffect, useState } from "preact/hooks";
import { post, Problem } from "../../core/api.js";
import { freshToken } from "../../core/draft.js";
import { assets, grouped, signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { amend } from "../../core/orders.js";
import { strategyWords } from "../../core/strategies.js";
import { span } from "../../core/time.js";
import { Ask } from "../../parts/ask.js";
import { Field } from "../../parts/field.js";
import { ProblemText } from "../../parts/problem.js";
import { toast } from "../../parts/toasts.js";
import { changeOf, restOf, typedOf } from "./change.js";

const AFTER_TYPING_MS = 350;

/** @param {{order: any, take: (order: any) => void, reload: () => Promise<void>, onDone: () => void}} props */
export function Amend({ order, take, reload, onDone }) {
  const [seen, setSeen] = useState(order.revision);
  const [typed, setTyped] = useState(() => typedOf(order));
  const [error, setError] = useState(/** @type {any} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [base, quote] = assets(order.instrument);
  const { body, wrong, lines } = changeOf(order, typed);
  const set = (/** @type {string} */ name) => (/** @type {string} */ value) => setTyped((before) => ({ ...before, [name]: value }));
  const of = (/** @type {string} */ name) => wrong[name] || error?.errors?.find((/** @type {any} */ one) => one.field === name)?.message;
  const send = async () => {
    setBusy(true);
    try {
      take(await amend(order.token_id, seen || order.revision, body));
      toast("The order is amended.");
      return onDone();
    } catch (failure) {
      setError(failure instanceof Problem && failure.status === 412 ? new Error("Somebody amended this order after you opened the form. What it is now stands beside the arrows below; send again if you still want it.") : failure);
      await reload();
      if (failure instanceof Problem && failure.status === 412) setSeen("");
    }
    setBusy(false);
  };
  const isReady = lines.length > 0 && Object.keys(wrong).length === 0;
  return html`
    <${Ask} title="Amend the order" yes="Send the change" no="Leave it as it is" isBusy=${isBusy} isYesOff=${!isReady} onYes=${send} onNo=${onDone}>
      <${Field} label="Quantity" unit=${base} value=${typed.quantity} onInput=${set("quantity")} error=${of("quantity")} hint=${`${grouped(order.filled_quantity)} ${base} are filled`} more=${{ inputmode: "decimal", autocomplete: "off" }} />
      <${Field} label="Limit" unit=${quote} value=${typed.price} onInput=${set("price")} error=${of("price")} hint="nothing: no limit" more=${{ inputmode: "decimal", autocomplete: "off" }} />
      <${Field} label="End" type="datetime-local" value=${typed.end} onInput=${set("end")} error=${of("end_time")} hint="your time" more=${{ step: 1 }} />
      <p class="hint">Strategy: ${strategyWords(order)}. It stays; its curve is drawn anew over what is left.</p>
      <div class="changes" role="status">
        ${lines.length ? html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>` : html`<p class="soft">Nothing would change yet.</p>`}
        ${isReady ? html`<${Rest} order=${order} typed=${typed} base=${base} />` : null}
      </div>
      <${ProblemText} error=${error && !error.errors?.length ? error : null} />
    <//>
  `;
}

/** What is left to do after the change, and what it would cost now. @param {{order: any, typed: import("./change.js").Typed, base: string}} props */
function Rest({ order, typed, base }) {
  const [answer, setAnswer] = useState(/** @type {any} */ (null));
  const key = JSON.stringify(typed);
  useEffect(() => {
    const control = new AbortController();
    const timer = setTimeout(() => {
      post("orders/preview", restOf(order, typed, freshToken()), { signal: control.signal }).then(([made]) => setAnswer(made), () => control.signal.aborted || setAnswer(null));
    }, AFTER_TYPING_MS);
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [key]);
  if (!answer) return html`<p class="hint">…</p>`;
  if (!answer.accepted) return html`<p class="warning">${answer.broken[0].detail}</p>`;
  const cost = answer.expected_cost?.slices;
  return html`
    <p class="hint">Left to do: ${grouped(answer.quantity)} ${base} in about ${grouped(answer.slice_count)} slices, one every ${span(Number(answer.interval) * 1000)}${cost ? `; against the book of now it would cost ${signed(cost.total_bps)} bps` : ""}.</p>
  `;
}
