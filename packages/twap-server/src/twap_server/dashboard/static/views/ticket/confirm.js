// Ask once more before the order is sent, with what it will do.

import { useEffect, useRef } from "preact/hooks";
import { signed } from "../../core/format.js";
import { html } from "../../core/html.js";
import { sentence } from "./summary.js";

/** @param {{preview: any, base: string, isBusy: boolean, onYes: () => void, onNo: () => void}} props */
export function Confirm({ preview, base, isBusy, onYes, onNo }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  const cost = preview.expected_cost?.slices;
  return html`
    <dialog ref=${dialog} class="confirm" aria-labelledby="confirm-title" onClose=${onNo}>
      <h2 id="confirm-title">Place this order?</h2>
      <p>${sentence(preview, base)}</p>
      ${cost ? html`<p>Expected cost now: <strong>${signed(cost.total_bps)} bps</strong> of what it trades.</p>` : html`<p class="warning">Its cost is not known now: ${preview.cost_reason}.</p>`}
      ${preview.warnings.map((/** @type {string} */ one) => html`<p class="warning">${one}</p>`)}
      <p class="hint">On paper: fills are computed from the books, nothing is sent to an exchange.</p>
      <div class="row">
        <button type="button" class="primary" disabled=${isBusy} onClick=${onYes} autofocus>${isBusy ? "One moment…" : preview.side === "buy" ? "Buy" : "Sell"}</button>
        <button type="button" onClick=${() => dialog.current?.close()}>Not yet</button>
      </div>
    </dialog>
  `;
}
