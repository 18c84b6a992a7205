// A moment: local on the page, UTC and distance on hover.

import { html } from "../core/html.js";
import { local, relative, utc, zone } from "../core/time.js";

/** @param {{iso: string | null | undefined, isRelative?: boolean}} props */
export function Time({ iso, isRelative }) {
  if (!iso) return html`<span>–</span>`;
  const title = `${utc(iso)} · ${local(iso)} ${zone(iso)} · ${relative(iso)}`;
  return html`<time datetime=${iso} title=${title}>${isRelative ? relative(iso) : local(iso)}</time>`;
}
