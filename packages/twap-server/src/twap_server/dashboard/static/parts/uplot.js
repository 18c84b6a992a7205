// Load uPlot, which draws lines over time, when a chart is first shown.

import { style } from "../core/style.js";

/** @type {Promise<any> | null} */
let loading = null;

/** @returns {Promise<any>} the class uPlot @throws {Error} it could not be loaded */
export function uPlot() {
  loading ??= Promise.all([script(), style("vendor/uplot/uPlot.min.css")]).then(([made]) => made);
  return loading;
}

/** @returns {Promise<any>} */
function script() {
  return new Promise((done, fail) => {
    const element = document.createElement("script");
    element.src = new URL("../vendor/uplot/uPlot.iife.min.js", import.meta.url).href;
    element.onload = () => done(/** @type {any} */ (window).uPlot);
    element.onerror = () => {
      loading = null;
      fail(new Error("the charts could not be loaded"));
    };
    document.head.append(element);
  });
}
