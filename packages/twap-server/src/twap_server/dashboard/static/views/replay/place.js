// The address of a moment of an order, `#/replay?order=a&t=…`, and what to say of one that the replay does not have.

import { setQuery } from "../../core/router.js";
import { nameOf } from "./timeline.js";

/** @typedef {import("./timeline.js").Summary} Summary */

/** Let the address lead here. @param {string} token "": there is no order @param {string} t @param {Record<string, string>} [more] */
export function place(token, t, more = {}) {
  setQuery({ order: token, t, ...more }, ["replay"]);
}

/** What the address names and the replay does not have, a sentence each. @param {Summary} summary @param {Record<string, string>} query @returns {string[]} */
export function lacking(summary, { order, slice, book }) {
  const chosen = summary.orders.find((one) => one.order.token_id === order);
  const shown = chosen || summary.orders[0];
  const name = shown?.order.token_id;
  return [
    order && !chosen ? `The replay has no order ${order}${name ? `: ${name} is shown` : ""}.` : "",
    slice && !shown?.slices.some((one) => one.index === slice) ? `${name || "The replay"} has no slice ${named(slice)} that was decided.` : "",
    book && !summary.books[Number(book)] ? `The replay has no book ${book}.` : "",
  ].filter(Boolean);
}

/** People count slices from 1. @param {string} slice */
function named(slice) {
  return /^\d+$/.test(slice) ? String(Number(slice) + 1) : slice;
}

/** Why another moment is shown than was asked for; "": it is that one. @param {Summary} summary @param {string | undefined} t */
export function beside(summary, t) {
  if (!t) return "";
  const ms = Date.parse(t);
  if (Number.isNaN(ms)) return `${t} is no moment, as 2024-08-08T23:59:54Z is one: the beginning is shown.`;
  const last = nameOf(summary, Number(summary.frames) - 1);
  if (ms > Date.parse(last)) return `${t} is behind the recording's end: its last moment, ${last}, is shown.`;
  if (ms < Date.parse(summary.start)) return `${t} is before the recording's beginning: its first moment, ${nameOf(summary, 0)}, is shown.`;
  return "";
}
