import { createReadStream } from "node:fs";
import { UsageError } from "../explain.js";

/** A record of a file, by the names of its columns, and the line that it begins on. */
export interface FileRecord {
  readonly line: number;
  readonly values: Readonly<Record<string, unknown>>;
}

/** More than any cell of a sensible file has: one that forgets to close its quotes would be read as a single cell. */
const MOST_CHARACTERS = 100_000;
/** More than any object of a sensible file has: a file without line ends would be read as a single one. */
const MOST_OF_LINE = 1_000_000;

/**
 * The records of a file, one after the other: of CSV (RFC 4180; the first record names the columns, a byte order mark is left
 * out) or, where its name ends in `.ndjson` or `.jsonl`, of JSON objects, a line each.
 * @throws UsageError with the line of what cannot be read
 */
export const recordsOf = (path: string): AsyncGenerator<FileRecord> =>
  /\.(ndjson|jsonl)$/i.test(path) ? jsonRecords(path) : csvRecords(path);

/**
 * The text of a file, in parts of any length, without a byte order mark.
 * @throws UsageError where it is not UTF-8: read as if it were, names would be garbage, and two of them the same
 */
async function* textOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 1;
  const decode = (bytes?: Buffer): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      const [before = ""] = (bytes ?? "").toString().split("\ufffd", 1);
      throw new UsageError(
        `${path}, line ${line + ends(before)}: this is not UTF-8. Save the file as UTF-8, and try again.`,
      );
    }
  };
  for await (const bytes of createReadStream(path)) {
    const text = decode(bytes as Buffer);
    yield text;
    line += ends(text);
  }
  yield decode();
}

const ends = (text: string): number => text.split("\n").length - 1;

async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  let line = 1;
  for await (const text of textOf(path)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    line += lines.length;
    yield* lines;
    if (rest.length > MOST_OF_LINE) throw new UsageError(`${path}, line ${line}: it is too long, or has no end.`);
  }
  yield rest;
}

async function* jsonRecords(path: string): AsyncGenerator<FileRecord> {
  let line = 0;
  for await (const text of linesOf(path)) {
    line += 1;
    if (text.trim() === "") continue;
    let values: unknown;
    try {
      values = JSON.parse(text);
    } catch {}
    if (typeof values !== "object" || values === null || Array.isArray(values))
      throw new UsageError(`${path}, line ${line}: this is no JSON object.`);
    yield { line, values: values as FileRecord["values"] };
  }
}

async function* csvRecords(path: string): AsyncGenerator<FileRecord> {
  let names: readonly string[] | null = null;
  for await (const { line, cells } of rowsOf(path)) {
    if (cells.length === 1 && cells[0] === "") continue;
    if (names === null) {
      names = cells;
      if (new Set(names).size < names.length) throw new UsageError(`${path}: two columns have the same name.`);
      continue;
    }
    if (cells.length !== names.length)
      throw new UsageError(
        `${path}, line ${line}: it has ${cells.length} cells, and the first line has ${names.length}.`,
      );
    yield { line, values: Object.fromEntries(names.map((name, n) => [name, cells[n]])) };
  }
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function mustBeShort(cell: string, path: string, line: number): void {
  if (cell.length <= MOST_CHARACTERS) return;
  throw new UsageError(`${path}, line ${line}: a cell is too long, or its quotes do not end.`);
}

async function* rowsOf(path: string): AsyncGenerator<Row> {
  let [line, began, cell] = [1, 1, ""];
  let cells: string[] = [];
  // Where the next character stands: outside of quotes, inside, or behind a quote that may be the first of two.
  let place: "plain" | "quoted" | "behind" = "plain";
  for await (const text of textOf(path)) {
    for (const character of text) {
      if (character === "\n") line += 1;
      if (place === "quoted") {
        if (character === '"') place = "behind";
        else cell += character;
        mustBeShort(cell, path, began);
        continue;
      }
      if (character === '"') {
        if (place === "plain" && cell !== "") throw new UsageError(`${path}, line ${began}: a quote inside of a cell.`);
        if (place === "behind") cell += '"';
        place = "quoted";
      } else if (character === "," || character === "\n") {
        cells.push(place === "plain" ? cell.replace(/\r$/, "") : cell);
        [cell, place] = ["", "plain"];
        if (character === ",") continue;
        yield { line: began, cells };
        [cells, began] = [[], line];
      } else if (place === "plain") {
        cell += character;
        mustBeShort(cell, path, began);
      } else if (character !== "\r") throw new UsageError(`${path}, line ${began}: something stands behind a quote.`);
    }
  }
  if (place === "quoted") throw new UsageError(`${path}, line ${began}: its quotes do not end.`);
  if (cell !== "" || cells.length > 0) yield { line: began, cells: [...cells, cell] };
}
