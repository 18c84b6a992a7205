// What would become of the order: whether it is accepted, what it costs now, its slices, who else would take it.

import { useRef } from "preact/hooks";
import { classes, html } from "../../core/html.js";
import { link } from "../../core/router.js";
import { server } from "../../core/server.js";
import { signIn, user } from "../../core/session.js";
import { ProblemText } from "../../parts/problem.js";
import { toast } from "../../parts/toasts.js";
import { Comparison } from "./comparison.js";
import { Cost } from "./cost.js";
import { GoLive } from "./go_live.js";
import { OnTheWay } from "./realism.js";
import { Slices } from "./slices.js";
import { sentence } from "./summary.js";

const WORDS = /** @type {Record<string, string>} */ ({
  quantity: "a quantity", duration: "a duration", end_time: "an end", interval: "an interval", slices: "a number of slices", symbol: "an instrument",
  participation: "a participation", half_life: "a half-life", risk_aversion: "a risk aversion", volume_profile: "weights",
});

/** @param {{previewed: import("./previewing.js").Previewed, draft: import("../../core/draft.js").Draft, base: string, quote: string}} props */
export function Preview({ previewed, draft, base, quote }) {
  const last = useRef(/** @type {any} */ (null));
  if (previewed.preview) last.current = previewed.preview;
  const shown = previewed.preview || (previewed.isAsking ? last.current : null);
  if (!user.value) return html`<div class="previews"><${Visitor} /></div>`;
  return html`
    <div class=${classes("previews", previewed.isAsking && "asking")} aria-busy=${previewed.isAsking}>
      <section class="card" aria-label="Preview" aria-live="polite">
        <h2>Preview</h2>
        ${verdict(previewed, shown, base)}
        ${shown ? html`<${OnTheWay} preview=${shown} />` : null}
        ${shown?.warnings.map((/** @type {string} */ one) => html`<p class="warning">${one}</p>`)}
      </section>
      ${shown ? html`
        <${Comparison} preview=${shown} base=${base} />
        ${shown.start_time ? html`<${Cost} preview=${shown} base=${base} quote=${quote} />` : null}
        <${GoLive} checks=${shown.go_live} draft=${draft} />
        <${Slices} preview=${shown} base=${base} />
      ` : null}
    </div>
  `;
}

/** @param {import("./previewing.js").Previewed} previewed @param {any} shown @param {string} base */
function verdict({ made, error, isAsking }, shown, base) {
  if (Object.keys(made.wrong).length) return html`<p>One field cannot be read yet: see beside it.</p>`;
  if (made.missing.length) return html`<p class="soft">Give ${made.missing.map((one) => WORDS[one] || one).join(" and ")} to see slices and cost.</p>`;
  if (error) return html`<${ProblemText} error=${error} />`;
  if (!shown) return html`<p class="soft">${isAsking ? "Asking…" : ""}</p>`;
  const broken = shown.broken.length;
  return html`
    <p>${sentence(shown, base)}</p>
    ${broken ? html`<p class="problem">It would be refused: ${shown.broken.map((/** @type {any} */ one) => one.detail).join("; ")}.</p>` : html`<p class="good">✓ It would be accepted.</p>`}
  `;
}

function Visitor() {
  const demo = server.value?.demo;
  const enter = () => demo && signIn(demo.username, demo.password).catch((error) => toast(error.message, "bad"));
  return html`
    <section class="card" aria-label="Preview">
      <h2>Preview</h2>
      <p>Previews and orders need a sign-in: then you see slices, times and the cost against the book of now while you type.</p>
      <div class="row">
        ${demo ? html`<button type="button" class="primary" onClick=${enter}>Enter the demo</button>` : null}
        <a class="button" href=${link(["sign-in"])}>Sign in</a>
      </div>
      <p class="hint">What you wrote here stays.</p>
    </section>
  `;
}
