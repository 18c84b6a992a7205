// What the preview expected of each order that was placed in this browser, for a look back at what it came to.
//
// The server does not keep it, so this browser does: figures and names of orders, the newest few thousand.

const KEY = "twap-forecasts";
const AT_MOST = 2_000;

/** @returns {Record<string, string>} basis points by `token_id` */
export function forecasts() {
  try {
    return JSON.parse(localStorage.getItem(KEY) || "{}");
  } catch {
    return {};
  }
}

/** @param {string} token @param {string | null | undefined} bps what the preview showed; nothing is not kept */
export function keepForecast(token, bps) {
  if (bps === null || bps === undefined) return;
  try {
    const all = [...Object.entries(forecasts()), [token, bps]].slice(-AT_MOST);
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(all)));
  } catch {
    // A browser that keeps nothing has no forecast to show.
  }
}
