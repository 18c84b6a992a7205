// The views by the first word of the address. Each is loaded when it is first shown.
//
// A view's module has as `default` a component; it gets `args`, the words of the address after the first, and `query`.

import { server } from "../core/server.js";
import { lazy } from "./lazy.js";

/** @typedef {{label: string, hint: string, key: string, needsSignIn: boolean, isInMenu: boolean, component: any}} View */

/** @type {Record<string, View>} */
const VIEWS = {
  market: view("Market", "candles, book, trades", "m", () => import("../views/market/index.js")),
  heatmap: view("Heat map", "depth over time", "h", () => import("../views/heatmap/index.js")),
  ticket: view("Trade", "write an order", "t", () => import("../views/ticket/index.js")),
  orders: view("Orders", "open and closed orders", "o", () => import("../views/orders/index.js"), { needsSignIn: true }),
  costs: view("Costs", "what closed orders cost", "c", () => import("../views/costs/index.js"), { needsSignIn: true }),
  tournaments: view("Tournaments", "strategies compared on recordings", "u", () => import("../views/tournaments/index.js"), { needsSignIn: true }),
  health: view("Health", "exchanges and books", "e", () => import("../views/health/index.js")),
  order: view("Order", "one order", "", () => import("../views/order/index.js"), { needsSignIn: true, isInMenu: false }),
  "sign-in": view("Sign in", "", "", () => import("../views/sign-in/index.js"), { isInMenu: false }),
};

/** @type {Record<string, View>} */
const THEATRE = { replay: view("Replay", "a replay, moment by moment", "", () => import("../views/replay/index.js"), { isInMenu: false }) };

/** Those of this server, the first one first. @returns {Record<string, View>} */
export function views() {
  return server.value?.theatre ? THEATRE : VIEWS;
}

/** @param {string} label @param {string} hint @param {string} key @param {() => Promise<any>} load @param {Partial<View>} [more] @returns {View} */
function view(label, hint, key, load, more) {
  return { label, hint, key, needsSignIn: false, isInMenu: true, ...more, component: lazy(load) };
}
