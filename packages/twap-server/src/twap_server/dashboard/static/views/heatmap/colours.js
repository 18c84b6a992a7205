// How a quantity becomes a colour: by its logarithm, for books hold little and much side by side.

const OCTAVES = 40;
const LEAST = -20;

/** A quantity as one byte, by its logarithm; 0: nothing. @param {number} quantity */
export function code(quantity) {
  if (!(quantity > 0)) return 0;
  const share = (Math.log2(quantity) - LEAST) / OCTAVES;
  return 1 + Math.round(254 * Math.min(1, Math.max(0, share)));
}

/** About the quantity that a byte stands for. @param {number} byte */
export function quantityOf(byte) {
  return byte ? 2 ** (((byte - 1) / 254) * OCTAVES + LEAST) : 0;
}

/**
 * The bytes that get the palest and the strongest colour: nearly all that is there lies between.
 * @param {Uint8Array} cells
 * @returns {[number, number]}
 */
export function bounds(cells) {
  const counts = new Uint32Array(256);
  let filled = 0;
  for (const byte of cells) counts[byte] += 1;
  for (let byte = 1; byte < 256; byte += 1) filled += counts[byte];
  if (!filled) return [1, 255];
  return [quantile(counts, filled * 0.2), Math.max(quantile(counts, filled * 0.995), quantile(counts, filled * 0.2) + 4)];
}

/** @param {Uint32Array} counts @param {number} wanted */
function quantile(counts, wanted) {
  let sum = 0;
  for (let byte = 1; byte < 256; byte += 1) {
    sum += counts[byte];
    if (sum >= wanted) return byte;
  }
  return 255;
}

// From pale to strong, on a light and on a dark ground: told apart by lightness alone, too.
const STOPS = {
  light: ["#ffffff", "#d9e8f7", "#93c1e6", "#4c8cc4", "#3a4fa0", "#45156b"],
  dark: ["#0b0f16", "#142a52", "#1f5c8f", "#2aa198", "#9fd356", "#fdf3a7"],
};

/** 256 colours, four bytes each; the first is the ground. @param {boolean} isDark */
export function palette(isDark) {
  const stops = STOPS[isDark ? "dark" : "light"].map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const made = new Uint8Array(256 * 4);
  for (let index = 0; index < 256; index += 1) {
    const place = (index / 255) * (stops.length - 1);
    const low = Math.min(stops.length - 2, Math.floor(place));
    for (let part = 0; part < 3; part += 1) made[index * 4 + part] = Math.round(stops[low][part] + (stops[low + 1][part] - stops[low][part]) * (place - low));
    made[index * 4 + 3] = 255;
  }
  return made;
}
