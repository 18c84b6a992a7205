// What lies over the colours: gaps, best prices, trades, own fills, axes, the cross.

import { color } from "../../core/theme.js";
import { quantityOf } from "./colours.js";

/** @typedef {import("./painter.js").Frame} Frame */
/** @typedef {import("../../core/recording.js").Recording} Recording */
/** @typedef {import("../../core/recording.js").Dot} Dot */

/** What the axes take of the canvas, in pixels. */
export const AXIS = { right: 68, bottom: 20 };

/**
 * @param {HTMLCanvasElement} canvas
 * @param {{recording: Recording, frame: Frame, fills: Dot[], now: number, decimals: number, bounds: [number, number], palette: Uint8Array, unit: string, cross: {x: number, y: number} | null}} what
 */
export function drawOverlay(canvas, { recording, frame, fills, now, decimals, bounds, palette, unit, cross }) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [right, bottom] = [width - AXIS.right, height - AXIS.bottom];
  const x = (/** @type {number} */ at) => ((at - frame.from) / (frame.to - frame.from)) * right;
  const y = (/** @type {number} */ price) => bottom - ((price - frame.low) / (frame.high - frame.low)) * bottom;
  pen.font = "11px system-ui, sans-serif";
  axes(pen, frame, right, bottom, x, y, decimals);
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, right, bottom);
  pen.clip();
  gaps(pen, recording, now, x, bottom, right);
  best(pen, recording, frame, x, y);
  dots(pen, recording.trades, frame, x, y, 1, 6);
  bubbles(pen, fills, frame, x, y);
  scale(pen, bounds, palette, unit);
  if (cross) lines(pen, cross, right, bottom);
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {Recording} recording @param {number} now @param {(at: number) => number} x @param {number} bottom @param {number} right */
function gaps(pen, recording, now, x, bottom, right) {
  const begin = recording.first ? x(recording.first * 1000) : right;
  if (begin > 0) band(pen, 0, Math.min(begin, right), bottom, "not recorded yet");
  for (const [from, to] of recording.gaps(Math.floor(now / 1000))) {
    band(pen, x(from * 1000), x(Math.min(now, to * 1000)), bottom, "no live book");
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} from @param {number} to @param {number} bottom @param {string} words */
function band(pen, from, to, bottom, words) {
  if (to <= 0 || to <= from) return;
  const left = Math.max(0, from);
  pen.save();
  pen.beginPath();
  pen.rect(left, 0, Math.max(1, to - left), bottom);
  pen.clip();
  pen.fillStyle = color("sunk");
  pen.fillRect(left, 0, to - left + 1, bottom);
  pen.strokeStyle = color("line");
  pen.lineWidth = 1.5;
  pen.beginPath();
  for (let at = left - (left % 10) - bottom; at < to; at += 10) {
    pen.moveTo(at, bottom);
    pen.lineTo(at + bottom, 0);
  }
  pen.stroke();
  if (to - left > 90) {
    pen.fillStyle = color("soft");
    pen.textAlign = "center";
    pen.fillText(words, (left + to) / 2, bottom - 10);
  }
  pen.restore();
}

/** @param {CanvasRenderingContext2D} pen @param {Recording} recording @param {Frame} frame @param {(at: number) => number} x @param {(price: number) => number} y */
function best(pen, recording, frame, x, y) {
  for (const [side, name] of /** @type {[0 | 1, string][]} */ ([[0, "buy"], [1, "sell"]])) {
    pen.beginPath();
    let isDown = false;
    for (let second = Math.floor(frame.from / 1000); second <= frame.to / 1000; second += 1) {
      const price = recording.best(second)[side];
      if (Number.isNaN(price)) isDown = false;
      else {
        if (isDown) pen.lineTo(x(second * 1000), y(price));
        else pen.moveTo(x(second * 1000), y(price));
        pen.lineTo(x(second * 1000 + 1000), y(price));
        isDown = true;
      }
    }
    for (const [ink, width] of /** @type {[string, number][]} */ ([["card", 4], [name, 2]])) {
      pen.strokeStyle = color(ink);
      pen.lineWidth = width;
      pen.stroke();
    }
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Dot[]} trades @param {Frame} frame @param {(at: number) => number} x @param {(price: number) => number} y @param {number} least @param {number} most */
function dots(pen, trades, frame, x, y, least, most) {
  const shown = trades.filter((one) => one.at >= frame.from && one.at <= frame.to);
  const top = shown.reduce((max, one) => Math.max(max, one.quantity), 0) || 1;
  for (const name of ["buy", "sell"]) {
    pen.fillStyle = color(name);
    pen.strokeStyle = color("card");
    pen.lineWidth = 0.75;
    pen.beginPath();
    for (const one of shown) {
      if (one.side !== name) continue;
      const radius = least + Math.sqrt(one.quantity / top) * (most - least);
      pen.moveTo(x(one.at) + radius, y(one.price));
      pen.arc(x(one.at), y(one.price), radius, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Dot[]} fills @param {Frame} frame @param {(at: number) => number} x @param {(price: number) => number} y */
function bubbles(pen, fills, frame, x, y) {
  const top = fills.reduce((max, one) => Math.max(max, one.quantity), 0) || 1;
  for (const one of fills) {
    if (one.at < frame.from || one.at > frame.to) continue;
    const radius = 5 + Math.sqrt(one.quantity / top) * 9;
    pen.beginPath();
    pen.arc(x(one.at), y(one.price), radius, 0, 2 * Math.PI);
    pen.globalAlpha = 0.35;
    pen.fillStyle = color("mine");
    pen.fill();
    pen.globalAlpha = 1;
    pen.strokeStyle = color("mine");
    pen.lineWidth = 2;
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {[number, number]} bounds @param {Uint8Array} palette @param {string} unit */
function scale(pen, bounds, palette, unit) {
  const [least, most] = bounds.map((byte) => quantityOf(byte).toPrecision(2)).map(Number);
  const [left, top, width] = [10, 8, 90];
  const words = [`${least}`, `${most} ${unit}`];
  const room = pen.measureText(words[0]).width + width + pen.measureText(words[1]).width + 24;
  pen.fillStyle = color("card");
  pen.globalAlpha = 0.85;
  pen.fillRect(left - 6, top - 5, room, 22);
  pen.globalAlpha = 1;
  pen.textAlign = "left";
  pen.fillStyle = color("text");
  pen.fillText(words[0], left, top + 10);
  const start = left + pen.measureText(words[0]).width + 6;
  for (let at = 0; at < width; at += 1) {
    const index = Math.floor((0.1 + (0.9 * at) / width) * 255) * 4;
    pen.fillStyle = `rgb(${palette[index]} ${palette[index + 1]} ${palette[index + 2]})`;
    pen.fillRect(start + at, top, 1.5, 12);
  }
  pen.fillStyle = color("text");
  pen.fillText(words[1], start + width + 6, top + 10);
}

/** @param {CanvasRenderingContext2D} pen @param {{x: number, y: number}} cross @param {number} right @param {number} bottom */
function lines(pen, cross, right, bottom) {
  pen.fillStyle = color("soft");
  pen.fillRect(cross.x, 0, 1, bottom);
  pen.fillRect(0, cross.y, right, 1);
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** @param {CanvasRenderingContext2D} pen @param {Frame} frame @param {number} right @param {number} bottom @param {(at: number) => number} x @param {(price: number) => number} y @param {number} decimals */
function axes(pen, frame, right, bottom, x, y, decimals) {
  pen.fillStyle = color("soft");
  pen.textAlign = "left";
  const step = round((frame.high - frame.low) / Math.max(2, bottom / 60));
  const shown = Math.min(decimals, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  for (let price = Math.ceil(frame.low / step) * step; price < frame.high; price += step) {
    const at = y(price);
    if (at > 8 && at < bottom - 4) pen.fillText(price.toFixed(shown), right + 6, at + 4);
  }
  pen.textAlign = "center";
  const every = [5, 10, 15, 30, 60, 120, 300].find((one) => ((one * 1000) / (frame.to - frame.from)) * right > 90) || 600;
  for (let second = Math.ceil(frame.from / 1000 / every) * every; second * 1000 < frame.to; second += every) {
    const at = x(second * 1000);
    if (at > 30 && at < right - 26) pen.fillText(CLOCK.format(second * 1000), at, bottom + 14);
  }
}

/** 1, 2 or 5 times a power of ten, at least so much. @param {number} wanted */
function round(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted || 1));
  return power * (/** @type {number} */ ([1, 2, 5, 10].find((one) => one * power >= wanted)) || 10);
}
