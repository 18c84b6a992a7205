// What an amendment asks for, and what it would change.

import { big, isNumber } from "../../core/exact.js";
import { assets, grouped } from "../../core/format.js";
import { realismAsked } from "../../core/realism.js";
import { asAsked } from "../../core/strategies.js";
import { local } from "../../core/time.js";

/** @typedef {{quantity: string, price: string, end: string}} Typed `price`: empty takes the limit away; `end`: local, as the browser's input writes it */

/** The order as the form begins with it. @param {any} order @returns {Typed} */
export function typedOf(order) {
  return { quantity: order.quantity, price: order.limit_price ?? "", end: inputTime(order.end_time) };
}

/** A moment as an input of the kind datetime-local has it, in the local zone. @param {string} iso */
export function inputTime(iso) {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

/**
 * @param {any} order @param {Typed} typed
 * @returns {{body: Record<string, unknown>, wrong: Record<string, string>, lines: string[]}} the fields that change, in words too
 */
export function changeOf(order, typed) {
  const [base, quote] = assets(order.instrument || "-");
  /** @type {Record<string, unknown>} */
  const body = {};
  /** @type {Record<string, string>} */
  const wrong = {};
  /** @type {string[]} */
  const lines = [];
  const { quantity, price, end } = typed;
  if (!isNumber(quantity)) wrong.quantity = "Write digits, with a point for decimals: 0.5";
  else if (!big(quantity.trim()).eq(big(order.quantity))) {
    body.quantity = quantity.trim();
    lines.push(`Quantity: ${grouped(order.quantity)} → ${grouped(quantity.trim())} ${base}`);
    if (big(quantity.trim()).lt(big(order.filled_quantity))) wrong.quantity = `${grouped(order.filled_quantity)} ${base} are filled already: no less than that.`;
  }
  if (price.trim() && !isNumber(price)) wrong.price = "Write digits, or nothing for no limit";
  else if (isOtherPrice(order.limit_price, price.trim())) {
    body.price = price.trim() || null;
    lines.push(`Limit: ${order.limit_price === null ? "none" : grouped(order.limit_price)} → ${price.trim() ? `${grouped(price.trim())} ${quote}` : "none"}`);
  }
  const at = new Date(end);
  if (Number.isNaN(at.getTime())) wrong.end_time = "Write a date and a time";
  else if (end.slice(0, 19).padEnd(19, ":00") !== inputTime(order.end_time)) {
    body.end_time = at.toISOString();
    lines.push(`End: ${local(order.end_time)} → ${local(at.toISOString())}`);
  }
  return { body, wrong, lines };
}

/** @param {string | null} before @param {string} after */
function isOtherPrice(before, after) {
  if (before === null || after === "") return (before ?? "") !== after;
  return !big(before).eq(big(after));
}

/**
 * The rest as an order of its own, to ask what it would cost: there is no preview of an amendment.
 * @param {any} order @param {Typed} typed @param {string} token
 */
export function restOf(order, typed, token) {
  return {
    token_id: token, exchange: order.exchange, symbol: order.instrument, side: order.side, interval: order.interval, ...asAsked(order), ...realismAsked(order.realism),
    quantity: big(typed.quantity.trim()).minus(big(order.filled_quantity)).toFixed(), end_time: new Date(typed.end).toISOString(),
    ...(typed.price.trim() ? { price: typed.price.trim() } : {}),
  };
}
