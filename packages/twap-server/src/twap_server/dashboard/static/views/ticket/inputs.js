// A field of the ticket: bound to the draft, with its fault and the click that mends it.

import { useId } from "preact/hooks";
import { fill } from "../../core/draft.js";
import { html } from "../../core/html.js";

/** @typedef {import("../../core/draft.js").Draft} Draft */

/**
 * @param {{name: keyof Draft, label: string, draft: Draft, faults: Record<string, import("./faults.js").Fault>, hint?: any, unit?: string, type?: string, more?: Record<string, unknown>, isLabelHidden?: boolean}} props
 */
export function Input({ name, label, draft, faults, hint, unit, type = "text", more = {}, isLabelHidden }) {
  const id = useId();
  const fault = faults[name];
  return html`
    <div class="field">
      <label for=${id} class=${isLabelHidden ? "visually-hidden" : undefined}>${label}${unit ? html` <span class="unit">${unit}</span>` : null}</label>
      <input id=${id} name=${name} type=${type} value=${draft[name]} autocomplete="off" spellcheck=${false} aria-describedby=${`${id}-about`}
        aria-invalid=${fault ? "true" : undefined} onInput=${(/** @type {any} */ event) => fill({ [name]: event.currentTarget.value })} ...${more} />
      <div id=${`${id}-about`}><${Wrong} fault=${fault} />${hint && !fault ? html`<p class="hint">${hint}</p>` : null}</div>
    </div>
  `;
}

/** @param {{fault: import("./faults.js").Fault | undefined}} props */
export function Wrong({ fault }) {
  if (!fault) return null;
  const { message, fix } = fault;
  return html`
    <p class="wrong">${message}${fix ? html` <button type="button" class="fix" onClick=${() => fill(fix.changes)}>Use ${fix.words}</button>` : null}</p>
  `;
}
