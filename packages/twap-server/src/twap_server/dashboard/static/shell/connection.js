// Say when the server is lost, and when the page tries again; when a sign-in has ended; when the server is another version.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { link } from "../core/feed.js";
import { html } from "../core/html.js";
import { link as address, route } from "../core/router.js";
import { newVersion } from "../core/server.js";
import { endedBecause } from "../core/session.js";
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

/** A sign-in that ended by itself. */
export function SignInBanner() {
  if (!endedBecause.value) return null;
  return html`
    <p class="banner" role="alert">
      <strong>Your sign-in has ended</strong> (${endedBecause.value}).
      ${route.value.path[0] === "sign-in" ? "" : html` <a href=${address(["sign-in"])}>Sign in again</a>`}
      <button type="button" class="quiet" aria-label="Dismiss" onClick=${() => (endedBecause.value = "")}>×</button>
    </p>
  `;
}

/** The page was loaded from a server that is gone: this one may answer otherwise. */
export function VersionBanner() {
  if (!newVersion.value) return null;
  return html`
    <p class="banner mild" role="status">The server is now version ${newVersion.value}. <button type="button" onClick=${() => location.reload()}>Load its page</button></p>
  `;
}
