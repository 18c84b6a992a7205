// Load a view's own style sheet when the view is first shown.

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/** @param {string} path below dashboard/, such as "views/market/market.css" @returns {Promise<void>} it is there, or cannot be had */
export function style(path) {
  let there = loaded.get(path);
  if (!there) loaded.set(path, (there = load(path)));
  return there;
}

/** Everything that was asked for is there: a view that is shown before would jump. @returns {Promise<unknown>} */
export function styled() {
  return Promise.all(loaded.values());
}

/** @param {string} path @returns {Promise<void>} */
function load(path) {
  return new Promise((done) => {
    const element = document.createElement("link");
    element.rel = "stylesheet";
    element.href = new URL(`../${path}`, import.meta.url).href;
    element.onload = element.onerror = () => done(undefined);
    document.head.append(element);
  });
}
