// How orders are spread over their window: names, words, what was asked for.

import { plain } from "./format.js";

/** `color` is one of style/tokens.css; `dash` tells lines apart for those who do not see colours. @type {{name: string, label: string, meaning: string, color: string, dash: number[]}[]} */
export const STRATEGIES = [
  { name: "twap", label: "TWAP: the same in every part", meaning: "a straight line from the start to the end", color: "text", dash: [] },
  { name: "vwap", label: "VWAP: in step with the volume", meaning: "more when the market usually trades more", color: "buy", dash: [8, 3] },
  { name: "is", label: "IS: faster at the start", meaning: "less is left to the risk that prices run away (Almgren and Chriss)", color: "sell", dash: [2, 3] },
  { name: "pov", label: "POV: a share of what is traded", meaning: "ends with what is left where others trade too little", color: "good", dash: [8, 3, 2, 3] },
  { name: "sweep", label: "Sweep: all at once", meaning: "one look at the book at the start; what is left goes as “more options” say", color: "mine", dash: [12, 4] },
];

/** @param {string} name */
export function looksOf(name) {
  return STRATEGIES.find((one) => one.name === name) || STRATEGIES[0];
}

/** As it is written for people: "IS", "sweep". @param {string} strategy */
export function nameOf(strategy) {
  return strategy === "sweep" ? strategy : strategy.toUpperCase();
}

/** A strategy with the parameter that decides most: "IS high", "POV 10 %". @param {{strategy?: string, strategy_parameters?: any}} order */
export function strategyWords({ strategy = "twap", strategy_parameters: given }) {
  const name = nameOf(strategy);
  if (!given) return name;
  if (given.participation) return `${name} ${plain(given.participation)} %`;
  if (given.urgency) return `${name} ${given.urgency}`;
  if (given.half_life) return `${name}, half-life ${plain(given.half_life)} s`;
  if (given.risk_aversion) return `${name}, λ ${plain(given.risk_aversion)}`;
  return Array.isArray(given.volume_profile) ? `${name} by weights` : name;
}

/** The strategy of an order as a request has it, to ask about another one like it. @param {any} order */
export function asAsked({ strategy = "twap", strategy_parameters: given }) {
  const named = Object.entries(given || {}).filter(([, value]) => value !== null);
  return { strategy, ...Object.fromEntries(named) };
}
