// Show what went wrong, in the server's words.

import { html } from "../core/html.js";

/** @param {{error: Error | null | undefined, onRetry?: () => void}} props */
export function ProblemText({ error, onRetry }) {
  if (!error) return null;
  return html`
    <p class="problem" role="alert">
      ${error.message} ${onRetry ? html`<button type="button" onClick=${onRetry}>Try again</button>` : null}
    </p>
  `;
}
