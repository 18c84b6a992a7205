// Keep the page's address and what is shown together: `#/market/binance/BTC-USDT?interval=1m`.

import { signal } from "@preact/signals";

/** @typedef {{path: string[], query: Record<string, string>}} Route */

/** @type {import("@preact/signals").Signal<Route>} */
export const route = signal(parse(location.hash));

addEventListener("hashchange", () => {
  route.value = parse(location.hash);
});

/**
 * The address of a place, for `href`.
 * @param {string[]} path
 * @param {Record<string, string | undefined>} [query] what is empty is left out
 */
export function link(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(/** @type {[string, string][]} */ (given)).toString();
  return `#/${path.map(encodeURIComponent).join("/")}${search ? `?${search}` : ""}`;
}

/**
 * Go there; the way back leads here.
 * @param {string[]} path
 * @param {Record<string, string | undefined>} [query]
 */
export function go(path, query) {
  location.hash = link(path, query);
}

/**
 * Change the query of this place without a step in the history.
 * @param {Record<string, string | undefined>} changes
 * @param {string[]} [path] of this place, where the address may lack it
 */
export function setQuery(changes, path = route.value.path) {
  history.replaceState(null, "", link(path, { ...route.value.query, ...changes }));
  route.value = parse(location.hash);
}

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path, search = ""] = hash.replace(/^#\/?/, "").split("?");
  return {
    path: path.split("/").filter(Boolean).map(decoded),
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
