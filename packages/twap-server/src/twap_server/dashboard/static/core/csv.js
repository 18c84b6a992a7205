// Write and read CSV (RFC 4180). Numbers stay the text they are; other texts are kept from being run as formulas.

const FORMULA = /^[=+\-@\t\r\n]/;
const NUMBER = /^-?\d+(\.\d+)?$/;

/** A text as a cell that a spreadsheet may open safely: an apostrophe goes before what it would run. @param {string} text */
export function harmless(text) {
  return FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
}

/**
 * @param {string[]} header
 * @param {(string | null | undefined)[][]} rows nothing is an empty cell
 */
export function written(header, rows) {
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** @param {string | null | undefined} value */
function cell(value) {
  const text = harmless(value ?? "");
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Read a table with its header.
 * @param {string} text
 * @returns {Record<string, string>[]} a record a row; an empty cell is ""
 */
export function parsed(text) {
  const [header, ...rows] = cells(text);
  if (!header) return [];
  return rows.map((row) => Object.fromEntries(header.map((name, index) => [name, row[index] ?? ""])));
}

/** @param {string} text @returns {string[][]} */
function cells(text) {
  const rows = [];
  let row = [];
  const shape = /("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/y;
  while (shape.lastIndex < text.length) {
    const found = /** @type {RegExpExecArray} */ (shape.exec(text));
    row.push(found[1].startsWith('"') ? found[1].slice(1, -1).replaceAll('""', '"') : found[1]);
    if (found[2] === ",") continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
