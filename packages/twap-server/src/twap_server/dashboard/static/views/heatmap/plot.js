// The heat map on the page: its two canvases, what moves it, when it is drawn.

import { isDark, onTheme } from "../../core/theme.js";
import { local, now as clock } from "../../core/time.js";
import { frame, LONGEST_MS, pan, zoomPrice, zoomTime } from "./camera.js";
import { palette } from "./colours.js";
import { Grid } from "./grid.js";
import { AXIS, drawOverlay } from "./overlay.js";
import { painterFor } from "./painter.js";

/** @typedef {import("./camera.js").Camera} Camera */
/** @typedef {import("../../core/recording.js").Recording} Recording */
/** @typedef {import("../../core/recording.js").Dot} Dot */

const LOOK_EVERY_MS = 200;

export class Plot {
  /**
   * @param {HTMLElement} place with two canvases
   * @param {Recording} recording
   * @param {{tick: number, decimals: number, unit: string, camera: Camera, onCamera: (camera: Camera) => void, onPoint: (words: string) => void}} options
   */
  constructor(place, recording, options) {
    const [under, over] = place.querySelectorAll("canvas");
    this.place = place;
    this.under = under;
    this.over = over;
    this.recording = recording;
    this.options = options;
    this.camera = options.camera;
    this.grid = new Grid(recording, options.tick);
    this.painter = painterFor(under);
    place.dataset.painter = this.painter.kind;
    /** @type {Dot[]} */
    this.fills = [];
    /** @type {{x: number, y: number} | null} */
    this.cross = null;
    this.middle = 0;
    this.whole = 0;
    this.seen = "";
    this.asked = 0;
    /** @type {Map<number, {x: number, y: number}>} */
    this.pointers = new Map();
    this.stop = new AbortController();
    this.listen();
    this.paint();
  }

  listen() {
    const { place, stop } = this;
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ act) => place.addEventListener(name, act, { signal: stop.signal, passive: false });
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.pointers.delete(event.pointerId));
    on("pointercancel", (event) => this.pointers.delete(event.pointerId));
    on("pointerleave", () => this.point(null));
    on("wheel", (event) => this.wheel(event));
    on("keydown", (event) => this.key(event));
    this.watch = new ResizeObserver(() => this.ask());
    this.watch.observe(place);
    this.endTheme = onTheme(() => this.paint());
    this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  end() {
    this.stop.abort();
    this.watch?.disconnect();
    this.endTheme?.();
    clearInterval(this.timer);
    cancelAnimationFrame(this.asked);
    this.painter.end();
  }

  paint() {
    this.palette = palette(isDark());
    this.painter.setPalette(this.palette);
    this.ask();
  }

  /** Draw if something came, or the second moved on. */
  look() {
    const seen = `${this.recording.version} ${Math.floor(clock.peek() / 1000)}`;
    if (seen === this.seen || document.hidden) return;
    this.seen = seen;
    this.ask();
  }

  ask() {
    this.asked ||= requestAnimationFrame(() => {
      this.asked = 0;
      this.draw();
    });
  }

  /** @param {Camera} camera */
  set(camera) {
    this.camera = camera;
    this.options.onCamera(camera);
    this.ask();
  }

  /** The newest moment there is to show. */
  now() {
    return Math.max(clock.peek(), (this.recording.last + 1) * 1000);
  }

  frame() {
    this.follow();
    return frame(this.camera, this.now(), this.middle, this.whole);
  }

  /** Keep the market in the middle third, without trembling. */
  follow() {
    const { last } = this.recording;
    const [bid, ask] = this.recording.best(last);
    const mid = (bid + ask) / 2 || bid || ask || 0;
    if (!mid) return;
    if (!this.whole) this.whole = extent(this.recording, last) || mid / 100;
    const height = this.camera.height || this.whole;
    if (!this.middle || Math.abs(mid - this.middle) > height / 5) this.middle = mid;
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const { place, under, over } = this;
    const [width, height] = [place.clientWidth, place.clientHeight];
    if (!width || !height) return;
    fit(over, width * ratio, height * ratio);
    fit(under, (width - AXIS.right) * ratio, (height - AXIS.bottom) * ratio);
    const shown = this.frame();
    const hasChanged = this.recording.first > 0 && this.grid.fit(shown.low, shown.high);
    if (this.recording.first) this.painter.draw(this.grid, shown, hasChanged);
    drawOverlay(over, {
      recording: this.recording, frame: shown, fills: this.fills, now: this.now(), decimals: this.options.decimals, bounds: this.grid.bounds,
      palette: /** @type {Uint8Array} */ (this.palette), unit: this.options.unit, cross: this.cross,
    });
  }

  /** @param {PointerEvent} event */
  down(event) {
    this.place.focus({ preventScroll: true });
    this.place.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }

  /** One pointer that is down pulls, two of them zoom, one that is not points. @param {PointerEvent} event */
  move(event) {
    const before = this.pointers.get(event.pointerId);
    const box = this.place.getBoundingClientRect();
    if (!before) return this.point({ x: event.clientX - box.left, y: event.clientY - box.top });
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (other) return this.pinch(before, { x: event.clientX, y: event.clientY }, other, box);
    const shown = this.frame();
    const [right, bottom] = [box.width - AXIS.right, box.height - AXIS.bottom];
    const ms = ((event.clientX - before.x) / right) * (shown.to - shown.from);
    const up = ((event.clientY - before.y) / bottom) * (shown.high - shown.low);
    return this.set(pan(this.camera, ms, up, this.now(), this.middle));
  }

  /** @param {{x: number, y: number}} before @param {{x: number, y: number}} after @param {{x: number, y: number}} other @param {DOMRect} box */
  pinch(before, after, other, box) {
    const [was, is] = [before, after].map((one) => ({ x: Math.max(20, Math.abs(one.x - other.x)), y: Math.max(20, Math.abs(one.y - other.y)) }));
    const place = ((after.x + other.x) / 2 - box.left) / (box.width - AXIS.right);
    this.zoom(is.x > is.y ? was.x / is.x : 1, is.x > is.y ? 1 : was.y / is.y, place, 0.5);
  }

  /** @param {number} time factor, below 1: nearer @param {number} price factor @param {number} [x] the place that stays, 0 to 1 @param {number} [y] */
  zoom(time, price, x = 1, y = 0.5) {
    let { camera } = this;
    if (time !== 1) camera = zoomTime(camera, time, x, this.now());
    if (price !== 1) camera = zoomPrice(camera, price, y, this.middle, this.whole || 1);
    this.set(camera);
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const box = this.place.getBoundingClientRect();
    const [x, y] = [(event.clientX - box.left) / (box.width - AXIS.right), 1 - (event.clientY - box.top) / (box.height - AXIS.bottom)];
    const factor = 1.0015 ** Math.max(-300, Math.min(300, event.deltaY || event.deltaX));
    const isPrice = event.shiftKey || x > 1;
    this.zoom(isPrice ? 1 : factor, isPrice ? factor : 1, Math.min(1, x), y);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = this.keys()[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  /** @returns {Record<string, () => void>} */
  keys() {
    const shown = this.frame();
    const [ms, up] = [(shown.to - shown.from) / 8, (shown.high - shown.low) / 8];
    const to = (/** @type {number} */ time, /** @type {number} */ price) => () => this.set(pan(this.camera, time, price, this.now(), this.middle));
    return {
      ArrowLeft: to(ms, 0), ArrowRight: to(-ms, 0), ArrowUp: to(0, up), ArrowDown: to(0, -up),
      "+": () => this.zoom(0.8, 1), "=": () => this.zoom(0.8, 1), "-": () => this.zoom(1.25, 1),
      "[": () => this.zoom(1, 1.25), "]": () => this.zoom(1, 0.8),
      Home: to(LONGEST_MS, 0), End: to(-LONGEST_MS, 0),
    };
  }

  /** @param {{x: number, y: number} | null} at */
  point(at) {
    const [right, bottom] = [this.place.clientWidth - AXIS.right, this.place.clientHeight - AXIS.bottom];
    const isInside = at && at.x < right && at.y < bottom;
    this.cross = isInside ? at : null;
    if (!isInside) this.options.onPoint("");
    else {
      const shown = this.frame();
      const time = shown.from + (at.x / right) * (shown.to - shown.from);
      const price = shown.high - (at.y / bottom) * (shown.high - shown.low);
      this.options.onPoint(this.words(time, price));
    }
    this.ask();
  }

  /** @param {number} time @param {number} price */
  words(time, price) {
    const second = Math.floor(time / 1000);
    const when = local(new Date(second * 1000).toISOString());
    if (!this.recording.has(second)) return `${when}: ${second < this.recording.first ? "not recorded yet" : "no live book"}`;
    const about = Number(this.grid.at(second, price).toPrecision(4));
    const { step } = this.grid;
    const from = Math.floor(price / step + 1e-6) * step;
    return `${when}, ${from.toFixed(this.options.decimals)} to ${(from + step).toFixed(this.options.decimals)}: about ${about} ${this.options.unit}`;
  }
}

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function fit(canvas, width, height) {
  const [w, h] = [Math.max(1, Math.round(width)), Math.max(1, Math.round(height))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
}

/** How far apart the prices of a second lie. @param {Recording} recording @param {number} second */
function extent(recording, second) {
  let [low, high] = [Infinity, -Infinity];
  recording.levels(second, (price) => {
    low = Math.min(low, price);
    high = Math.max(high, price);
  });
  return high > low ? (high - low) * 1.6 : 0;
}
