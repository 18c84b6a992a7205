// Give the reader a file: what the server sends to whoever is signed in, or what the page has made.

import { get } from "./api.js";

/** @param {string} name @param {string} text @param {string} type */
export function saveText(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Ask for a file with the sign-in's token, which a plain link could not carry.
 * @param {string} name
 * @param {string} path
 * @param {Record<string, string>} query
 */
export async function saveFrom(name, path, query) {
  saveText(name, await get(path, query), name.endsWith(".html") ? "text/html" : "text/csv");
}
