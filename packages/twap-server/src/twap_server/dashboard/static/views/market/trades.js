// The newest trades of the market, as they come.

import { useEffect, useState } from "preact/hooks";
import { isLost, onTrades } from "../../core/feed.js";
import { assets, onGrid } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { stepAt } from "../../core/prices.js";
import { Time } from "../../parts/time.js";

const KEPT = 60;
const EVERY_MS = 250;

/** @param {{exchange: string, symbol: string, facts: any}} props */
export function Trades({ exchange, symbol, facts }) {
  return html`<${TradeList} ...${useTrades(exchange, symbol)} exchange=${exchange} symbol=${symbol} facts=${facts} />`;
}

/** @param {{trades: any[], problem?: string, exchange: string, symbol: string, facts: any}} props `trades`: newest first */
export function TradeList({ trades, problem, exchange, symbol, facts }) {
  const [base, quote] = assets(symbol);
  return html`
    <section class="card trades" aria-label="Recent trades">
      <header class="row"><h2>Trades</h2></header>
      ${problem ? html`<p class="hint">${problem}</p>` : null}
      ${!problem && !trades.length ? html`<p class="hint">None since this book is collected.</p>` : null}
      <div class=${classes("trade-list", isLost() && "outdated")} tabindex="0" role="region" aria-label="List of trades">
        <table>
          <thead><tr><th>time</th><th class="number">price ${quote}</th><th class="number">quantity ${base}</th>${exchange === "aggregate" ? html`<th>at</th>` : null}</tr></thead>
          <tbody>${trades.map((trade) => row(trade, facts, exchange))}</tbody>
        </table>
      </div>
    </section>
  `;
}

/** @param {any} trade @param {any} facts @param {string} exchange */
function row(trade, facts, exchange) {
  const isBuy = trade.side === "buy";
  const left = Number(trade.left_out || 0);
  return html`
    ${left ? html`<tr key=${`${nameOf(trade)} left`}><td colspan="4" class="hint">${left} trades left out</td></tr>` : null}
    <tr key=${nameOf(trade)}>
      <td><${Time} iso=${trade.time} /></td>
      <td class=${`number ${isBuy ? "buy" : "sell"}`} title=${isBuy ? "a buyer took it" : "a seller took it"}>${isBuy ? "▲" : "▼"} ${onGrid(trade.price, stepAt(facts, trade.price))}</td>
      <td class="number">${onGrid(trade.quantity, facts?.lot_size || "0")}</td>
      ${exchange === "aggregate" ? html`<td class="soft">${trade.exchange}</td>` : null}
    </tr>
  `;
}

/** @param {any} trade */
function nameOf(trade) {
  return `${trade.exchange} ${trade.id}`;
}

/** Newest first; the page is drawn a few times a second, however many come. @param {string} exchange @param {string} symbol */
function useTrades(exchange, symbol) {
  const [shown, setShown] = useState({ trades: /** @type {any[]} */ ([]), problem: "" });
  useEffect(() => {
    /** @type {Map<string, any>} */
    let kept = new Map();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    setShown({ trades: [], problem: "" });
    const show = () => {
      timer = undefined;
      const newest = [...kept.values()].sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0)).slice(-KEPT);
      kept = new Map(newest.map((trade) => [nameOf(trade), trade]));
      setShown({ trades: newest.reverse(), problem: "" });
    };
    const end = onTrades(exchange, symbol, (message) => {
      if (message.type === "error") return setShown({ trades: [], problem: message.message });
      kept.set(nameOf(message), message);
      timer ??= setTimeout(show, EVERY_MS);
      return undefined;
    });
    return () => {
      clearTimeout(timer);
      end();
    };
  }, [exchange, symbol]);
  return shown;
}
