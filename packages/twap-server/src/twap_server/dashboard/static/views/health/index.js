// How the exchanges and the collected books are, now and in the last 15 minutes. What is wrong comes first.

import { useEffect, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { rounded } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { link as address } from "../../core/router.js";
import { style } from "../../core/style.js";
import { local, now, span } from "../../core/time.js";
import { ProblemText } from "../../parts/problem.js";
import { Time } from "../../parts/time.js";
import { kindOf, liveShare, stretches, WINDOW_MS, worstExchangesFirst, worstFirst } from "./strip.js";

await style("views/health/health.css");

const EVERY_MS = 2_000;
const OLD_AFTER_MS = 3 * EVERY_MS;

export default function Health() {
  const { exchanges, books, error, at } = useHealth();
  const isOld = Boolean(error) && at > 0;
  const isWrong = (/** @type {any} */ one) => kindOf(one) === "down" || kindOf(one) === "stale";
  const bad = exchanges.filter(isWrong).length + books.filter((one) => one.status !== "live").length;
  return html`
    <header class="row health-top">
      <h1>Health</h1>
      ${at ? html`<span class=${`badge status-${bad ? "down" : "live"}`} role="status">${bad ? `${bad} NOT WELL` : "ALL WELL"}</span>` : null}
      ${isOld || (at && Date.now() - at > OLD_AFTER_MS) ? html`<span class="bad">as of ${local(new Date(at).toISOString())}, ${span(Math.max(0, Date.now() - at))} ago</span>` : null}
      <span hidden>${now.value}</span>
    </header>
    <${ProblemText} error=${error} />
    <div class=${classes(isOld && "outdated")}>
      <section class="card health-card" aria-label="Exchanges"><h2>Exchanges</h2>${exchanges.length ? html`<${Exchanges} exchanges=${exchanges} />` : html`<p class="hint">${at ? "This server collects no exchange." : "Loading…"}</p>`}</section>
      <section class="card health-card" aria-label="Books"><h2>Books <span class="hint">collected now: ${books.length}</span></h2>
        ${books.length ? html`<${Books} books=${books} />` : html`<p class="hint">${at ? "Nobody wants a book now: none is collected." : "Loading…"}</p>`}
      </section>
    </div>
  `;
}

function useHealth() {
  const [known, setKnown] = useState({ exchanges: /** @type {any[]} */ ([]), books: /** @type {any[]} */ ([]), error: /** @type {Error | null} */ (null), at: 0 });
  useEffect(() => {
    const stop = new AbortController();
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    const ask = async () => {
      try {
        const exchanges = document.hidden ? null : await get("exchanges", {}, stop.signal);
        const books = exchanges && (await Promise.all(exchanges.map((/** @type {any} */ one) => get(`exchanges/${one.name}/books`, {}, stop.signal)))).flat();
        if (books) setKnown({ exchanges: worstExchangesFirst(exchanges), books: worstFirst(books, now.peek()), error: null, at: Date.now() });
      } catch (error) {
        if (stop.signal.aborted) return;
        setKnown((before) => ({ ...before, error: /** @type {Error} */ (error) }));
      }
      timer = setTimeout(ask, EVERY_MS);
    };
    ask();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  return known;
}

/** @param {{exchanges: any[]}} props */
function Exchanges({ exchanges }) {
  return html`
    <table class="stacked">
      <thead><tr><th>exchange</th><th>status</th><th>proof</th><th class="number">connections</th><th class="number">instruments</th><th class="number">clock behind</th><th>since</th><th>reason</th></tr></thead>
      <tbody>
        ${exchanges.map(
          (one) => html`
            <tr key=${one.name}>
              <th scope="row" data-label="">${one.name}</th>
              <td data-label="status"><span class=${`badge status-${kindOf(one)}`}>${one.status.toUpperCase()}</span>${one.market_status !== "trading" ? html` <span class="badge status-stale">${one.market_status}</span>` : null}</td>
              <td data-label="proof"><${Proof} integrity=${one.integrity} /></td>
              <td class="number" data-label="connections">${one.connections}</td>
              <td class="number" data-label="instruments">${one.instruments}</td>
              <td class="number" data-label="clock behind" title="how far the exchange's clock is behind ours">${one.lag_ms === null ? "–" : `${one.lag_ms} ms`}</td>
              <td data-label="since"><${Time} iso=${one.since} /></td>
              <td data-label="reason" class="reason">${one.reason || "–"}${one.retry_at ? html` Asked again <${Time} iso=${one.retry_at} isRelative />.` : null}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}

/** @param {{books: any[]}} props */
function Books({ books }) {
  return html`
    <table class="stacked">
      <thead><tr><th>book</th><th>status</th><th>proof</th><th class="number">changes</th><th class="number">last change</th><th class="number">resyncs</th><th class="number" title="another connection took over">reconnects</th><th class="wide-cell">last 15 minutes</th><th>last reason</th></tr></thead>
      <tbody>${books.map((book) => html`<${Book} key=${`${book.exchange} ${book.symbol}`} book=${book} />`)}</tbody>
    </table>
  `;
}

/** @param {{book: any}} props */
function Book({ book }) {
  const reason = [...book.history].reverse().find((one) => one.reason);
  const rate = book.messages_per_second === null ? "–" : `${rounded(book.messages_per_second, 1)}/s`;
  return html`
    <tr>
      <th scope="row" data-label=""><a href=${address(["market", book.exchange, book.symbol])}>${book.symbol}</a> <span class="soft">${book.exchange}</span></th>
      <td data-label="status"><span class=${`badge status-${book.status}`}>${book.status.toUpperCase()}</span> <span class="hint since" title=${`since ${local(book.since)}`}>for ${span(Math.max(0, now.value - Date.parse(book.since)))}</span></td>
      <td data-label="proof"><${Proof} integrity=${book.integrity} /></td>
      <td class="number" data-label="changes" title=${`${book.changes} since the server started`}>${rate}</td>
      <td class="number" data-label="last change" title=${book.lag_ms === null ? "" : `took ${book.lag_ms} ms from the exchange, by two clocks`}>${book.age_ms === null ? "–" : `${span(Number(book.age_ms))} ago`}</td>
      <td class="number" data-label="resyncs">${book.resyncs}</td>
      <td class="number" data-label="reconnects">${book.reconnects}</td>
      <td class="wide-cell" data-label="15 minutes"><${Strip} book=${book} /></td>
      <td data-label="last reason" class="reason">${book.reason || (reason ? html`${reason.reason} <span class="soft">(<${Time} iso=${reason.time} />)</span>` : "–")}</td>
    </tr>
  `;
}

const PROOFS = { sequence: "sequence", checksum: "checksum", whole: "whole book", none: "none" };

/** @param {{integrity: string}} props */
function Proof({ integrity }) {
  const words = PROOFS[/** @type {keyof typeof PROOFS} */ (integrity)] || integrity;
  return html`<span class=${integrity === "none" ? "warn" : ""}>${words}</span>`;
}

/** @param {{book: any}} props */
function Strip({ book }) {
  const end = now.value;
  const all = stretches(book.history, end);
  const share = liveShare(all);
  const words = share === null ? "not collected" : `live ${(share * 100).toFixed(share > 0.999 && share < 1 ? 2 : 1)} % of ${span(end - all[0].from)}`;
  return html`
    <span class="strip" role="img" aria-label=${words} title=${words}>
      ${all.map((one) => html`
        <i class=${`status-${one.status}`} title=${`${one.status} ${span(one.to - one.from)}, from ${local(new Date(one.from).toISOString())}${one.reason ? `: ${one.reason}` : ""}`}
          style=${{ left: `${((one.from - (end - WINDOW_MS)) / WINDOW_MS) * 100}%`, width: `${((one.to - one.from) / WINDOW_MS) * 100}%` }}></i>
      `)}
    </span>
    <small class="hint">${words}</small>
  `;
}
