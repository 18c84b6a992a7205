// One instrument: candles, book, depth, trades, facts. On a phone one of them at a time.

import { useEffect, useState } from "preact/hooks";
import { html } from "../../core/html.js";
import { stepAt } from "../../core/prices.js";
import { record } from "../../core/recorder.js";
import { go, link as address, setQuery } from "../../core/router.js";
import { exchanges, instrument } from "../../core/server.js";
import { user } from "../../core/session.js";
import { style } from "../../core/style.js";
import { firstInstrument, InstrumentPicker } from "../../parts/instrument_picker.js";
import { useBook } from "../../parts/live_book.js";
import { ProblemText } from "../../parts/problem.js";
import { BookBadge } from "../../parts/status.js";
import { useKey } from "../../shell/keys.js";
import { ALL_INTERVALS, INTERVALS } from "./candle_data.js";
import { CandleChart } from "./candles.js";
import { DepthChart } from "./depth.js";
import { Facts } from "./facts.js";
import { Ladder } from "./ladder.js";
import { useOwnOrders } from "./own_orders.js";
import { Trades } from "./trades.js";

await style("views/market/market.css");

const TABS = { chart: "Chart", book: "Book", depth: "Depth", trades: "Trades", facts: "Facts" };

/** @param {{args: string[], query: Record<string, string>}} props */
export default function Market({ args, query }) {
  const [firstExchange, firstSymbol] = firstInstrument();
  const exchange = args[0] || firstExchange;
  const symbol = (args[1] || firstSymbol).toUpperCase();
  const tab = query.tab && query.tab in TABS ? query.tab : "chart";
  const interval = ALL_INTERVALS.includes(query.interval) ? query.interval : "1m";
  const facts = useFacts(exchange, symbol);
  const { book, problem } = useBook(exchange, symbol, { depth: 100, own: Boolean(user.value) });
  const own = useOwnOrders(exchange, symbol);
  useEffect(() => void record(exchange, symbol), [exchange, symbol]);
  const choose = (/** @type {string} */ where, /** @type {string} */ what) => go(["market", where, what], { ...query, group: undefined });
  useKey("i", "next interval of the candles", () => {
    setQuery({ interval: INTERVALS[(INTERVALS.indexOf(interval) + 1) % INTERVALS.length] });
  });
  const drawn = exchange === "aggregate" ? facts?.exchange : exchange;
  return html`
    <h1 class="visually-hidden">${symbol} on ${exchange}</h1>
    <div class="row market-top">
      <${InstrumentPicker} exchange=${exchange} symbol=${symbol} onChoose=${choose} />
      <${BookBadge} book=${book} />
      <a href=${address(["heatmap", exchange, symbol])}>Heat map</a>
      <a href=${address(["ticket", exchange, symbol])}>Trade</a>
    </div>
    <${ProblemText} error=${problem} />
    <${Tabs} current=${tab} />
    <div class="market" data-tab=${tab}>
      <section class="card chart-card" aria-label="Candles">
        <${Intervals} current=${interval} from=${exchange === "aggregate" && drawn ? drawn : ""} />
        ${drawn ? html`<${CandleChart} exchange=${drawn} symbol=${symbol} interval=${interval} tick=${facts ? stepAt(facts, book?.asks?.[0]?.[0]) : "0.01"} own=${own} />` : null}
      </section>
      <${DepthChart} book=${book} symbol=${symbol} facts=${facts} />
      <${Facts} exchange=${exchange} symbol=${symbol} facts=${facts} />
      <${Ladder} book=${book} exchange=${exchange} symbol=${symbol} facts=${facts} group=${query.group || ""} />
      <${Trades} exchange=${exchange} symbol=${symbol} facts=${facts} />
    </div>
  `;
}

/** @param {{current: string}} props */
function Tabs({ current }) {
  return html`
    <div class="tabs market-tabs" role="group" aria-label="What is shown">
      ${Object.entries(TABS).map(([name, words]) => html`<button type="button" aria-pressed=${name === current} onClick=${() => setQuery({ tab: name })}>${words}</button>`)}
    </div>
  `;
}

/** @param {{current: string, from: string}} props */
function Intervals({ current, from }) {
  const all = INTERVALS.includes(current) ? INTERVALS : [...INTERVALS, current];
  return html`
    <header class="row">
      <div class="tabs" role="group" aria-label="Interval of the candles">
        ${all.map((one) => html`<button type="button" aria-pressed=${one === current} onClick=${() => setQuery({ interval: one })}>${one}</button>`)}
      </div>
      ${from ? html`<span class="hint">candles of ${from}</span>` : null}
    </header>
  `;
}

/** undefined: asked for; null: not listed. @param {string} exchange @param {string} symbol */
function useFacts(exchange, symbol) {
  const [found, setFound] = useState(/** @type {{of: string, facts: any}} */ ({ of: "", facts: undefined }));
  const name = `${exchange} ${symbol}`;
  const counts = exchanges.value.map((one) => one.instruments).join();
  useEffect(() => {
    let isWanted = true;
    instrument(exchange, symbol).then((facts) => isWanted && setFound({ of: name, facts }), () => undefined);
    return () => {
      isWanted = false;
    };
  }, [name, counts]);
  return found.of === name ? found.facts : undefined;
}
