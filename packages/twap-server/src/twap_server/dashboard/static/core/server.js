// What this server is, and which exchanges and instruments it has.

import { signal } from "@preact/signals";
import { get } from "./api.js";
import { setClock } from "./time.js";

/** @typedef {{name: string, version: string, time: string, market: "live" | "demo" | "replay", registration: string, oidc: boolean, demo: {username: string, password: string} | null, theatre?: boolean}} Server `theatre`: it shows a replay, and nothing else */

/** @type {import("@preact/signals").Signal<Server | null>} */
export const server = signal(null);
/** The version the server has now, where this page came from another; "": it is the same. */
export const newVersion = signal("");
/** @type {import("@preact/signals").Signal<any[]>} */
export const exchanges = signal([]);
/** @type {Map<string, Promise<any[]>>} */
const lists = new Map();

/** Ask what this server is. @throws {Error} it does not answer */
export async function meet() {
  const askedAt = Date.now();
  const body = await get("server");
  setClock(body.time, askedAt);
  const loadedFrom = server.value?.version;
  if (loadedFrom && loadedFrom !== body.version) newVersion.value = body.version;
  else server.value = body;
}

/** Ask for the exchanges and their state. */
export async function loadExchanges() {
  exchanges.value = await get("exchanges");
}

/** The instruments of an exchange, asked for once. @param {string} exchange @returns {Promise<any[]>} */
export function instruments(exchange) {
  if (!exchange) return Promise.resolve([]);
  let list = lists.get(exchange);
  if (!list) {
    list = get(`exchanges/${exchange}/symbols`);
    list.catch(() => lists.delete(exchange));
    lists.set(exchange, list);
  }
  return list;
}

/**
 * An instrument's facts; of `aggregate` those of the first exchange that lists it.
 * @param {string} exchange @param {string} symbol
 * @returns {Promise<any | null>} null: it is not listed
 */
export async function instrument(exchange, symbol) {
  const names = exchange === "aggregate" ? exchanges.value.map((one) => one.name) : [exchange];
  for (const name of names) {
    const found = (await instruments(name).catch(() => [])).find((one) => one.symbol === symbol);
    if (found) return { ...found, exchange: name };
  }
  return null;
}

/** All that is listed anywhere, by canonical name, once each. @returns {Promise<string[]>} */
export async function listedAnywhere() {
  const found = await Promise.all(exchanges.value.map((one) => instruments(one.name).catch(() => [])));
  return [...new Set(found.flat().map((one) => one.symbol))].sort();
}
