// Put curves of different moments over one axis of time. Floats: pixels are not money.

/** @typedef {{time: string, quantity: string}} Point */

/**
 * @param {Point[][]} curves each in order of time
 * @returns {(number | null)[][]} all moments in seconds since 1970, then a row a curve; null: it has no point there
 */
export function joined(curves) {
  const rows = curves.map((curve) => new Map(curve.map((point) => [Date.parse(point.time) / 1000, Number(point.quantity)])));
  const xs = [...new Set(rows.flatMap((row) => [...row.keys()]))].sort((one, other) => one - other);
  return [xs, ...rows.map((row) => xs.map((x) => row.get(x) ?? null))];
}
