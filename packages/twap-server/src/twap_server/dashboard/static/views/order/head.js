// What the order is, how far it is, and its facts.

import { assets, grouped, percent, plain, rounded } from "../../core/format.js";
import { html } from "../../core/html.js";
import { inWords, isOpen } from "../../core/orders.js";
import { realismWords } from "../../core/realism.js";
import { link } from "../../core/router.js";
import { server } from "../../core/server.js";
import { strategyWords } from "../../core/strategies.js";
import { now, relative, span } from "../../core/time.js";
import { OrderStatus, Progress } from "../../parts/status.js";
import { Time } from "../../parts/time.js";

/** @param {{order: any, children?: any}} props `children`: what can be done */
export function Head({ order, children }) {
  const [base, quote] = assets(order.instrument || order.symbol);
  const place = order.instrument && !server.value?.theatre ? html`<a href=${link(["market", order.exchange, order.instrument])}>${order.instrument}</a>` : order.instrument || order.symbol;
  return html`
    <section class="card order-head" aria-label="Order">
      <div class="row">
        <h1><span class=${order.side}>${order.side}</span> ${grouped(order.quantity)} ${base}</h1>
        <${OrderStatus} status=${order.status} />
        <span class="soft">${place} on ${order.exchange === "aggregate" ? "all exchanges" : order.exchange}</span>
        <span class="grow"></span>
        <div class="row actions">${children}</div>
      </div>
      <${Progress} filled=${order.filled_quantity} quantity=${order.quantity} label="filled" />
      ${order.reason || order.detail ? html`<p class=${order.status === "Rejected" || order.status === "Failed" ? "problem" : "hint"}>${order.detail || inWords(order.reason)}</p>` : null}
      ${order.warnings.map((/** @type {string} */ one) => html`<p class="warning">${one}</p>`)}
      <dl class="facts">
        ${fact("Filled", html`${grouped(order.filled_quantity)} ${base}`, `${percent(order.filled_quantity, order.quantity)} of ${grouped(order.quantity)}`)}
        ${fact("Average price", order.average_price === null ? "–" : html`<span title=${`${order.average_price}, exactly`}>${grouped(rounded(order.average_price, decimals(order.average_price)))} ${quote}</span>`)}
        ${fact("Limit", order.limit_price === null ? "none" : html`${grouped(order.limit_price)} ${quote}`)}
        ${fact("Window", html`<${Time} iso=${order.start_time} /> – <${Time} iso=${order.end_time} />`, timing(order))}
        ${fact("Strategy", strategyWords(order), parametersOf(order))}
        ${fact("Realism", realismWords(order.realism))}
        ${fact("Slices", html`${grouped(order.slice_count)}, every ${order.interval === null ? "–" : span(Number(order.interval) * 1000)}`)}
        ${fact("Name", html`<code>${order.token_id}</code>`, `revision ${order.revision}`)}
      </dl>
    </section>
  `;
}

/** @param {string} name @param {any} value @param {string} [more] */
function fact(name, value, more) {
  return html`<div><dt>${name}</dt><dd class="number">${value}${more ? html`<span class="soft">${more}</span>` : null}</dd></div>`;
}

const GIVEN = { volatility: ["σ", "% a day"], temporary_impact: ["η", ""], permanent_impact: ["γ", ""], volume_days: ["", "days of candles"] };

/** What else its strategy was asked for with. @param {any} order */
function parametersOf({ strategy_parameters: given }) {
  if (!given) return "";
  const words = Object.entries(GIVEN).map(([name, [before, after]]) => (given[name] === null || given[name] === undefined ? "" : `${before} ${plain(given[name])} ${after}`.trim()));
  return words.filter(Boolean).join(", ");
}

/** @param {any} order */
function timing(order) {
  if (!order.start_time || !isOpen(order.status)) return "";
  return Date.parse(order.start_time) > now.value ? `starts ${relative(order.start_time)}` : `ends ${relative(order.end_time)}`;
}

/** Decimals that show a price to about eight digits. @param {string} price */
export function decimals(price) {
  return Math.min(10, Math.max(2, 6 - Math.floor(Math.log10(Math.abs(Number(price)) || 1))));
}

/** @param {string | null} text */
export function price(text) {
  return text === null || text === "" ? "–" : grouped(plain(rounded(text, decimals(text))));
}
