// Send requests to this server and read its answers. Who signs in is none of its business: see session.js.

import { read } from "./exact.js";

/** Where the page was loaded from: every address is relative to it, so a path prefix of a proxy holds. */
export const BASE = new URL(".", document.baseURI);

/** The server refused: what it said of why (RFC 9457). */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {any} body a problem document, or anything else
   * @param {number} retryAfter seconds, 0: it did not say
   */
  constructor(status, body, retryAfter) {
    super(body?.detail || `the server answered ${status}`);
    this.status = status;
    /** @type {string} */
    this.code = body?.code || "";
    /** @type {{field: string, message: string, nearest?: string | null}[]} */
    this.errors = body?.errors || [];
    this.retryAfter = retryAfter;
    this.body = body;
  }
}

/** No answer came. */
export class Unreachable extends Error {
  constructor() {
    super("the server cannot be reached");
  }
}

/**
 * Ask, and give the answer's body (numbers as text) with its headers.
 * @param {string} method
 * @param {string} path relative to the page, such as "orders"
 * @param {{query?: Record<string, unknown>, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<{body: any, headers: Headers}>}
 * @throws {Problem | Unreachable} an AbortError stays one.
 */
export async function request(method, path, { query, body, headers, signal } = {}) {
  const answer = await send(method, address(path, query), body, headers, signal);
  const text = await answer.text();
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const content = isJson && text ? read(text) : text;
  if (!answer.ok && !isOrders(content)) {
    throw new Problem(answer.status, content, Number(answer.headers.get("retry-after") || 0));
  }
  return { body: content, headers: answer.headers };
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} [query] what is empty is left out
 */
export function address(path, query = {}) {
  const url = new URL(path, BASE);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.append(name, String(value));
  }
  return url;
}

/** Rejected orders are answered 400 as a list of orders: that is no failure of the request. @param {any} content */
function isOrders(content) {
  return Array.isArray(content);
}

/**
 * @param {string} method
 * @param {URL} url
 * @param {unknown} body
 * @param {Record<string, string>} [headers]
 * @param {AbortSignal} [signal]
 */
async function send(method, url, body, headers, signal) {
  /** @type {Record<string, string>} */
  const sent = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(url, {
      method,
      headers: { Accept: "application/json", ...sent, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      signal,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable();
  }
}
