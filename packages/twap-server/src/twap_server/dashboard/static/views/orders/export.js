// A file of the orders that fit the filter, from the exact texts that the server sent.

import { written } from "../../core/csv.js";
import { saveText } from "../../core/save.js";
import { every } from "./loading.js";

const COLUMNS = [
  "token_id", "exchange", "symbol", "instrument", "side", "status", "quantity", "filled_quantity", "remaining_quantity", "average_price",
  "limit_price", "fill_state", "creation_time", "start_time", "end_time", "interval", "slice_count", "revision", "reason", "detail", "strategy",
];

/** @param {any[]} orders @returns {string} */
export function ordersCsv(orders) {
  return written(COLUMNS, orders.map((order) => COLUMNS.map((name) => order[name])));
}

/** @param {import("./loading.js").Filter} filter @param {(count: number) => void} tell how many there are so far */
export async function saveOrders(filter, tell) {
  const orders = await every(filter, tell);
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "");
  saveText(`orders-${stamp}Z.csv`, ordersCsv(orders), "text/csv");
  return orders.length;
}
