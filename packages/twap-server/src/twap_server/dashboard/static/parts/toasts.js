// Short messages that go by themselves; read out by screen readers without interrupting.

import { signal } from "@preact/signals";
import { html } from "../core/html.js";

/** @typedef {{id: number, text: string, kind: "good" | "bad"}} Toast */

const STAYS_MS = 6_000;
/** @type {import("@preact/signals").Signal<Toast[]>} */
const toasts = signal([]);
let last = 0;

/** @param {string} text @param {"good" | "bad"} [kind] */
export function toast(text, kind = "good") {
  last += 1;
  const made = { id: last, text, kind };
  toasts.value = [...toasts.value.slice(-3), made];
  setTimeout(() => dismiss(made.id), STAYS_MS);
}

/** @param {number} id */
function dismiss(id) {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function Toasts() {
  return html`
    <div class="toasts" role="status" aria-live="polite">
      ${toasts.value.map(
        (one) => html`
          <p key=${one.id} class=${`toast ${one.kind}`}>
            ${one.text}
            <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => dismiss(one.id)}>×</button>
          </p>
        `,
      )}
    </div>
  `;
}
