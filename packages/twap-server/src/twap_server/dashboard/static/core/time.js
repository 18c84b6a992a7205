// Show moments and spans of time; one clock for the whole page, set by the server's.

import { signal } from "@preact/signals";

/** The server's time, in milliseconds since 1970; moves once a second. */
export const now = signal(Date.now());
let ahead = 0;
let isHeld = false;
setInterval(() => {
  if (!isHeld) now.value = Date.now() + ahead;
}, 1000);

/** Let the page's time be another one, such as that of a replay: ages and distances count from it. @param {number | null} moment null: it runs again */
export function hold(moment) {
  isHeld = moment !== null;
  now.value = moment ?? Date.now() + ahead;
}

/** How far this machine's clock differs from the server's, in milliseconds (above 0: the server is ahead). */
export function clockDifference() {
  return ahead;
}

/** Take the server's time, told in an answer that was asked for at `askedAt` (`Date.now()`). @param {string} iso @param {number} askedAt */
export function setClock(iso, askedAt) {
  ahead = Date.parse(iso) - (askedAt + Date.now()) / 2;
  if (!isHeld) now.value = Date.now() + ahead;
}

const DAY = 86_400_000;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DATE = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "short", day: "numeric" });
const ZONE = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

/** Local time of day, with the day where it is not today. @param {string} iso */
export function local(iso) {
  const moment = new Date(iso);
  const isToday = DATE.format(moment) === DATE.format(new Date(now.value));
  return isToday ? CLOCK.format(moment) : `${DATE.format(moment)} ${CLOCK.format(moment)}`;
}

/** Local time of day. @param {string} iso */
export function clockOf(iso) {
  return CLOCK.format(new Date(iso));
}

/** The name of the local zone. @param {string} iso */
export function zone(iso) {
  return ZONE.formatToParts(new Date(iso)).find((part) => part.type === "timeZoneName")?.value || "";
}

/** In UTC, whole, as the server wrote it. @param {string} iso */
export function utc(iso) {
  return `${iso.replace("T", " ").replace(/(\.\d{3})\d*Z$/, "$1").replace("Z", "")} UTC`;
}

/** "in 4 min", "2 h ago". @param {string} iso */
export function relative(iso) {
  const distance = Date.parse(iso) - now.value;
  const text = span(Math.abs(distance));
  return distance > 0 ? `in ${text}` : `${text} ago`;
}

/** A span in its largest units: "250 ms", "12 s", "4 min 30 s", "2 h 5 min", "3 d 4 h". @param {number} ms */
export function span(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Math.floor(ms / 1000)} s`;
  if (ms < 3_600_000) return pair(ms, 60_000, "min", 1000, "s");
  if (ms < DAY) return pair(ms, 3_600_000, "h", 60_000, "min");
  return pair(ms, DAY, "d", 3_600_000, "h");
}

/** @param {number} ms @param {number} large @param {string} name @param {number} small @param {string} less */
function pair(ms, large, name, small, less) {
  const rest = Math.floor((ms % large) / small);
  return `${Math.floor(ms / large)} ${name}${rest ? ` ${rest} ${less}` : ""}`;
}
