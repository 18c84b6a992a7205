// Say in one sentence what an order does.

import { grouped, plain } from "../../core/format.js";
import { strategyWords } from "../../core/strategies.js";
import { local, span } from "../../core/time.js";

/** @param {any} preview @param {string} base @returns {string} */
export function sentence(preview, base) {
  const verb = preview.side === "buy" ? "Buys" : "Sells";
  const limit = preview.limit_price === null ? "without a limit" : `at ${grouped(preview.limit_price)} or better`;
  const place = preview.exchange === "aggregate" ? "on all exchanges together" : `on ${preview.exchange}`;
  if (!preview.start_time) return `${verb} ${grouped(preview.quantity)} ${base} ${place} ${limit}.`;
  const count = Number(preview.slice_count);
  const cut = count === 1 ? "in one slice" : `in ${grouped(preview.slice_count)} slices, one every ${span(Number(preview.interval) * 1000)}`;
  return `${verb} ${grouped(preview.quantity)} ${base} ${place} ${limit} as ${strategyWords(preview)}, ${cut}, ${local(preview.start_time)} to ${local(preview.end_time)}.`;
}

/** The sizes that the slices have: "0.01666 to 0.01667". @param {any[]} slices @returns {string} */
export function sizes(slices) {
  if (!slices.length) return "–";
  const all = [...new Set(slices.map((one) => plain(one.quantity)))].sort((one, other) => Number(one) - Number(other));
  return all.length === 1 ? all[0] : `${all[0]} to ${all[all.length - 1]}`;
}
