/** A text that a spreadsheet would take for a formula, and run: also behind what it trims, and in full width. */
const FORMULA = /^\s*[=+\-@\t\r＝＋－＠]/;
const NEEDS_QUOTES = /[",\r\n]/;

/** A line of a CSV (RFC 4180). A cell that would be a formula begins with an apostrophe, so that every spreadsheet shows it. */
export const csvLine = (cells: readonly (string | null)[]): string => `${cells.map(cell).join(",")}\r\n`;

function cell(value: string | null): string {
  const text = value !== null && FORMULA.test(value) ? `'${value}` : (value ?? "");
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
