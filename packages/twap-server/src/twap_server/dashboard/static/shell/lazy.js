// Load a view's module when it is first shown, and say so where that takes long or fails.

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { html } from "../core/html.js";
import { styled } from "../core/style.js";

const AGAIN_MS = 2_000;

/** @param {() => Promise<{default: any}>} load @returns {(props: any) => any} */
export function lazy(load) {
  /** @type {any} */
  let loaded = null;
  return function Lazy(props) {
    const [made, setMade] = useState(() => loaded);
    const [tries, setTries] = useState(0);
    useEffect(() => {
      if (loaded) return undefined;
      /** @type {ReturnType<typeof setTimeout>} */
      let timer;
      load().then(
        async (module) => {
          await styled();
          loaded = module.default;
          setMade(() => loaded);
        },
        () => (timer = setTimeout(() => setTries(tries + 1), tries ? AGAIN_MS : 0)),
      );
      return () => clearTimeout(timer);
    }, [tries]);
    if (tries && !made) return html`<p class="problem" role="alert">This part of the page could not be loaded: is the server running? The page tries again every two seconds.</p>`;
    return made ? h(made, props) : html`<h1 class="starting">Loading…</h1>`;
  };
}
