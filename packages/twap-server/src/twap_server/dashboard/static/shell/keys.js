// What the keys do, everywhere. A view adds its own with `useKey` while it is shown.

import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { html } from "../core/html.js";
import { go } from "../core/router.js";
import { views } from "./views.js";

/** @typedef {{key: string, meaning: string, act: () => void}} Key */

/** @type {import("@preact/signals").Signal<Key[]>} */
const ofViews = signal([]);
const isOpen = signal(false);

export function openKeys() {
  isOpen.value = true;
}

/** Let a key do something while this component is shown. @param {string} key @param {string} meaning @param {() => void} act */
export function useKey(key, meaning, act) {
  const latest = useRef(act);
  latest.current = act;
  useLayoutEffect(() => { // not after the next paint: who sees the view may press the key
    const mine = { key, meaning, act: () => latest.current() };
    ofViews.value = [...ofViews.value, mine];
    return () => {
      ofViews.value = ofViews.value.filter((one) => one !== mine);
    };
  }, [key, meaning]);
}

/** Listen; once, in the shell. */
export function useKeys() {
  useLayoutEffect(() => {
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}

/** @param {KeyboardEvent} event */
function pressed(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const isChoosing = target.matches("input[type=radio], input[type=checkbox], input[type=range]"); // no letter means anything to those
  const isTyping = target.matches("input, textarea, select, [contenteditable]") && !(isChoosing && event.key.length === 1 && event.key !== " ");
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping || document.querySelector("dialog[open]")) return;
  if (event.key === "Enter" && target.matches("a[href], button, summary")) return;
  const found = [...fixed(), ...ofViews.value].find((one) => one.key === event.key);
  if (!found) return;
  event.preventDefault();
  found.act();
}

/** @returns {Key[]} */
function fixed() {
  const reached = Object.entries(views()).filter(([, view]) => view.key);
  return [
    { key: "?", meaning: "show these keys", act: openKeys },
    ...reached.map(([name, view]) => ({ key: view.key, meaning: `go to ${view.label}`, act: () => go([name]) })),
  ];
}

export function Keys() {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => {
    if (isOpen.value) dialog.current?.showModal();
  }, [isOpen.value]);
  if (!isOpen.value) return null;
  const close = () => {
    isOpen.value = false;
  };
  return html`
    <dialog ref=${dialog} onClose=${close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        ${[...fixed(), ...ofViews.value].map((one) => html`<dt><kbd>${one.key}</kbd></dt><dd>${one.meaning}</dd>`)}
      </dl>
      <form method="dialog"><button autofocus>Close</button></form>
    </dialog>
  `;
}
