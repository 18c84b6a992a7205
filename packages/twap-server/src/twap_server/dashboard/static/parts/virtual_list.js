// A list of many thousand rows of one height: only those in sight are elements, never more than fit a window
// (before its style sheet is there, a list is as high as all of its rows).

import { useEffect, useRef, useState } from "preact/hooks";
import { html } from "../core/html.js";

const BEYOND = 6;

/**
 * @param {{count: number, rowHeight: number, row: (index: number) => any, label: string, onNearEnd?: () => void, shown?: number}} props
 *   `row` gives the element of a row; `shown`: this row is scrolled into sight when it changes
 */
export function VirtualList({ count, rowHeight, row, label, onNearEnd, shown }) {
  const box = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState({ top: 0, height: 600 });
  const look = () => box.current && setView({ top: box.current.scrollTop, height: Math.min(box.current.clientHeight, innerHeight) });
  useEffect(() => {
    const watch = new ResizeObserver(look);
    if (box.current) watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    if (shown === undefined || shown < 0 || !box.current) return;
    const { scrollTop, clientHeight } = box.current;
    const top = shown * rowHeight;
    if (top < scrollTop) box.current.scrollTop = top;
    else if (top + rowHeight > scrollTop + clientHeight) box.current.scrollTop = top + rowHeight - clientHeight;
  }, [shown]);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - BEYOND);
  const end = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + BEYOND);
  useEffect(() => {
    if (onNearEnd && end >= count - 20) onNearEnd();
  }, [end, count]);
  const rows = [];
  for (let index = first; index < end; index += 1) rows.push(row(index));
  return html`
    <div class="virtual scroll" ref=${box} onScroll=${look} role="rowgroup" aria-label=${label} tabindex="0">
      <div class="virtual-all" role="presentation" style=${{ height: `${count * rowHeight}px` }}>
        <div class="virtual-shown" role="presentation" style=${{ transform: `translateY(${first * rowHeight}px)` }}>${rows}</div>
      </div>
    </div>
  `;
}
