// Badges: whether a book may be trusted, and how an order stands.

import { isLost } from "../core/feed.js";
import { html } from "../core/html.js";
import { span } from "../core/time.js";

const BOOK = { live: "LIVE", stale: "STALE", resyncing: "RESYNCING", down: "DOWN" };

/** @param {{book: any}} props a book message */
export function BookBadge({ book }) {
  if (isLost()) return html`<span class="badge status-down" title="the connection to the server is lost">NOT CURRENT</span>`;
  if (!book) return html`<span class="badge status-down">NO BOOK</span>`;
  const word = BOOK[/** @type {keyof typeof BOOK} */ (book.status)] || book.status;
  const age = book.age_ms === null || book.age_ms === undefined ? "" : span(Number(book.age_ms));
  const title = [book.reason, age && `last change ${age} before it was sent`].filter(Boolean).join("; ");
  return html`<span class=${`badge status-${book.status}`} title=${title}>${word}${age ? html` <small>${age}</small>` : null}</span>`;
}

/** @param {{status: string}} props of an order */
export function OrderStatus({ status }) {
  return html`<span class=${`badge order-${status.toLowerCase()}`}>${status}</span>`;
}

/** How much is filled. @param {{filled: string, quantity: string, label?: string}} props */
export function Progress({ filled, quantity, label }) {
  const share = Number(quantity) ? Math.min(1, Number(filled) / Number(quantity)) : 0;
  const text = `${(share * 100).toFixed(1)} %`;
  return html`
    <span class="progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(share * 100)}
      aria-label=${label || "filled"} title=${text}>
      ${share ? html`<span class="done" style=${{ width: `${share * 100}%` }}></span>` : null}<span class="words">${text}</span>
    </span>
  `;
}
