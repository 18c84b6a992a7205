// Pause, resume, amend, cancel.

import { useState } from "preact/hooks";
import { assets, grouped } from "../../core/format.js";
import { html } from "../../core/html.js";
import { cancel, isOpen, pause, resume } from "../../core/orders.js";
import { useKey } from "../../shell/keys.js";
import { Ask } from "../../parts/ask.js";
import { toast } from "../../parts/toasts.js";
import { Amend } from "./amend.js";

/** @param {{order: any, take: (order: any) => void, reload: () => Promise<void>}} props */
export function Actions({ order, take, reload }) {
  const [shown, setShown] = useState("");
  const open = isOpen(order.status);
  const isPaused = order.status === "Paused";
  const act = async (/** @type {Promise<any>} */ work, /** @type {string} */ told) => {
    try {
      take(await work);
      toast(told);
    } catch (failure) {
      toast(/** @type {Error} */ (failure).message, "bad");
      reload();
    }
  };
  const turn = () => open && (isPaused ? act(resume(order.token_id), "The order goes on.") : act(pause(order.token_id), "The order is paused."));
  useKey("p", "pause or resume", turn);
  useKey("a", "amend", () => open && setShown("amend"));
  useKey("x", "cancel", () => open && setShown("cancel"));
  if (!open) return null;
  const [base] = assets(order.instrument || order.symbol);
  return html`
    <button type="button" onClick=${turn}>${isPaused ? "Resume" : "Pause"}</button>
    <button type="button" onClick=${() => setShown("amend")}>Amend</button>
    <button type="button" class="danger" onClick=${() => setShown("cancel")}>Cancel</button>
    ${shown === "amend" ? html`<${Amend} order=${order} take=${take} reload=${reload} onDone=${() => setShown("")} />` : null}
    ${shown === "cancel" ? html`
      <${Ask} title="Cancel this order?" yes="Cancel the order" no="Keep it" kind="danger" onYes=${() => act(cancel(order.token_id), "The order is canceled.").then(() => setShown(""))} onNo=${() => setShown("")}>
        <p>${grouped(order.filled_quantity)} ${base} are filled and stay so; ${grouped(order.remaining_quantity)} ${base} will not be.</p>
      <//>` : null}
  `;
}
