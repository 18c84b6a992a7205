// The view `#/orders?status=&exchange=&symbol=&side=`: all orders of the user, live.

import { useSignal } from "@preact/signals";
import { useLayoutEffect, useState } from "preact/hooks";
import { isLost } from "../../core/feed.js";
import { classes, html } from "../../core/html.js";
import { assets, grouped } from "../../core/format.js";
import { cancel, isOpen, pause, resume } from "../../core/orders.js";
import { go, link } from "../../core/router.js";
import { style } from "../../core/style.js";
import { useKey } from "../../shell/keys.js";
import { Ask } from "../../parts/ask.js";
import { useNarrow } from "../../parts/narrow.js";
import { ProblemText } from "../../parts/problem.js";
import { toast } from "../../parts/toasts.js";
import { VirtualList } from "../../parts/virtual_list.js";
import { saveOrders } from "./export.js";
import { Filters } from "./filters.js";
import { useOrders } from "./loading.js";
import { bookOf, useMids } from "./mids.js";
import { Row } from "./row.js";

style("views/orders/orders.css");

const WIDE = 52;
const NARROW = 164;

/** @param {{query: Record<string, string>}} props */
export default function View({ query }) {
  const status = query.status === "all" ? "" : query.status || "open";
  const filter = { status, exchange: query.exchange || "", symbol: query.symbol || "", side: query.side || "" };
  const { rows, after, isLoading, error, more, again, change } = useOrders(filter);
  const token = useSignal(""); // of the chosen order: its place changes when others come and go
  const place = () => rows.findIndex((one) => one.token_id === token.peek());
  const chosen = token.value ? place() : -1;
  const [doomed, setDoomed] = useState(/** @type {any} */ (null));
  const mids = useMids(rows.slice(0, 200).filter((one) => isOpen(one.status) && one.average_price !== null));
  const height = useNarrow() ? NARROW : WIDE;
  const act = async (/** @type {Promise<any>} */ work, /** @type {string} */ told) => {
    try {
      change(await work);
      toast(told);
    } catch (failure) {
      toast(/** @type {Error} */ (failure).message, "bad");
    }
  };
  const turn = (/** @type {any} */ order) =>
    order.status === "Paused" ? act(resume(order.token_id), "The order goes on.") : act(pause(order.token_id), "The order is paused.");
  const step = (/** @type {number} */ by) => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, place() + by))];
    if (next) token.value = next.token_id;
  };
  const withChosen = (/** @type {(order: any) => unknown} */ work) => () => {
    const order = rows[place()];
    if (order) work(order);
  };
  useKey("ArrowDown", "next order", () => step(1));
  useKey("ArrowUp", "order before", () => step(-1));
  useKey("Enter", "open the order", withChosen((order) => go(["order", order.token_id])));
  useKey("p", "pause or resume the order", withChosen((order) => isOpen(order.status) && turn(order)));
  useKey("x", "cancel the order", withChosen((order) => isOpen(order.status) && setDoomed(order)));
  useLayoutEffect(() => { // at once: the next key may come before the screen is painted
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-row="${chosen}"]`))?.focus({ preventScroll: true });
  }, [chosen]);
  const row = (/** @type {number} */ index) => html`
    <${Row} key=${rows[index].token_id} order=${rows[index]} index=${index} height=${height} isChosen=${index === chosen} middle=${mids[bookOf(rows[index])] || ""}
      onChoose=${() => { token.value = rows[index].token_id; }} onCancel=${() => setDoomed(rows[index])} onPause=${() => turn(rows[index])} />
  `;
  return html`
    <h1 class="visually-hidden">Orders</h1>
    <${Filters} filter=${filter}>
      <span class="soft count" role="status">${isLoading && !rows.length ? "Loading…" : `${grouped(String(rows.length))}${after ? " and more" : ""} ${rows.length === 1 && !after ? "order" : "orders"}`}</span>
      <span class="grow"></span>
      <${Export} filter=${filter} />
      <a class="button" href=${link(["ticket"])}>New order</a>
    <//>
    <${ProblemText} error=${error} onRetry=${again} />
    <div class=${classes("orders card", isLost() && "outdated")} role="table" aria-label="Orders" aria-rowcount=${after ? -1 : rows.length + 1}>
      <div role="rowgroup"><div class="order-row head" role="row" aria-rowindex="1">
        ${["State", "Order", "Filled", "Average price", "When", "Actions"].map((words) => html`<span role="columnheader">${words}</span>`)}
      </div></div>
      ${rows.length || isLoading || error
        ? html`<${VirtualList} count=${rows.length} rowHeight=${height} row=${row} label="Orders" onNearEnd=${more} shown=${chosen} />`
        : html`<p class="starting" role="row"><span role="cell">${status === "open" ? html`No open orders. <a href=${link(["orders"], { status: "all" })}>Show all</a> or write` : "No orders. Write"} <a href=${link(["ticket"])}>a new one</a></span></p>`}
    </div>
    ${doomed ? html`<${Cancel} order=${doomed} onYes=${() => act(cancel(doomed.token_id), "The order is canceled.")} onDone=${() => setDoomed(null)} />` : null}
  `;
}

/** @param {{order: any, onYes: () => Promise<void>, onDone: () => void}} props */
function Cancel({ order, onYes, onDone }) {
  const [base] = assets(order.instrument || order.symbol);
  return html`
    <${Ask} title="Cancel this order?" yes="Cancel the order" no="Keep it" kind="danger" onYes=${() => onYes().then(onDone)} onNo=${onDone}>
      <p>${order.side} ${grouped(order.quantity)} ${base} on ${order.exchange}: ${grouped(order.filled_quantity)} ${base} are filled and stay so, ${grouped(order.remaining_quantity)} ${base} will not be.</p>
    <//>
  `;
}

/** @param {{filter: import("./loading.js").Filter}} props */
function Export({ filter }) {
  const [count, setCount] = useState(-1);
  const save = async () => {
    setCount(0);
    try {
      toast(`${await saveOrders(filter, setCount)} orders are in the file.`);
    } catch (error) {
      toast(/** @type {Error} */ (error).message, "bad");
    }
    setCount(-1);
  };
  return html`<button type="button" disabled=${count >= 0} onClick=${save} title="All orders that fit the filter">${count >= 0 ? `${count}…` : "CSV"}</button>`;
}
