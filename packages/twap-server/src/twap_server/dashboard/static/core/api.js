// Ask the server as whoever is signed in.

import { Problem, request } from "./http.js";
import { authorization, renewNow, user } from "./session.js";

export { Problem, Unreachable } from "./http.js";

/** @typedef {{query?: Record<string, unknown>, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} Options */

/**
 * Give the body of the answer; numbers in it are text.
 * @param {string} path
 * @param {Record<string, unknown>} [query]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
export async function get(path, query, signal) {
  return (await ask("GET", path, { query, signal })).body;
}

/**
 * @param {string} path
 * @param {unknown} [body] prices and quantities as text: the server reads decimal strings exactly
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function post(path, body, options) {
  return (await ask("POST", path, { ...options, body })).body;
}

/**
 * The whole answer, for its headers. A token that has just ended is renewed once.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 */
export async function ask(method, path, options = {}) {
  const asked = user.value;
  try {
    return await request(method, path, { ...options, headers: { ...options.headers, ...(await authorization()) } });
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401 || !asked || !(await renewNow())) throw error;
    return request(method, path, { ...options, headers: { ...options.headers, ...(await authorization()) } });
  }
}

/** The cursor in `Link: <…?after=X>; rel="next"`; "": this was the last page. @param {Headers} headers */
export function nextPage(headers) {
  const found = /<([^>]*)>;\s*rel="next"/.exec(headers.get("link") || "");
  return found ? new URL(found[1], document.baseURI).searchParams.get("after") || "" : "";
}
