// One field of a form: its label, the input, what is wrong with it, and what would do.

import { useId } from "preact/hooks";
import { html } from "../core/html.js";

/**
 * @param {{label: string, value: string, onInput: (value: string) => void, error?: string, hint?: string, unit?: string, type?: string, more?: Record<string, unknown>, children?: any}} props
 */
export function Field({ label, value, onInput, error, hint, unit, type = "text", more = {}, children }) {
  const id = useId();
  const about = `${id}-about`;
  return html`
    <div class="field">
      <label for=${id}>${label}${unit ? html` <span class="unit">${unit}</span>` : null}</label>
      <input id=${id} type=${type} value=${value} aria-invalid=${error ? "true" : undefined} aria-describedby=${about}
        onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)} ...${more} />
      <p id=${about} class=${error ? "wrong" : "hint"}>${error || hint || ""}</p>
      ${children}
    </div>
  `;
}

/**
 * @param {{label: string, value: string, options: [string, string][], onInput: (value: string) => void, hint?: string}} props `options`: value and words
 */
export function Choice({ label, value, options, onInput, hint }) {
  const id = useId();
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      <select id=${id} value=${value} onChange=${(/** @type {any} */ event) => onInput(event.currentTarget.value)}>
        ${options.map(([name, words]) => html`<option value=${name} selected=${name === value}>${words}</option>`)}
      </select>
      ${hint ? html`<p class="hint">${hint}</p>` : null}
    </div>
  `;
}
