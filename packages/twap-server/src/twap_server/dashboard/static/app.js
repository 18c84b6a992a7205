// Start the page: meet the server, go on with a sign-in of before, show the view that the address names.

import { effect } from "@preact/signals";
import { render } from "preact";
import { returns, start } from "./core/feed.js";
import { html } from "./core/html.js";
import { loadExchanges, meet } from "./core/server.js";
import { resume } from "./core/session.js";
import { Shell } from "./shell/shell.js";

const EXCHANGES_EVERY_MS = 5_000;

async function begin() {
  const root = /** @type {HTMLElement} */ (document.getElementById("app"));
  await Promise.allSettled([meet(), loadExchanges(), resume()]);
  start();
  effect(() => {
    if (returns.value) meet().catch(() => undefined); // its clock or its version may be another
  });
  root.replaceChildren();
  render(html`<${Shell} />`, root);
  setInterval(() => {
    if (!document.hidden) loadExchanges().catch(() => undefined);
  }, EXCHANGES_EVERY_MS);
}

begin();
