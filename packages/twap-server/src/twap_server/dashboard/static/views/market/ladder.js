// The book as a ladder: how much at which price, what you took of it, what a sweep would cost; a click makes a limit of a rung.

import Big from "big.js";
import { useMemo, useState } from "preact/hooks";
import { classes, html } from "../../core/html.js";
import { fill } from "../../core/draft.js";
import { isLost } from "../../core/feed.js";
import { assets, grouped, groupedOnGrid, onGrid, percent, plain } from "../../core/format.js";
import { stepAt } from "../../core/prices.js";
import { link as address, setQuery } from "../../core/router.js";
import { exchanges } from "../../core/server.js";
import { toast } from "../../parts/toasts.js";
import { ageInWords } from "../../parts/live_book.js";
import { useKey } from "../../shell/keys.js";
import { average, middle, rungs, shares, steps } from "./grouping.js";

/** @typedef {import("./grouping.js").Rung} Rung */
/** @typedef {import("./grouping.js").Side} Side */

const ROWS = 13;
const PROOFS = {
  sequence: ["PROOF: SEQUENCE", "The exchange numbers its changes: a lost one is noticed, and the book is fetched anew."],
  checksum: ["PROOF: CHECKSUM", "The exchange sends a checksum of the book with its changes, and each is compared."],
  whole: ["WHOLE BOOK", "Each message of the exchange is the whole book: a lost one is made good by the next."],
  none: ["NO PROOF", "The exchange sends nothing by which a lost change would be noticed."],
};

/** @param {{book: any, exchange: string, symbol: string, facts: any, group: string, canTrade?: boolean}} props `book` with up to 100 levels */
export function Ladder({ book, exchange, symbol, facts, group, canTrade = true }) {
  const [pointed, setPointed] = useState(/** @type {{side: Side, index: number} | null} */ (null));
  const best = book?.asks[0]?.[0] || book?.bids[0]?.[0] || "0";
  const offered = steps(stepAt(facts, best), best);
  const step = offered.slice(1).includes(group) ? group : "";
  const sides = useMemo(() => sidesOf(book, step), [book, step]);
  useKey("g", "put prices of the ladder together in larger steps", () => {
    const place = Math.max(0, offered.indexOf(step));
    const next = offered[(place + 1) % Math.max(1, offered.length)];
    setQuery({ group: next === offered[0] ? undefined : next });
  });
  const choose = (/** @type {Side} */ side, /** @type {Rung} */ rung) => {
    if (!canTrade) return setPointed({ side, index: sides[side].indexOf(rung) });
    const way = side === "asks" ? "buy" : "sell";
    fill({ exchange, symbol, side: way, price: plain(rung.price) });
    toast(`In the ticket: ${way} ${symbol}, limit ${plain(rung.price)} ${assets(symbol)[1]}. Press t to go there.`);
  };
  const unit = assets(symbol);
  const isOld = book && (book.status !== "live" || isLost());
  const point = pointed && sides[pointed.side][pointed.index];
  return html`
    <section class="card ladder" aria-label="Order book">
      <header class="row">
        <h2>Book</h2>
        <${Proof} exchange=${exchange} />
        <label class="row grow end"><span class="hint">step</span>
          <select aria-label="Step of prices" value=${step} onChange=${(/** @type {any} */ event) => setQuery({ group: event.currentTarget.value })}>
            ${offered.map((one, index) => html`<option value=${index ? one : ""} selected=${(index ? one : "") === step}>${one}</option>`)}
          </select>
        </label>
      </header>
      <${Standing} book=${book} />
      <div class=${classes("rungs", isOld && "outdated")} onKeyDown=${walk} onMouseLeave=${() => setPointed(null)}>
        <div class="rung head" aria-hidden="true"><span>price <i>${unit[1]}</i></span><span>quantity <i>${unit[0]}</i></span><span>total <i>${unit[0]}</i></span></div>
        ${rows("asks", sides, facts, unit, setPointed, choose)}
        <${Spread} book=${book} tick=${stepAt(facts, best)} unit=${unit[1]} />
        ${rows("bids", sides, facts, unit, setPointed, choose)}
      </div>
      <${Sweep} rung=${point} side=${pointed?.side} mid=${book ? middle(book) : ""} facts=${facts} unit=${unit} />
      ${exchange === "aggregate" ? html`<${Shares} book=${book} unit=${unit[0]} />` : null}
      <p class="hint legend">
        ${book?.own ? html`<span class="swatch taken"></span> you took it, and it has not grown back. ` : null}
        ${canTrade ? "" : `The best ${ROWS} prices a side; the depth is drawn of all ${Math.max(book?.bids.length || 0, book?.asks.length || 0)} levels that were kept. `}
        ${canTrade ? html`A click makes a limit of a price: <a href=${address(["ticket"])}>ticket</a>.` : null}
      </p>
    </section>
  `;
}

/** @param {any} book @param {string} step @returns {Record<Side, Rung[]>} */
function sidesOf(book, step) {
  const one = (/** @type {Side} */ side) => {
    const levels = book?.[side] || [];
    return rungs(levels, side, { step, taken: book?.own?.[side], sources: book?.sources?.[side], isCut: levels.length >= 100 }).slice(0, ROWS);
  };
  return { bids: one("bids"), asks: one("asks") };
}

/** @param {Side} side @param {Record<Side, Rung[]>} sides @param {any} facts @param {string[]} unit @param {(at: {side: Side, index: number}) => void} point @param {(side: Side, rung: Rung) => void} choose */
function rows(side, sides, facts, unit, point, choose) {
  const list = sides[side];
  const most = [...sides.bids, ...sides.asks].reduce((top, rung) => (rung.quantity.gt(top) ? rung.quantity : top), new Big(0));
  const made = [];
  for (let index = 0; index < ROWS; index += 1) {
    const rung = list[index];
    if (!rung) made.push(html`<div key=${`${side}${index}`} class="rung empty" aria-hidden="true"><span></span></div>`);
    else made.push(html`<${Row} key=${`${side}${index}`} ...${{ rung, side, index, most, facts, unit, point, choose }} />`);
  }
  return html`<div role="group" aria-label=${side === "asks" ? "Asks: offered for sale" : "Bids: wanted"} class=${`side ${side}`}>${side === "asks" ? made.reverse() : made}</div>`;
}

/** @param {any} props */
function Row({ rung, side, index, most, facts, unit, point, choose }) {
  const width = most.gt(0) ? Number(rung.quantity.div(most)) * 100 : 0;
  const own = rung.quantity.gt(0) ? Number(rung.taken.div(rung.quantity)) * width : 0;
  const quantity = onGrid(rung.quantity.toFixed(), facts?.lot_size || "0");
  const took = rung.taken.gt(0) ? `, you took ${plain(rung.taken.toFixed())} of it` : "";
  const from = rung.sources.join(" and ");
  const here = () => point({ side, index });
  return html`
    <button type="button" class=${classes("rung", index === 0 && "best")} tabindex=${index === 0 ? 0 : -1} title=${from}
      onMouseEnter=${here} onFocus=${here} onClick=${() => choose(side, rung)}>
      <b class="bar" style=${{ width: `${width}%` }}></b>
      ${own > 0 ? html`<b class="bar taken" style=${{ width: `${own}%` }}></b>` : null}
      <span class=${`price ${side === "asks" ? "sell" : "buy"}`}><i class="visually-hidden">${side === "asks" ? "ask" : "bid"} </i>${onGrid(rung.price, stepAt(facts, rung.price))}</span>
      <span class="quantity">${quantity}<i class="visually-hidden"> ${unit[0]}${took}${from && `, of ${from}`}; total </i></span><span class="soft total">${onGrid(rung.total.toFixed(), facts?.lot_size || "0")}</span>
    </button>
  `;
}

/** Up and down through the rungs, whatever side they are on. @param {KeyboardEvent} event */
function walk(event) {
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!way) return;
  event.preventDefault();
  const all = [.../** @type {HTMLElement} */ (event.currentTarget).querySelectorAll("button.rung")];
  const at = all.indexOf(/** @type {Element} */ (document.activeElement));
  /** @type {HTMLElement | undefined} */ (all[at + way])?.focus();
}

/** @param {{exchange: string}} props */
function Proof({ exchange }) {
  const integrity = exchanges.value.find((one) => one.name === exchange)?.integrity;
  if (!integrity) return null;
  const [words, meaning] = PROOFS[/** @type {keyof typeof PROOFS} */ (integrity)] || [integrity.toUpperCase(), ""];
  return html`<span class=${`badge ${integrity === "none" ? "status-stale" : "status-live"}`} title=${meaning}>${words}</span>`;
}

/** How the book stands, and how old it is; who is missing in a merged one. @param {{book: any}} props */
function Standing({ book }) {
  if (!book) return html`<p class="standing hint">Waiting for the book…</p>`;
  const missing = book.missing?.length ? ` · not in it: ${book.missing.join(", ")}` : "";
  const crossed = book.crossed ? " · crossed: one exchange bids at least what another asks" : "";
  if (isLost()) return html`<p class="standing warn">Not current: the connection is lost · ${ageInWords(book)}</p>`;
  if (book.status !== "live") return html`<p class="standing bad">Not live: ${book.reason || book.status} · ${ageInWords(book)}${missing}</p>`;
  return html`<p class="standing hint"><span class="good">● live</span> · ${ageInWords(book)}${missing || crossed ? html`<span class="warn">${missing}${crossed}</span>` : null}</p>`;
}

/** @param {{book: any, tick: string, unit: string}} props */
function Spread({ book, tick, unit }) {
  const mid = book ? middle(book) : "";
  if (!mid) return html`<div class="spread"><span class="soft">no spread: a side is empty</span></div>`;
  const width = new Big(book.asks[0][0]).minus(book.bids[0][0]);
  const bps = width.times(10_000).div(mid).toFixed(width.times(10_000).lt(mid) ? 3 : 1, Big.roundHalfEven);
  return html`<div class="spread"><strong>${groupedOnGrid(mid, tick)}</strong> <span class="soft">mid · spread ${onGrid(width.toFixed(), tick)} ${unit}, ${bps} bps</span></div>`;
}

/** @param {{rung: Rung | null | undefined, side: Side | undefined, mid: string, facts: any, unit: string[]}} props */
function Sweep({ rung, side, mid, facts, unit }) {
  if (!rung) return html`<p class="sweep hint">Point at a price: what it costs to take all up to it.</p>`;
  const decimals = (plain(facts ? stepAt(facts, rung.price) : "0.01").split(".")[1]?.length || 0) + 2;
  const price = average(rung, decimals);
  const off = mid && price !== "–" ? new Big(price).minus(mid).abs().times(10_000).div(mid).toFixed(1, Big.roundHalfEven) : "";
  return html`
    <p class="sweep">
      <strong class=${side === "asks" ? "buy" : "sell"}>${side === "asks" ? "Buy" : "Sell"}</strong> ${plain(rung.sweepQuantity.toFixed())} ${unit[0]} ${side === "asks" ? "up" : "down"} to this price:
      average <strong>${grouped(price)}</strong>, ${side === "asks" ? "cost" : "proceeds"} <strong>${grouped(rung.sweepCost.toFixed())}</strong> ${unit[1]}${off ? `, ${off} bps from mid` : ""}
      ${rung.taken.gt(0) ? html`<span class="soft"> (without what you took)</span>` : null}
    </p>
  `;
}

/** @param {{book: any, unit: string}} props */
function Shares({ book, unit }) {
  if (!book) return null;
  const found = shares(book);
  const whole = found.reduce((sum, [, quantity]) => sum.plus(quantity), new Big(0));
  return html`
    <p class="shares"><span class="hint">Of these levels:</span>
      ${found.map(([name, quantity]) => html`<span class="badge" title=${`${plain(quantity.toFixed())} ${unit}`}>${name} ${percent(quantity.toFixed(), whole.toFixed())}</span>`)}
    </p>
  `;
}
