// Load a view's own style sheet when the view is first shown.

/** @type {Set<string>} */
const loaded = new Set();

/** @param {string} path below dashboard/, such as "views/market/market.css" @returns {Promise<void>} it is there, or cannot be had */
export function style(path) {
  if (loaded.has(path)) return Promise.resolve();
  loaded.add(path);
  return new Promise((done) => {
    const element = document.createElement("link");
    element.rel = "stylesheet";
    element.href = new URL(`../${path}`, import.meta.url).href;
    element.onload = element.onerror = () => done();
    document.head.append(element);
  });
}
