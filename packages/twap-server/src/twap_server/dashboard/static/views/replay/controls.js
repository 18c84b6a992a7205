// Play, pause, speed, step, scrub, and a link to the moment.

import { html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { local, utc, zone } from "../../core/time.js";
import { Segments } from "../../parts/segments.js";
import { toast } from "../../parts/toasts.js";
import { useKey } from "../../shell/keys.js";
import { SPEEDS } from "./player.js";
import { place } from "./place.js";
import { nameOf } from "./timeline.js";

/** @typedef {{summary: import("./timeline.js").Summary, player: import("./player.js").Player, speed: number, isWaiting: boolean, step: (way: 1 | -1) => void, token: string, canStep: boolean}} Props `token`: of the order that is shown, "": none; `canStep`: it has slices */

/** @param {Props} props */
export function Controls({ summary, player, speed, isWaiting, step, token, canStep }) {
  const count = Number(summary.frames);
  const iso = nameOf(summary, player.number);
  useKey("k", "play or pause", player.toggle);
  useKey(".", "a second on", () => player.seek(player.number + 1));
  useKey(",", "a second back", () => player.seek(player.number - 1));
  useKey("n", "to the next slice of the order", () => step(1));
  useKey("b", "to the slice before", () => step(-1));
  useKey("s", "next speed", () => setQuery({ speed: String(SPEEDS[(SPEEDS.indexOf(speed) + 1) % SPEEDS.length]) }));
  return html`
    <section class="card theatre-controls" aria-label="Playing">
      <div class="row">
        <button type="button" class="primary play" onClick=${player.toggle} aria-keyshortcuts="k">${player.isPlaying ? "❚❚ Pause" : "▶ Play"}</button>
        <${Segments} label="Speed" value=${String(speed)} options=${SPEEDS.map((one) => [String(one), `${one}×`])} onChoose=${(/** @type {string} */ one) => setQuery({ speed: one })} />
        <div class="row steps" role="group" aria-label=${canStep ? `Slices of ${token}` : "Slices"}>
          <button type="button" disabled=${!canStep} onClick=${() => step(-1)} title="to the slice before (b)">◂ slice</button>
          <button type="button" disabled=${!canStep} onClick=${() => step(1)} title="to the next slice (n)">slice ▸</button>
        </div>
        <button type="button" class="quiet" onClick=${() => copy(summary, player.number, token)}>Copy link</button>
        <span class="badge market-replay">REPLAY</span>
        <p class="moment number" title=${`${utc(iso)} · recorded, not now`}><strong>${local(iso)}</strong> <span class="soft">${zone(iso)}${isWaiting ? " · loading…" : ""}</span></p>
      </div>
      <input type="range" class="scrub" min="0" max=${count - 1} step="1" value=${player.number} aria-label="Moment of the recording" aria-valuetext=${`${local(iso)} ${zone(iso)}`}
        onInput=${(/** @type {any} */ event) => player.seek(Number(event.currentTarget.value))} />
    </section>
  `;
}

/** Put the moment into the address, and the address where it can be pasted from. @param {import("./timeline.js").Summary} summary @param {number} number @param {string} token */
async function copy(summary, number, token) {
  place(token, nameOf(summary, number));
  try {
    await navigator.clipboard.writeText(location.href);
    toast("The link to this moment is copied.");
  } catch {
    toast("The browser does not let the page copy: the address above leads to this moment.");
  }
}
