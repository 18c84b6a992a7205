// Hold the replayed order against a live one: by the hash in the live order's proof, a file that stays in this browser.

import { useState } from "preact/hooks";
import { read } from "../../core/exact.js";
import { html } from "../../core/html.js";

/** @param {{sha256: string | null}} props of the replayed order's report; null: it has not ended */
export function LiveProof({ sha256 }) {
  const [live, setLive] = useState({ name: "", sha256: "", problem: "" });
  if (!sha256) return null;
  const take = async (/** @type {any} */ event) => {
    const [file] = event.currentTarget.files;
    if (file) setLive(await hashOf(file));
  };
  const isEqual = live.sha256 === sha256;
  return html`
    <section class="card live-proof" aria-label="Beside a live order">
      <h2>Beside a live order</h2>
      <label class="row">Its proof <input type="file" accept=".json,application/json" onChange=${take} /></label>
      <p class="hint">What <code>GET /orders/{token_id}/proof</code> or <code>twap verify TOKEN --save FILE</code> gives. It is read here and sent nowhere.</p>
      <div role="status">
        ${live.problem ? html`<p class="problem">${live.problem}</p>` : null}
        ${live.sha256 ? html`<p class=${isEqual ? "good" : "problem"}>${isEqual ? "✓ Equal: the live order made the same decisions and fills." : `Not equal: the live order ${live.name} has ${live.sha256}.`}</p>` : null}
      </div>
    </section>
  `;
}

/** @param {File} file @returns {Promise<{name: string, sha256: string, problem: string}>} */
async function hashOf(file) {
  try {
    const proof = read(await file.text());
    if (/^[0-9a-f]{64}$/.test(proof.sha256 ?? "")) return { name: String(proof.token_id), sha256: proof.sha256, problem: "" };
    return { name: "", sha256: "", problem: `${file.name} has no sha256: is it the proof of an order that has ended?` };
  } catch {
    return { name: "", sha256: "", problem: `${file.name} is not JSON: expected what GET /orders/{token_id}/proof answers` };
  }
}
