// Hear a book while a component is shown.

import { useEffect, useState } from "preact/hooks";
import { onBook } from "../core/feed.js";
import { now, span } from "../core/time.js";

/**
 * @param {string} exchange
 * @param {string} symbol
 * @param {{depth?: number, own?: boolean}} options
 * @returns {{book: any, problem: Error | null}} the newest message, and why none comes
 */
export function useBook(exchange, symbol, { depth = 10, own = false }) {
  const [heard, setHeard] = useState({ of: "", book: /** @type {any} */ (null), problem: /** @type {Error | null} */ (null) });
  const name = `${exchange} ${symbol}`;
  useEffect(() => {
    setHeard({ of: name, book: null, problem: null });
    return onBook(exchange, symbol, { depth, own }, (message) => {
      setHeard((before) =>
        message.type === "error"
          ? { ...before, of: name, problem: new Error(message.message) }
          : { of: name, book: message, problem: null },
      );
    });
  }, [name, depth, own]);
  return heard.of === name ? heard : { book: null, problem: null };
}

/** Milliseconds since the book's last change, as of now; null: it is not known. @param {any} book */
export function ageOf(book) {
  if (!book || book.age_ms === null || book.age_ms === undefined) return null;
  return Number(book.age_ms) + Math.max(0, now.value - Date.parse(book.ts_sent));
}

/** In words: "120 ms". @param {any} book */
export function ageInWords(book) {
  const age = ageOf(book);
  return age === null ? "age not known" : `${span(age)} old`;
}
