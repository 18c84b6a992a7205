// How much lies how far from the middle: both sides added up, drawn over the price.

import { useEffect, useRef, useState } from "preact/hooks";
import { isLost } from "../../core/feed.js";
import { assets, groupedOnGrid, plain } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { stepAt } from "../../core/prices.js";
import { color, onTheme } from "../../core/theme.js";
import { middle, rungs } from "./grouping.js";

/** @typedef {import("./grouping.js").Rung} Rung */

/** @param {{book: any, symbol: string, facts: any}} props */
export function DepthChart({ book, symbol, facts }) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [pointed, setPointed] = useState(/** @type {number | null} */ (null));
  const [changes, setChanges] = useState(0);
  const sides = book ? { bids: rungs(book.bids, "bids"), asks: rungs(book.asks, "asks") } : { bids: [], asks: [] };
  useEffect(() => {
    const again = () => setChanges((count) => count + 1);
    const watch = new ResizeObserver(again);
    if (canvas.current) watch.observe(canvas.current);
    const end = onTheme(again);
    return () => {
      watch.disconnect();
      end();
    };
  }, []);
  useEffect(() => {
    if (canvas.current) draw(canvas.current, sides, pointed);
  }, [book, pointed, changes]);
  const found = pointed === null ? null : at(sides, pointed);
  const move = (/** @type {PointerEvent} */ event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    setPointed((event.clientX - box.left) / box.width);
  };
  return html`
    <section class="card depth" aria-label="Depth">
      <header class="row"><h2>Depth</h2><span class="hint grow">${found ? words(found, symbol, facts) : summary(sides, symbol, book)}</span></header>
      <div class="depth-place"><canvas class=${classes("depth-chart", book && (book.status !== "live" || isLost()) && "outdated")} ref=${canvas} role="img" aria-label=${`Depth of ${symbol}: ${summary(sides, symbol, book)}`}
        onPointerMove=${move} onPointerLeave=${() => setPointed(null)}></canvas></div>
    </section>
  `;
}

/** @param {{bids: Rung[], asks: Rung[]}} sides @param {string} symbol @param {any} book */
function summary({ bids, asks }, symbol, book) {
  if (!book || !middle(book)) return "a side of the book is empty";
  const [base] = assets(symbol);
  const whole = (/** @type {Rung[]} */ side) => `${plain(side[side.length - 1].total.toFixed())} ${base} in the best ${side.length} levels`;
  return `bids: ${whole(bids)} · asks: ${whole(asks)}`;
}

/** @param {{side: string, rung: Rung}} found @param {string} symbol @param {any} facts */
function words({ side, rung }, symbol, facts) {
  const [base, quote] = assets(symbol);
  return `${side === "bids" ? "down" : "up"} to ${groupedOnGrid(rung.price, stepAt(facts, rung.price))} ${quote}: ${plain(rung.total.toFixed())} ${base}`;
}

/** The least and the greatest price, for pixels. @param {{bids: Rung[], asks: Rung[]}} sides @returns {[number, number]} */
function range({ bids, asks }) {
  const all = [...bids, ...asks].map((rung) => Number(rung.price));
  return [Math.min(...all), Math.max(...all)];
}

/** @param {{bids: Rung[], asks: Rung[]}} sides @param {number} share of the width */
function at(sides, share) {
  if (!sides.bids.length || !sides.asks.length) return null;
  const [least, most] = range(sides);
  const price = least + share * (most - least);
  const ask = sides.asks.filter((rung) => Number(rung.price) <= price).pop();
  if (ask) return { side: "asks", rung: ask };
  const bid = sides.bids.filter((rung) => Number(rung.price) >= price).pop();
  return bid ? { side: "bids", rung: bid } : null;
}

/** @param {HTMLCanvasElement} canvas @param {{bids: Rung[], asks: Rung[]}} sides @param {number | null} pointed */
function draw(canvas, sides, pointed) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (!width || !height) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.scale(ratio, ratio);
  if (!sides.bids.length && !sides.asks.length) return;
  const [least, most] = range(sides);
  const top = Math.max(...[sides.bids, sides.asks].map((side) => Number(side[side.length - 1]?.total || 0))) || 1;
  const x = (/** @type {string} */ price) => ((Number(price) - least) / (most - least || 1)) * width;
  const y = (/** @type {any} */ total) => height - 16 - (Number(total) / top) * (height - 22);
  stairs(pen, sides.bids, "buy", x, y, height, 0);
  stairs(pen, sides.asks, "sell", x, y, height, width);
  labels(pen, width, height, least, most);
  if (pointed === null) return;
  pen.fillStyle = color("soft");
  pen.fillRect(pointed * width, 0, 1, height - 16);
}

/** @param {CanvasRenderingContext2D} pen @param {Rung[]} rungs @param {string} name @param {(price: string) => number} x @param {(total: any) => number} y @param {number} height @param {number} edge */
function stairs(pen, rungs, name, x, y, height, edge) {
  if (!rungs.length) return;
  const line = new Path2D();
  line.moveTo(x(rungs[0].price), height - 16);
  rungs.forEach((rung, index) => {
    line.lineTo(x(rung.price), y(rung.total));
    line.lineTo(rungs[index + 1] ? x(rungs[index + 1].price) : edge, y(rung.total));
  });
  const area = new Path2D(line);
  area.lineTo(edge, height - 16);
  area.closePath();
  pen.fillStyle = color(`${name}-soft`);
  pen.fill(area);
  pen.strokeStyle = color(name);
  pen.lineWidth = 1.5;
  pen.stroke(line);
}

/** @param {CanvasRenderingContext2D} pen @param {number} width @param {number} height @param {number} least @param {number} most */
function labels(pen, width, height, least, most) {
  const count = width < 420 ? 3 : 5;
  const decimals = Math.max(0, Math.min(8, 2 - Math.floor(Math.log10((most - least) / count || 1))));
  pen.font = "11px system-ui, sans-serif";
  pen.fillStyle = color("soft");
  for (let index = 0; index < count; index += 1) {
    const share = index / (count - 1);
    pen.textAlign = index === 0 ? "left" : index === count - 1 ? "right" : "center";
    pen.fillText((least + share * (most - least)).toFixed(decimals), share * width, height - 3);
  }
}
