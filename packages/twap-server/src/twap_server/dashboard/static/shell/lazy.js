// Load a view's module when it is first shown, and say so where that takes long or fails.

import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { html } from "../core/html.js";
import { styled } from "../core/style.js";

/** @param {() => Promise<{default: any}>} load @returns {(props: any) => any} */
export function lazy(load) {
  /** @type {any} */
  let loaded = null;
  return function Lazy(props) {
    const [made, setMade] = useState(() => loaded);
    const [failure, setFailure] = useState("");
    useEffect(() => {
      if (loaded) return;
      load().then(
        async (module) => {
          await styled();
          loaded = module.default;
          setMade(() => loaded);
        },
        () => setFailure("This part of the page could not be loaded: is the server running? Reload to try again."),
      );
    }, []);
    if (failure) return html`<p class="problem" role="alert">${failure}</p>`;
    return made ? h(made, props) : html`<h1 class="starting">Loading…</h1>`;
  };
}
