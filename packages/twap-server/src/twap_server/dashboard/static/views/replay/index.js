// The view of a replay: book, trades, price and order as they stood at a moment, which plays, steps and can be linked to.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../../core/api.js";
import { grouped } from "../../core/format.js";
import { html } from "../../core/html.js";
import { setQuery } from "../../core/router.js";
import { style } from "../../core/style.js";
import { hold } from "../../core/time.js";
import { ProblemText } from "../../parts/problem.js";
import { Time } from "../../parts/time.js";
import { DepthChart } from "../market/depth.js";
import { Ladder } from "../market/ladder.js";
import { TradeList } from "../market/trades.js";
import { Controls } from "./controls.js";
import { OrderThen, useHappened } from "./order_then.js";
import { beside, lacking, place } from "./place.js";
import { SPEEDS, strideOf, usePlayer, useScene } from "./player.js";
import { PriceLine } from "./price_line.js";
import { frameAt, momentOf, nameOf, stepped, Timeline } from "./timeline.js";

style("views/market/market.css");
style("views/order/order.css");
style("views/replay/replay.css");

const AT_REST_MS = 250;

/** @typedef {import("./timeline.js").Summary} Summary */

/** @param {{query: Record<string, string>}} props `query.t`: the moment; `book`, `order`, `slice`, `speed` */
export default function View({ query }) {
  const [summary, setSummary] = useState(/** @type {Summary | null} */ (null));
  const [error, setError] = useState(/** @type {Error | null} */ (null));
  const load = () => {
    setError(null);
    get("replay").then(setSummary, setError);
  };
  useEffect(load, []);
  return html`
    <h1 class="theatre-title">Replay <span class="soft">${summary ? summary.recording : ""}</span></h1>
    <${ProblemText} error=${error} onRetry=${load} />
    ${summary ? html`<${Theatre} summary=${summary} query=${query} />` : error ? null : html`<p class="starting">Loading…</p>`}
  `;
}

/** @param {{summary: Summary, query: Record<string, string>}} props */
function Theatre({ summary, query }) {
  const count = Number(summary.frames);
  const speed = SPEEDS.find((one) => String(one) === query.speed) || 1;
  const asked = query.t ? frameAt(summary, Date.parse(query.t)) : 0;
  const ready = useRef(/** @type {() => boolean} */ (() => false));
  const player = usePlayer(count, asked, speed, () => ready.current());
  const at = shownBook(summary, query);
  const timeline = useMemo(() => new Timeline(at, count), [at, count]);
  const every = player.isPlaying ? strideOf(speed) : 1;
  const { scene, error, isReady, again } = useScene(timeline, player.number, every);
  ready.current = isReady;
  const ms = momentOf(summary, scene?.number ?? player.number);
  useEffect(() => hold(ms), [ms]);
  useEffect(() => () => hold(null), []);
  const chosen = summary.orders.find((one) => one.order.token_id === query.order) || summary.orders[0];
  const token = chosen?.order.token_id || "";
  const astray = useMoments(summary, player, query, token);
  const { happened, error: failure } = useHappened(chosen?.order, ms);
  const choose = (/** @type {string} */ index) => setQuery({ slice: index === query.slice ? "" : index });
  const seek = (/** @type {number} */ moment) => player.seek(frameAt(summary, moment));
  const step = (/** @type {1 | -1} */ way) => {
    const found = chosen && stepped(chosen.slices, summary, player.number, query.slice || "", way);
    if (!found) return;
    player.seek(found.number);
    place(token, nameOf(summary, found.number), { slice: found.index });
  };
  const book = summary.books[at];
  const order = scene && chosen ? scene.orders[chosen.order.token_id] || null : null;
  return html`
    <${About} summary=${summary} />
    <div class="theatre" data-number=${scene?.number}>
      <${Controls} summary=${summary} player=${player} speed=${speed} isWaiting=${!isReady()} step=${step} token=${token} canStep=${Boolean(chosen?.slices.length)} />
      ${[...lacking(summary, query), astray].filter(Boolean).map((one) => html`<p class="warning" role="status">${one}</p>`)}
      <${ProblemText} error=${error} onRetry=${again} />
      <${Choices} summary=${summary} book=${at} token=${token} />
      <div class="market theatre-market">
        <section class="card chart-card" aria-label="Price"><h2>Price</h2>
          <${PriceLine} summary=${summary} book=${at} number=${scene?.number ?? player.number} order=${order} happened=${order ? happened : null} chosen=${query.slice || ""} onSeek=${seek} onChoose=${choose} />
        </section>
        <${DepthChart} book=${scene?.book || null} symbol=${book.symbol} facts=${book.instrument} />
        <${Ladder} book=${scene?.book || null} exchange=${book.exchange} symbol=${book.symbol} facts=${book.instrument} group=${query.group || ""} canTrade=${false} />
        <${TradeList} trades=${scene?.trades || []} exchange=${book.exchange} symbol=${book.symbol} facts=${book.instrument} />
      </div>
      ${chosen && scene ? html`<div class="order-page"><${OrderThen} order=${order} last=${chosen.order} happened=${happened} error=${failure} isEnd=${scene.number >= count - 1} chosen=${query.slice || ""} onChoose=${choose} onSeek=${seek} /></div>` : null}
    </div>
  `;
}

/** The book that the address names, or that of the order. @param {Summary} summary @param {Record<string, string>} query */
function shownBook(summary, query) {
  const named = Number(query.book);
  if (query.book && summary.books[named]) return named;
  const order = summary.orders.find((one) => one.order.token_id === query.order)?.order;
  return Math.max(0, summary.books.findIndex((one) => order && one.exchange === order.exchange && one.symbol === order.instrument));
}

/**
 * The address says where one is when the playhead rests, and the playhead goes where the address says.
 * @param {Summary} summary @param {import("./player.js").Player} player @param {Record<string, string>} query @param {string} token
 * @returns {string} why another moment is shown than the address asked for; "": it is that one, or the playhead went on
 */
function useMoments(summary, player, query, token) {
  const wrote = useRef(query.t || "");
  const [asked, setAsked] = useState(() => ({ words: beside(summary, query.t), number: player.number }));
  useEffect(() => {
    if (query.t && query.t !== nameOf(summary, player.number) && query.t !== wrote.current) {
      const number = frameAt(summary, Date.parse(query.t));
      player.seek(number);
      setAsked({ words: beside(summary, query.t), number });
    }
    wrote.current = query.t || "";
  }, [query.t]);
  useEffect(() => {
    if (player.isPlaying || (!query.t && player.number === 0)) return undefined;
    const timer = setTimeout(() => { // browsers bound how often an address may change
      wrote.current = nameOf(summary, player.number);
      if (wrote.current !== query.t) place(query.order || token, wrote.current);
    }, AT_REST_MS);
    return () => clearTimeout(timer);
  }, [player.isPlaying, player.number]);
  return asked.number === player.number && !player.isPlaying ? asked.words : "";
}

/** @param {{summary: Summary}} props */
function About({ summary }) {
  return html`
    <p class="hint">
      Recorded <${Time} iso=${summary.start} /> – <${Time} iso=${summary.end} />, ${grouped(summary.messages)} messages. The orders were executed against it afterwards: the market did not react.
      A frame a second; a slice's own figures are of its own moment, and the times of trades are the exchange's.
    </p>
    ${summary.unread ? html`<p class="warning">Messages that could not be read were skipped: ${summary.unread}</p>` : null}
  `;
}

/** Which order and which book, where there are several. @param {{summary: Summary, book: number, token: string}} props */
function Choices({ summary, book, token }) {
  if (summary.orders.length < 2 && summary.books.length < 2) return null;
  return html`
    <div class="row theatre-choices">
      ${summary.orders.length > 1 ? html`<label class="row">Order <select value=${token} onChange=${(/** @type {any} */ event) => setQuery({ order: event.currentTarget.value, slice: "", book: "" })}>
        ${summary.orders.map(({ order }) => html`<option value=${order.token_id} selected=${order.token_id === token}>${order.token_id}: ${order.side} ${grouped(order.quantity)} ${order.instrument || order.symbol}</option>`)}
      </select></label>` : null}
      ${summary.books.length > 1 ? html`<label class="row">Book <select value=${book} onChange=${(/** @type {any} */ event) => setQuery({ book: event.currentTarget.value })}>
        ${summary.books.map((one, at) => html`<option value=${at} selected=${at === book}>${one.symbol}, ${one.exchange === "aggregate" ? "all exchanges merged" : one.exchange}</option>`)}
      </select></label>` : null}
    </div>
  `;
}
