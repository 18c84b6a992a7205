// The market of now in one line: best prices to click on, and whether they may be trusted.

import { useEffect, useState } from "preact/hooks";
import { fill } from "../../core/draft.js";
import { isLost, onBook } from "../../core/feed.js";
import { groupedOnGrid } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { BookBadge } from "../../parts/status.js";

/** The book of an instrument, as it comes. @param {string} exchange @param {string} symbol @returns {any} null: none yet; an error message where it is refused */
export function useBook(exchange, symbol) {
  const [book, setBook] = useState(/** @type {any} */ (null));
  useEffect(() => {
    setBook(null);
    return exchange && symbol ? onBook(exchange, symbol, { depth: 10 }, setBook) : undefined;
  }, [exchange, symbol]);
  return book;
}

/** Half of bid and ask, for orientation. @param {any} book @returns {string | null} */
export function midOf(book) {
  if (!book?.bids?.length || !book.asks.length) return null;
  return String((Number(book.bids[0][0]) + Number(book.asks[0][0])) / 2);
}

/** @param {{book: any, tick: string, quote: string}} props */
export function MarketLine({ book, tick, quote }) {
  if (!book) return html`<p class="market-line soft">Waiting for the book…</p>`;
  if (book.type === "error") return html`<p class="market-line soft">${book.message}</p>`;
  const price = (/** @type {any[]} */ levels, /** @type {string} */ words, /** @type {string} */ kind) =>
    levels.length
      ? html`<button type="button" class=${`quiet number ${kind}`} title=${`Use the ${words} as limit`} onClick=${() => fill({ price: levels[0][0] })}>
          <span class="soft">${words}</span> ${groupedOnGrid(levels[0][0], tick)}</button>`
      : html`<span class="soft">no ${words}</span>`;
  return html`
    <p class=${classes("market-line", (book.status !== "live" || isLost()) && "outdated")}>
      ${price(book.bids, "bid", "buy")} ${price(book.asks, "ask", "sell")} <span class="soft">${quote}</span> <${BookBadge} book=${book} />
    </p>
    ${book.status !== "live" && book.reason ? html`<p class="hint">${book.reason}</p>` : null}
  `;
}
