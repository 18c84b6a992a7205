// Candles with volume, the one that forms, older ones when scrolled to, own limits as lines and own fills as marks.

import Big from "big.js";
import { CandlestickSeries, createChart, createSeriesMarkers, HistogramSeries } from "lightweight-charts";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, Problem } from "../../core/api.js";
import { isLost, onCandles, returns } from "../../core/feed.js";
import { assets, grouped, groupedOnGrid, plain } from "../../core/format.js";
import { classes, html } from "../../core/html.js";
import { color, onTheme } from "../../core/theme.js";
import { local } from "../../core/time.js";
import { ProblemText } from "../../parts/problem.js";
import { bar, Candles, secondOf, volume } from "./candle_data.js";
import { isOpen } from "./own_orders.js";

/** @typedef {import("./own_orders.js").Own} Own */

/** Few at first, so that the page is there soon; more when one scrolls back. */
const FIRST = 150;
const PAGE = 300;
const NEAR_THE_EDGE = 30;

/** @param {{exchange: string, symbol: string, interval: string, tick: string, own: Own}} props */
export function CandleChart({ exchange, symbol, interval, tick, own }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const chart = useRef(/** @type {Shown | null} */ (null));
  const [state, setState] = useState({ isLoading: true, error: /** @type {Error | null} */ (null), note: "", pointed: /** @type {any} */ (null), tries: 0 });
  useEffect(() => {
    const shown = new Shown(/** @type {HTMLElement} */ (place.current), exchange, symbol, interval, tick, (changes) => setState((before) => ({ ...before, ...changes })));
    chart.current = shown;
    shown.mark(own);
    return () => {
      chart.current = null;
      shown.end();
    };
  }, [exchange, symbol, interval, tick, state.tries]);
  useEffect(() => chart.current?.mark(own), [own]);
  useEffect(() => {
    if (returns.value) chart.current?.load({ limit: FIRST }); // those that closed while the server was away
  }, [returns.value]);
  const again = () => setState((before) => ({ ...before, error: null, note: "", isLoading: true, tries: before.tries + 1 }));
  return html`
    <div class=${classes("candles", isLost() && "outdated")}>
      <${Legend} candle=${state.pointed} tick=${tick} symbol=${symbol} />
      ${state.isLoading ? html`<p class="hint over">Loading candles…</p>` : null}
      ${state.note ? html`<p class="hint">${state.note}</p>` : null}
      <${ProblemText} error=${state.error} onRetry=${again} />
      <div class="chart"><div ref=${place} role="img" aria-label=${`Candles of ${symbol} on ${exchange}, ${interval} each`}></div></div>
    </div>
  `;
}

/** The candle that is pointed at, or the newest, exact. @param {{candle: any, tick: string, symbol: string}} props */
function Legend({ candle, tick, symbol }) {
  if (!candle) return html`<p class="candle-legend hint">–</p>`;
  const [base, quote] = assets(symbol);
  const one = (/** @type {string} */ name, /** @type {string} */ text) => html`<span><span class="soft">${name}</span> ${groupedOnGrid(text, tick)}</span>`;
  return html`
    <p class="candle-legend number">
      <span class="soft">${local(candle.open_time)}${candle.closed ? "" : " (forming)"}</span>
      ${one("open", candle.open)} ${one("high", candle.high)} ${one("low", candle.low)} ${one("close", candle.close)} <span class="soft">${quote}</span>
      <span><span class="soft">volume</span> ${grouped(plain(candle.volume))} <span class="soft">${base}</span></span>
    </p>
  `;
}

/** A chart on the page: what is in it, and where it gets more. */
class Shown {
  /** @param {HTMLElement} place @param {string} exchange @param {string} symbol @param {string} interval @param {string} tick @param {(changes: any) => void} tell */
  constructor(place, exchange, symbol, interval, tick, tell) {
    this.path = `klines/${exchange}/${symbol}`;
    this.interval = interval;
    this.tell = tell;
    this.candles = new Candles();
    this.stop = new AbortController();
    this.isAsking = false;
    this.isAtTheBegin = false;
    this.isPointing = false;
    /** Times are seconds since 1970, which its own types call by a name of their own. @type {any} */
    this.chart = createChart(place, { autoSize: true, ...looks(), timeScale: { timeVisible: true, secondsVisible: false, rightOffset: 4, tickMarkFormatter: tickMark } });
    this.series = this.chart.addSeries(CandlestickSeries, { priceFormat: format(tick) });
    this.volumes = this.chart.addSeries(HistogramSeries, { priceScaleId: "volume", priceFormat: { type: "volume" }, lastValueVisible: false, priceLineVisible: false });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    /** @type {any} */
    this.marks = createSeriesMarkers(this.series, []);
    /** @type {any[]} */
    this.lines = [];
    /** @type {Own | null} */
    this.own = null;
    this.paint();
    this.endTheme = onTheme(() => this.paint());
    this.chart.timeScale().subscribeVisibleLogicalRangeChange((/** @type {any} */ range) => range && range.from < NEAR_THE_EDGE && this.older());
    this.chart.subscribeCrosshairMove((/** @type {any} */ at) => this.point(at));
    this.endFeed = onCandles(exchange, symbol, interval, (message) => this.hear(message));
    this.load({ limit: FIRST }).then(() => tell({ isLoading: false }));
  }

  end() {
    this.stop.abort();
    this.endFeed();
    this.endTheme();
    this.chart.remove();
  }

  /** @param {Record<string, unknown>} query */
  async load(query) {
    this.isAsking = true;
    try {
      const { body } = await ask("GET", this.path, { query: { interval: this.interval, ...query }, signal: this.stop.signal });
      if (!this.candles.bySecond.size || body.length) this.take(body);
      return body.length;
    } catch (error) {
      const isOver = error instanceof DOMException;
      const isTooOld = query.end_time && error instanceof Problem && error.status === 422;
      if (!isOver && !isTooOld) this.tell({ error, isLoading: false });
      return 0;
    } finally {
      this.isAsking = false;
    }
  }

  /** Ask for what is before the oldest candle. */
  async older() {
    const oldest = this.candles.oldest;
    if (this.isAsking || this.isAtTheBegin || !oldest) return;
    const before = this.candles.order.length;
    await this.load({ limit: PAGE, end_time: oldest.open_time });
    this.isAtTheBegin = this.candles.order.length === before;
  }

  /** @param {any[]} body */
  take(body) {
    this.candles.add(body);
    this.draw();
    this.tellNewest();
  }

  /** @param {any} message */
  hear(message) {
    if (message.type === "error") return this.tell({ note: `The forming candle does not come: ${message.message}.` });
    if (this.candles.add([message]) || !this.candles.order.length) this.draw();
    else this.update(secondOf(message.open_time));
    this.tellNewest();
  }

  /** @param {number} second */
  update(second) {
    const candle = this.candles.at(second);
    if (!candle) return;
    this.series.update(bar(second, candle));
    this.volumes.update(volume(second, candle, color("buy-soft"), color("sell-soft")));
  }

  draw() {
    this.series.setData(this.candles.bars());
    this.volumes.setData(this.candles.volumes(color("buy-soft"), color("sell-soft")));
    if (this.own) this.mark(this.own);
  }

  tellNewest() {
    if (!this.isPointing) this.tell({ pointed: this.candles.newest || null });
  }

  /** @param {any} at */
  point(at) {
    const found = at.time === undefined ? null : this.candles.at(Number(at.time));
    this.isPointing = Boolean(found);
    this.tell({ pointed: found || this.candles.newest || null });
  }

  paint() {
    this.chart.applyOptions(looks());
    this.series.applyOptions({ upColor: color("buy"), downColor: color("sell"), wickUpColor: color("buy"), wickDownColor: color("sell"), borderVisible: false });
    this.draw();
  }

  /** @param {Own} own */
  mark(own) {
    this.own = own;
    for (const line of this.lines) this.series.removePriceLine(line);
    this.lines = [...own.orders.values()].filter((order) => isOpen(order) && order.limit_price !== null && order.limit_price !== undefined).map((order) => this.series.createPriceLine(limitLine(order)));
    this.marks.setMarkers(fillMarks(own, this.candles));
  }
}

/** @param {any} order */
function limitLine(order) {
  return { price: Number(order.limit_price), color: color("mine"), lineWidth: 1, lineStyle: 2, axisLabelVisible: true, title: `${order.side} ${plain(order.remaining_quantity)}` };
}

/** One mark a candle and side, with the sum. @param {Own} own @param {Candles} candles */
function fillMarks(own, candles) {
  /** @type {Map<string, {time: number, side: string, sum: Big}>} */
  const marks = new Map();
  for (const fill of own.fills.values()) {
    const time = candles.secondAt(fill.time);
    if (time === null) continue;
    const name = `${time} ${fill.side}`;
    const before = marks.get(name);
    marks.set(name, { time, side: fill.side, sum: (before?.sum || new Big(0)).plus(fill.quantity) });
  }
  return [...marks.values()]
    .sort((one, other) => one.time - other.time)
    .map(({ time, side, sum }) => ({
      time, color: color("mine"), text: plain(sum.toPrecision(3)),
      position: side === "buy" ? "belowBar" : "aboveBar", shape: side === "buy" ? "arrowUp" : "arrowDown",
    }));
}

function looks() {
  const line = { color: color("line") };
  return {
    layout: { background: { color: "transparent" }, textColor: color("soft"), fontSize: 11, attributionLogo: false },
    grid: { vertLines: line, horzLines: line },
    rightPriceScale: { borderColor: color("line") },
    timeScale: { borderColor: color("line") },
    crosshair: { mode: 0 },
    localization: { timeFormatter: (/** @type {number} */ time) => local(new Date(time * 1000).toISOString()) },
  };
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

/** Local, as everywhere on the page. @param {number} time @param {number} kind 0 year, 1 month, 2 day, 3 and 4 time */
function tickMark(time, kind) {
  return (kind < 3 ? DAY : CLOCK).format(new Date(time * 1000));
}

/** @param {string} tick */
function format(tick) {
  const decimals = plain(tick).split(".")[1]?.length || 0;
  return { type: "price", precision: decimals, minMove: Number(tick) || 1 };
}
