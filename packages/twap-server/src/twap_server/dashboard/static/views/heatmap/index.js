// The last 15 minutes of a book's depth as colour over time and price. It records while the page is open.

import { useEffect, useRef, useState } from "preact/hooks";
import { isLost } from "../../core/feed.js";
import { user } from "../../core/session.js";
import { assets, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { stepAt } from "../../core/prices.js";
import { record } from "../../core/recorder.js";
import { go, link as address, setQuery } from "../../core/router.js";
import { instrument } from "../../core/server.js";
import { style } from "../../core/style.js";
import { local, now, span } from "../../core/time.js";
import { firstInstrument, InstrumentPicker } from "../../parts/instrument_picker.js";
import { ageInWords, useBook } from "../../parts/live_book.js";
import { ProblemText } from "../../parts/problem.js";
import { BookBadge } from "../../parts/status.js";
import { useKey } from "../../shell/keys.js";
import { useOwnOrders } from "../market/own_orders.js";
import { live } from "./camera.js";
import { Plot } from "./plot.js";

await style("views/heatmap/heatmap.css");

const SPANS = { 60: "1 min", 300: "5 min", 900: "15 min" };

/** @param {{args: string[], query: Record<string, string>}} props */
export default function HeatMap({ args, query }) {
  const [firstExchange, firstSymbol] = firstInstrument();
  const exchange = args[0] || firstExchange;
  const symbol = (args[1] || firstSymbol).toUpperCase();
  const { book, problem } = useBook(exchange, symbol, { depth: 100 });
  const running = record(exchange, symbol);
  const choose = (/** @type {string} */ where, /** @type {string} */ what) => go(["heatmap", where, what], query);
  return html`
    <h1 class="visually-hidden">Heat map of ${symbol} on ${exchange}</h1>
    <div class="row heat-top">
      <${InstrumentPicker} exchange=${exchange} symbol=${symbol} onChoose=${choose} />
      <${BookBadge} book=${book} />
      <a href=${address(["market", exchange, symbol])}>Market</a>
    </div>
    <${ProblemText} error=${problem || (running.problem ? new Error(running.problem) : null)} />
    <${Map} key=${`${exchange} ${symbol}`} exchange=${exchange} symbol=${symbol} running=${running} book=${book} seconds=${Number(query.span)} />
  `;
}

/** @param {{exchange: string, symbol: string, running: import("../../core/recorder.js").Running, book: any, seconds: number}} props */
function Map({ exchange, symbol, running, book, seconds }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {Plot | null} */ (null));
  const [camera, setCamera] = useState(() => ({ ...live(), span: 1000 * (seconds || fitting(running.recording)) }));
  const [words, setWords] = useState("");
  const own = useOwnOrders(exchange, symbol);
  const [base, quote] = assets(symbol);
  useEffect(() => {
    let isWanted = true;
    instrument(exchange, symbol).catch(() => null).then((facts) => {
      if (!isWanted || !place.current) return;
      const tick = plain(stepAt(facts, book?.asks?.[0]?.[0]));
      plot.current = new Plot(place.current, running.recording, {
        tick: Number(tick), decimals: tick.split(".")[1]?.length || 0, unit: base, camera, onCamera: setCamera, onPoint: setWords,
      });
      plot.current.fills = dotsOf(own);
    });
    return () => {
      isWanted = false;
      plot.current?.end();
      plot.current = null;
    };
  }, []);
  useEffect(() => {
    if (!plot.current) return;
    plot.current.fills = dotsOf(own);
    plot.current.ask();
  }, [own]);
  useKey("l", "heat map: go live", () => plot.current?.set({ ...camera, end: null, centre: null }));
  const show = (/** @type {string} */ length) => {
    setQuery({ span: length });
    plot.current?.set({ ...camera, span: Number(length) * 1000, end: null });
  };
  const isLive = camera.end === null && camera.centre === null;
  return html`
    <section class="card heat" aria-label="Heat map">
      <header class="row">
        <div class="heat-tabs" role="group" aria-label="Length of time">
          ${Object.entries(SPANS).map(([length, name]) => html`<button type="button" aria-pressed=${camera.span === Number(length) * 1000} onClick=${() => show(length)}>${name}</button>`)}
        </div>
        <span class="heat-tabs" role="group" aria-label="Price">
          <button type="button" aria-label="Show fewer prices" title="Fewer prices ( ] )" onClick=${() => plot.current?.zoom(1, 0.7)}>+</button>
          <button type="button" aria-label="Show more prices" title="More prices ( [ )" onClick=${() => plot.current?.zoom(1, 1 / 0.7)}>−</button>
        </span>
        <button type="button" class=${`pill ${isLive ? "quiet" : "primary"}`} disabled=${isLive} onClick=${() => plot.current?.set({ ...camera, end: null, centre: null })}>${isLive ? "● live" : "Go live"}</button>
        <span class="hint grow heat-words">${words}</span>
      </header>
      <div class="heat-plot" ref=${place} tabindex="0" role="application" aria-label=${`Depth of ${symbol} over time and price. Arrows move, plus and minus change the time shown, brackets the prices, L goes live.`}>
        <canvas class="under"></canvas><canvas class="over"></canvas>
      </div>
      <${Foot} recording=${running.recording} book=${book} quote=${quote} isSignedIn=${Boolean(user.value)} />
    </section>
  `;
}

/** The seconds that are shown at first: not much more than there is. @param {import("../../core/recording.js").Recording} recording */
function fitting(recording) {
  return recording.last - recording.first < 120 ? 60 : 300;
}

/** @param {{recording: import("../../core/recording.js").Recording, book: any, quote: string, isSignedIn: boolean}} props */
function Foot({ recording, book, quote, isSignedIn }) {
  const since = recording.first ? new Date(recording.first * 1000).toISOString() : "";
  const length = since ? span(Math.max(0, Math.min(now.value - recording.first * 1000, 900_000))) : "";
  const isOld = isLost() || (book && book.status !== "live");
  const why = isLost() ? "the connection is lost" : book?.reason || book?.status;
  return html`
    <p class="heat-foot hint">
      ${since ? html`<span>Recorded while this page is open: since <strong>${local(since)}</strong>, ${length} kept.</span>` : html`<span>Recording begins with the first live book.</span>`}
      ${isOld ? html`<span class="bad">Not live: ${why} · ${ageInWords(book)}</span>` : null}
      <span><i class="line buy"></i> best bid <i class="line sell"></i> best ask, ${quote}</span>
      <span><i class="dot buy"></i> bought <i class="dot sell"></i> sold by takers</span>
      ${isSignedIn ? html`<span><i class="dot mine"></i> your fills</span>` : null}
    </p>
  `;
}

/** @param {import("../market/own_orders.js").Own} own @returns {import("../../core/recording.js").Dot[]} */
function dotsOf(own) {
  return [...own.fills.values()].map((fill) => ({ at: Date.parse(fill.time), price: Number(fill.price), quantity: Number(fill.quantity), side: fill.side }));
}
