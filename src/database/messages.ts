/** A statement as it goes over the wire: by the name that it was prepared under, or, where it takes no values, by its text. */
export interface Sendable {
  readonly text: string;
  readonly name: string | null;
  /** Its values, as `boundOf` writes them. */
  readonly bound: Buffer;
}

// Messages of PostgreSQL's protocol, version 3, by their first byte.
const [PARSE, BIND, EXECUTE, SYNC, QUERY] = [0x50, 0x42, 0x45, 0x53, 0x51];
export const [BIND_COMPLETE, COMPLETE, FAILURE, READY, NOTICE] = [0x32, 0x43, 0x45, 0x5a, 0x4e];
/** What the server says that it is in, when it is ready: no transaction. */
export const IDLE = 0x49;
/** The kind of a message and its length, which counts itself and not the byte before it. */
export const HEAD = 5;

/** Runs what was bound to its end. */
const ENDING = Buffer.from([EXECUTE, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
const SYNCING = Buffer.from([SYNC, 0, 0, 0, 4]);
export const UNDOING = Buffer.from([QUERY, 0, 0, 0, 13, ...Buffer.from("rollback\0")]);

/** The values of a statement, all as text: what follows its name where it is bound. */
export function boundOf(values: readonly (string | null)[]): Buffer {
  const size = values.reduce((sum, value) => sum + 4 + (value === null ? 0 : Buffer.byteLength(value)), 6);
  const bound = Buffer.allocUnsafe(size);
  let at = bound.writeUInt16BE(values.length, bound.writeUInt16BE(0, 0));
  for (const value of values) {
    const length = value === null ? -1 : bound.write(value, at + 4);
    at = bound.writeInt32BE(length, at) + Math.max(0, length);
  }
  bound.writeUInt16BE(0, at);
  return bound;
}

/** Several statements as one message, which the server answers as a whole: where it refuses one, it passes over those behind it. */
export function messageOf(statements: readonly Sendable[]): Buffer {
  let size = SYNCING.length;
  for (const { text, name, bound } of statements) {
    size += HEAD + 2 + (name?.length ?? 0) + bound.length + ENDING.length;
    if (name === null) size += HEAD + 4 + Buffer.byteLength(text);
  }
  const message = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { text, name, bound } of statements) {
    if (name === null) at = parse(message, at, text);
    at = bind(message, at, name ?? "", bound);
    at += ENDING.copy(message, at);
  }
  SYNCING.copy(message, at);
  return message;
}

/** A text that takes no values, under no name. */
function parse(message: Buffer, start: number, text: string): number {
  const from = start + HEAD;
  message[from] = 0;
  const end = from + 1 + message.write(text, from + 1);
  message.fill(0, end, end + 3);
  return headed(message, PARSE, start, end + 3);
}

/** Names are of single bytes. */
function bind(message: Buffer, start: number, name: string, bound: Buffer): number {
  const from = start + HEAD;
  message[from] = 0;
  const end = from + 1 + message.write(name, from + 1, "latin1");
  message[end] = 0;
  return headed(message, BIND, start, end + 1 + bound.copy(message, end + 1));
}

function headed(message: Buffer, kind: number, start: number, end: number): number {
  message[start] = kind;
  message.writeUInt32BE(end - start - 1, start + 1);
  return end;
}

/** The fields that we read of a failure, as the driver names them. */
const FIELDS: Readonly<Record<string, string>> = {
  S: "severity_local",
  V: "severity",
  C: "code",
  M: "message",
  D: "detail",
  n: "constraint_name",
  R: "routine",
};

/** What the server says of a statement that it refuses. */
export function failureIn(message: Buffer): Error {
  const fields = message.toString().split("\0").filter(Boolean);
  const told = Object.fromEntries(fields.map((field) => [FIELDS[field[0]!] ?? field[0]!, field.slice(1)]));
  return Object.assign(new Error(told.message), told);
}
