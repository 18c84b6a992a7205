// Ask what would become of the order while it is typed: a moment after the last key, and again while it is looked at.

import { useEffect, useState } from "preact/hooks";
import { post } from "../../core/api.js";
import { draft, fill, freshToken } from "../../core/draft.js";
import { user } from "../../core/session.js";
import { toRequest } from "./request.js";

const AFTER_TYPING_MS = 350;
const AGAIN_MS = 5_000;
/** To compare strategies is long work: the curves stay, and costs of half a minute ago will do. */
const COMPARED_EVERY = 6;

/** @typedef {{made: import("./request.js").Made, preview: any, error: any, isAsking: boolean}} Previewed `preview` and `error`: of what stands there now, null while the answer is to come */

/** @returns {Previewed} */
export function usePreview() {
  const [answer, setAnswer] = useState(/** @type {{of: string, preview: any, error: any}} */ ({ of: "", preview: null, error: null }));
  const order = draft.value;
  const isSignedIn = user.value !== null;
  useEffect(() => {
    if (!order.token_id) fill({ token_id: freshToken() });
  }, [order.token_id]);
  const made = toRequest(order);
  const wanted = isSignedIn && made.body && order.token_id ? JSON.stringify(made.body) : "";
  useEffect(() => (wanted ? asking(wanted, setAnswer) : undefined), [wanted]);
  const isCurrent = wanted !== "" && answer.of === wanted;
  return { made, preview: isCurrent ? answer.preview : null, error: isCurrent ? answer.error : null, isAsking: wanted !== "" && !isCurrent };
}

/** @param {string} wanted the request @param {(answer: {of: string, preview: any, error: any}) => void} tell @returns {() => void} ends it */
function asking(wanted, tell) {
  const control = new AbortController();
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  /** @type {any[]} */
  let strategies = [];
  let round = 0;
  const ask = async () => {
    if (!document.hidden) {
      try {
        const compare = round++ % COMPARED_EVERY === 0;
        const [preview] = await post("orders/preview", JSON.parse(wanted), { query: { compare }, signal: control.signal });
        if (compare) strategies = preview.strategies;
        tell({ of: wanted, preview: { ...preview, strategies }, error: null });
      } catch (error) {
        if (control.signal.aborted) return;
        tell({ of: wanted, preview: null, error });
      }
    }
    if (!control.signal.aborted) timer = setTimeout(ask, AGAIN_MS);
  };
  timer = setTimeout(ask, AFTER_TYPING_MS);
  return () => {
    clearTimeout(timer);
    control.abort();
  };
}
