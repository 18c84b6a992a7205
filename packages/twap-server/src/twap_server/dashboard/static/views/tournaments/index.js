// The views `#/tournaments` and `#/tournaments/NAME`: strategies against each other on recordings.

import { useEffect, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { grouped } from "../../core/format.js";
import { html } from "../../core/html.js";
import { link } from "../../core/router.js";
import { style } from "../../core/style.js";
import { ProblemText } from "../../parts/problem.js";
import { Time } from "../../parts/time.js";
import { Result } from "./result.js";

style("views/tournaments/tournaments.css");

/** @param {{args: string[], query: Record<string, string>}} props */
export default function View({ args, query }) {
  return args[0] ? html`<${Shown} key=${args[0]} name=${args[0]} query=${query} />` : html`<${List} />`;
}

/** Ask for something once. @param {string} path @returns {{found: any, error: Error | null, again: () => void}} */
function useAnswer(path) {
  const [state, setState] = useState({ found: /** @type {any} */ (null), error: /** @type {Error | null} */ (null) });
  const [tries, setTries] = useState(0);
  useEffect(() => {
    const stop = new AbortController();
    setState({ found: null, error: null });
    get(path, {}, stop.signal).then((found) => setState({ found, error: null }), (error) => stop.signal.aborted || setState({ found: null, error }));
    return () => stop.abort();
  }, [path, tries]);
  return { ...state, again: () => setTries(tries + 1) };
}

function List() {
  const { found, error, again } = useAnswer("tournaments");
  return html`
    <h1>Tournaments</h1>
    <${ProblemText} error=${error} onRetry=${again} />
    ${!found && !error ? html`<p class="starting">Loading…</p>` : null}
    ${found && !found.length ? html`
      <section class="card" aria-label="No tournaments"><p>There are none in this server's folder.</p>
        <p class="hint">A tournament runs strategies against each other on recorded markets (<code>twap-server tournament FILE</code>). The setting <code>api.tournaments</code> names the folder where their results lie.</p></section>` : null}
    ${found?.length ? html`<section class="card" aria-label="Tournaments"><div class="scroll" tabindex="0" role="region" aria-label="List of tournaments"><table>
      <thead><tr><th scope="col">tournament</th><th scope="col">strategies</th><th scope="col" class="number">cases</th><th scope="col" class="number">runs</th><th scope="col">result written</th></tr></thead>
      <tbody>${found.map(row)}</tbody>
    </table></div></section>` : null}
  `;
}

/** @param {any} one */
function row(one) {
  if (one.problem) return html`<tr><th scope="row">${one.name}</th><td colspan="3" class="bad">cannot be read: ${one.problem}</td><td><${Time} iso=${one.finished} /></td></tr>`;
  return html`
    <tr>
      <th scope="row"><a href=${link(["tournaments", one.name])}>${one.title || one.name}</a>${one.title ? html`<span class="soft">${one.name}</span>` : null}</th>
      <td>${one.strategies.join(", ")}</td><td class="number">${grouped(one.cases)}</td><td class="number">${grouped(one.runs)}</td><td><${Time} iso=${one.finished} /></td>
    </tr>
  `;
}

/** @param {{name: string, query: Record<string, string>}} props */
function Shown({ name, query }) {
  const { found, error, again } = useAnswer(`tournaments/${encodeURIComponent(name)}`);
  if (error) return html`<h1>${name}</h1><${ProblemText} error=${error} onRetry=${again} /><p><a href=${link(["tournaments"])}>All tournaments</a></p>`;
  if (!found) return html`<h1>${name}</h1><p class="starting">Loading…</p>`;
  return html`<${Result} name=${name} result=${found} query=${query} />`;
}
