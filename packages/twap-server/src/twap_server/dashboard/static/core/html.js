// The tagged template that makes elements, and what components need most.

import htm from "htm";
import { h } from "preact";

/** @type {(strings: TemplateStringsArray, ...values: any[]) => any} */
export const html = htm.bind(h);

/** Names of classes that apply: `classes("row", isOpen && "open")`. @param {(string | false | null | undefined)[]} names */
export function classes(...names) {
  return names.filter(Boolean).join(" ");
}
