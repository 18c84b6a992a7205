// Would the exchanges' own TWAP orders take it: a row an exchange, its rules on demand.

import { fill } from "../../core/draft.js";
import { classes, html } from "../../core/html.js";
import { fixTo } from "./nearest.js";

const MEANING = /** @type {Record<string, [string, string]>} */ ({
  accepted: ["good", "would take it"], refused: ["bad", "would refuse it"], unknown: ["soft", "cannot be said"],
});

/** @param {{checks: any[], draft: import("../../core/draft.js").Draft}} props */
export function GoLive({ checks, draft }) {
  if (!checks.length) return null;
  const taking = checks.filter((one) => one.verdict === "accepted").length;
  return html`
    <section class="card" aria-label="Go live">
      <h2>Go live</h2>
      <p class="soft">Would an exchange's own TWAP take this order? ${taking} of ${checks.length} would.</p>
      ${checks.map((check) => html`<${Exchange} key=${`${check.exchange} ${check.market}`} check=${check} draft=${draft} />`)}
    </section>
  `;
}

/** @param {{check: any, draft: import("../../core/draft.js").Draft}} props */
function Exchange({ check, draft }) {
  const [kind, words] = MEANING[check.verdict] || ["soft", check.verdict];
  const broken = check.rules.filter((/** @type {any} */ rule) => rule.ok === false).length;
  return html`
    <details class="exchange">
      <summary>
        <span class="grow">${check.exchange} <span class="soft">${check.market}</span></span>
        <span class=${kind}>${check.verdict === "accepted" ? "✓" : check.verdict === "refused" ? "✗" : "?"} ${words}${broken ? ` (${broken})` : ""}</span>
      </summary>
      <ul class="rules">${check.rules.map((/** @type {any} */ rule) => html`<${Rule} rule=${rule} draft=${draft} />`)}</ul>
    </details>
  `;
}

/** @param {{rule: any, draft: import("../../core/draft.js").Draft}} props */
function Rule({ rule, draft }) {
  const fix = rule.ok === false && rule.nearest !== null ? fixTo(rule.nearest_of, rule.nearest, draft) : null;
  const sign = rule.ok === true ? "✓" : rule.ok === false ? "✗" : "?";
  return html`
    <li>
      <span class=${classes(rule.ok === true && "good", rule.ok === false && "bad", rule.ok === null && "soft")} aria-label=${rule.ok === true ? "holds" : rule.ok === false ? "broken" : "unknown"}>${sign}</span>
      <span>
        <strong>${rule.rule.replaceAll("_", " ")}</strong>: ${rule.ok === true && !rule.message ? `${rule.yours} (${rule.limit})` : rule.message.replace(/^[^:]*: /, "") || `${rule.yours} (${rule.limit})`}
        ${" "}<a class="hint" href=${rule.url} target="_blank" rel="noreferrer" title=${`${rule.source}, as of: ${rule.as_of}`}>source</a>
        ${fix ? html` <button type="button" class="fix" onClick=${() => fill(fix.changes)}>Use ${fix.words}</button>` : null}
      </span>
    </li>
  `;
}
