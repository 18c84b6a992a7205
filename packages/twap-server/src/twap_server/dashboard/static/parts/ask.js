// Ask whether it is meant, before something that cannot be taken back.

import { useEffect, useRef } from "preact/hooks";
import { html } from "../core/html.js";

/** @param {{title: string, yes: string, no?: string, kind?: "primary" | "danger", isBusy?: boolean, isYesOff?: boolean, onYes: () => void, onNo: () => void, children?: any}} props */
export function Ask({ title, yes, no = "Not yet", kind = "primary", isBusy, isYesOff, onYes, onNo, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  return html`
    <dialog ref=${dialog} class="ask" aria-label=${title} onClose=${onNo}>
      <h2>${title}</h2>
      ${children}
      <div class="row">
        <button type="button" class=${kind} disabled=${isBusy || isYesOff} onClick=${onYes} autofocus>${isBusy ? "One moment…" : yes}</button>
        <button type="button" onClick=${() => dialog.current?.close()}>${no}</button>
      </div>
    </dialog>
  `;
}
