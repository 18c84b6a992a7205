// A moment: local on the page, UTC and distance on hover.

import { html } from "../core/html.js";
import { clockOf, local, relative, utc, zone } from "../core/time.js";

/** @param {{iso: string | null | undefined, isRelative?: boolean, isClock?: boolean}} props `isClock`: without the day, which stands elsewhere */
export function Time({ iso, isRelative, isClock }) {
  if (!iso) return html`<span>–</span>`;
  const title = `${utc(iso)} · ${local(iso)} ${zone(iso)} · ${relative(iso)}`;
  return html`<time datetime=${iso} title=${title}>${isRelative ? relative(iso) : isClock ? clockOf(iso) : local(iso)}</time>`;
}
