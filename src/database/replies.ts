import type { Column, Result, Row } from "./result.js";

const [ROW, COMPLETE] = [0x44, 0x43];
/** A row begins with its kind, its length, and the number of its columns. */
const HEAD = 7;

/** What PostgreSQL answered to several statements, as it came: bytes that can be compared, and read where they have to be. */
export class Replies {
  /** @param bounds where the answer to each statement begins, and where it ends */
  constructor(
    private readonly bytes: Buffer,
    private readonly bounds: readonly number[],
  ) {}

  /** How many statements were answered to their end. */
  get answered(): number {
    return this.bounds.length >> 1;
  }

  /** What was answered to statements, from the first of these to the last, as bytes: rows, and how each came to its end. */
  from(first: number, last: number): Buffer {
    return this.bytes.subarray(this.bounds[2 * first], this.bounds[2 * last + 1]);
  }

  /** The same, up to the end of this statement, in memory of its own. */
  copy(last: number): Replies {
    return new Replies(Buffer.from(this.bytes.subarray(0, this.bounds[2 * last + 1])), this.bounds);
  }

  /**
   * What was answered to the nth statement, as the driver reads it.
   * @param isRaw whether rows are lists of their values
   */
  read(nth: number, columns: readonly Column[], isRaw: boolean): Result {
    const reply = this.from(nth, nth);
    const rows: (Row | unknown[])[] = [];
    let tag = "";
    for (let at = 0; at < reply.length; ) {
      const end = at + 1 + reply.readUInt32BE(at + 1);
      if (reply[at] === ROW) rows.push(isRaw ? valuesIn(reply, at, columns) : rowIn(reply, at, columns));
      else if (reply[at] === COMPLETE) tag = reply.toString("latin1", at + 5, end - 1);
      at = end;
    }
    const [command, count] = wordsOf(tag);
    // Not to be met by whoever goes through the rows.
    Object.defineProperty(rows, "command", { value: command });
    Object.defineProperty(rows, "count", { value: count });
    return rows as unknown as Result;
  }
}

/** `INSERT 0 3`: what was done, and to how many rows. */
function wordsOf(tag: string): readonly [string, number] {
  const first = tag.indexOf(" ");
  return first < 0 ? [tag, 0] : [tag.slice(0, first), Number(tag.slice(tag.lastIndexOf(" ") + 1))];
}

function rowIn(reply: Buffer, at: number, columns: readonly Column[]): Row {
  const row: Row = {};
  const values = valuesIn(reply, at, columns);
  columns.forEach(({ name }, n) => {
    row[name] = values[n];
  });
  return row;
}

function valuesIn(reply: Buffer, start: number, columns: readonly Column[]): unknown[] {
  let at = start + HEAD;
  return columns.map(({ parser }) => {
    const length = reply.readInt32BE(at);
    const from = at + 4;
    at = from + Math.max(0, length);
    if (length < 0) return null;
    const text = reply.toString("utf8", from, at);
    return parser ? parser(text) : text;
  });
}
