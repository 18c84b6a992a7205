// Say when the server is lost, and when the page tries again.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { link } from "../core/feed.js";
import { html } from "../core/html.js";
import { span } from "../core/time.js";

const SHOWN_AFTER_MS = 700;

export function ConnectionBanner() {
  const moment = useSignal(Date.now());
  const { state, since, retryAt, reason } = link.value;
  useEffect(() => {
    if (state !== "lost") return undefined;
    const timer = setInterval(() => {
      moment.value = Date.now();
    }, 250);
    return () => clearInterval(timer);
  }, [state]);
  const lostFor = moment.value - since;
  if (state !== "lost" || lostFor < SHOWN_AFTER_MS) return html`<div role="status" class="banner-place"></div>`;
  const wait = Math.max(0, retryAt - moment.value);
  return html`
    <div role="status" class="banner-place">
      <p class="banner">
        <strong>Connection lost</strong> (${reason}). What you see is ${span(lostFor)} old.
        <span aria-hidden="true">${wait > 0 ? `Trying again in ${Math.ceil(wait / 1000)} s.` : "Trying again…"}</span>
      </p>
    </div>
  `;
}

/** Whether what is shown may be out of date. */
export function isLost() {
  return link.value.state === "lost";
}
