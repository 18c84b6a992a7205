// Which part of time and price is looked at, and how looking elsewhere changes it. Times in milliseconds since 1970.

/** @typedef {{end: number | null, span: number, centre: number | null, height: number}} Camera `end` null: now; `centre` null: where the market is; `height` in quote currency, 0: as much as the book holds */

export const LONGEST_MS = 15 * 60_000;
const SHORTEST_MS = 20_000;

/** @returns {Camera} */
export function live() {
  return { end: null, span: 5 * 60_000, centre: null, height: 0 };
}

/** @param {Camera} camera @param {number} now @param {number} middle the market's price @param {number} height as much as the book holds */
export function frame(camera, now, middle, height) {
  const end = camera.end ?? now;
  const half = (camera.height || height || 1) / 2;
  const centre = camera.centre ?? middle;
  return { from: end - camera.span, to: end, low: centre - half, high: centre + half };
}

/**
 * Larger or smaller time around a place, 0 (left edge) to 1 (right edge).
 * @param {Camera} camera @param {number} factor below 1: nearer @param {number} place @param {number} now
 * @returns {Camera}
 */
export function zoomTime(camera, factor, place, now) {
  const span = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, camera.span * factor));
  const end = camera.end ?? now;
  const held = end - camera.span * (1 - place);
  const moved = held + span * (1 - place);
  return { ...camera, span, end: camera.end === null ? null : bounded(moved, span, now) };
}

/** @param {Camera} camera @param {number} factor @param {number} place of the price that stays, 0 bottom to 1 top @param {number} middle @param {number} whole as much as the book holds @returns {Camera} */
export function zoomPrice(camera, factor, place, middle, whole) {
  const before = camera.height || whole;
  const height = Math.min(whole * 20, Math.max(whole / 200, before * factor));
  const centre = camera.centre ?? middle;
  const held = centre + (place - 0.5) * before;
  return { ...camera, height, centre: camera.centre === null ? null : held - (place - 0.5) * height };
}

/** @param {Camera} camera @param {number} ms into the past above 0 @param {number} up in quote currency @param {number} now @param {number} middle @returns {Camera} */
export function pan(camera, ms, up, now, middle) {
  const end = ms ? (camera.end ?? now) - ms : camera.end;
  return {
    ...camera,
    end: end === null || end >= now ? null : bounded(end, camera.span, now),
    centre: up ? (camera.centre ?? middle) + up : camera.centre,
  };
}

/** @param {number} end @param {number} span @param {number} now */
function bounded(end, span, now) {
  return Math.min(now, Math.max(now - LONGEST_MS + Math.min(span, 60_000), end));
}
