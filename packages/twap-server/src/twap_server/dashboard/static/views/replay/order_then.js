// One order as it stood at the moment: how far it was, its slices and fills until then; its report once it had ended.

import { useEffect, useMemo, useState } from "preact/hooks";
import { assets, grouped } from "../../core/format.js";
import { html } from "../../core/html.js";
import { isOpen } from "../../core/orders.js";
import { ProblemText } from "../../parts/problem.js";
import { Time } from "../../parts/time.js";
import { Fills } from "../order/events.js";
import { Head } from "../order/head.js";
import { happenedTo, LARGE } from "../order/loading.js";
import { ProgressChart } from "../order/progress_chart.js";
import { Report } from "../order/report.js";
import { Seen, Slices } from "../order/slices.js";
import { LiveProof } from "./live_proof.js";
import { msOf, until } from "./timeline.js";

/** @typedef {import("../order/loading.js").Happened} Happened */

/** All that happened to an order, cut at the moment. @param {any} last the order as it ended @param {number} ms @returns {{happened: Happened | null, error: Error | null}} */
export function useHappened(last, ms) {
  const [found, setFound] = useState(/** @type {{of: string, all: Happened | null, error: Error | null}} */ ({ of: "", all: null, error: null }));
  const token = last?.token_id || "";
  useEffect(() => {
    if (!token) return undefined;
    let isOver = false;
    happenedTo(token, last).then((all) => isOver || setFound({ of: token, all, error: null }), (error) => isOver || setFound({ of: token, all: null, error }));
    return () => {
      isOver = true;
    };
  }, [token]);
  const all = found.of === token ? found.all : null;
  const cut = all ? until(all, ms) : null;
  const happened = useMemo(() => cut, [all, cut?.slices.length, cut?.samples.length, cut?.fills.length]);
  return { happened, error: found.of === token ? found.error : null };
}

/** @param {{order: any, last: any, happened: Happened | null, error: Error | null, isEnd: boolean, chosen: string, onChoose: (index: string) => void, onSeek: (ms: number) => void}} props `order`: then; null: not accepted yet. `last`: at the end */
export function OrderThen({ order, last, happened, error, isEnd, chosen, onChoose, onSeek }) {
  const [base] = assets(last.instrument || last.symbol);
  if (!order) return html`<section class="card" aria-label="Order"><h2>${last.side} ${grouped(last.quantity)} ${base}</h2><p class="soft">Not accepted yet at this moment: that is at <${Time} iso=${last.creation_time} />. <button type="button" onClick=${() => onSeek(msOf(last.creation_time))}>Go there</button></p></section>`;
  const seen = happened?.slices.find((one) => one.index === chosen);
  const isOver = !isOpen(order.status) || isEnd;
  return html`
    <${Head} order=${order} />
    <${ProblemText} error=${error} />
    ${happened && order.start_time ? html`
      ${seen ? html`<${Seen} order=${order} slice=${seen} fills=${happened.fills} onClose=${() => onChoose(chosen)} />` : null}
      ${Number(order.slice_count) > LARGE ? html`<p class="hint">Of ${grouped(order.slice_count)} slices the newest 1,000 are drawn.</p>` : html`<section class="card" aria-label="Filled and schedule"><${ProgressChart} order=${order} happened=${happened} base=${base} /></section>`}
      <div class="order-tables">
        <${Slices} order=${order} slices=${happened.slices} chosen=${chosen} onChoose=${onChoose} />
        <${Fills} order=${order} fills=${happened.fills} />
      </div>
      ${isOver ? html`<${Report} order=${order} report=${happened.report} /><${LiveProof} key=${order.token_id} sha256=${happened.report.sha256} />` : html`<p class="hint">The execution report stands here once the order has ended.</p>`}
    ` : null}
  `;
}
