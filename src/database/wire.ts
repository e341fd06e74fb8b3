import { connect, type NetConnectOpts, type Socket } from "node:net";
import { Replies } from "./replies.js";

/** A statement as it goes over the wire: by the name that it was prepared under, or, where it takes no values, by its text. */
export interface Sendable {
  readonly text: string;
  readonly name: string | null;
  /** Its values, as `boundOf` writes them. */
  readonly bound: Buffer;
}

/** Whoever is told how a flight went. */
export interface Landing {
  /** The replies are to be read, or copied, before this returns: their memory is used again. */
  readonly resolve: (replies: Replies) => void;
  /** What PostgreSQL refused. Nothing was kept then, and the session is as it was before. */
  readonly reject: (why: Error) => void;
}

// Messages of PostgreSQL's protocol, version 3, by their first byte.
const [PARSE, BIND, EXECUTE, SYNC, QUERY] = [0x50, 0x42, 0x45, 0x53, 0x51];
const [BIND_COMPLETE, COMPLETE, FAILURE, READY, NOTICE] = [0x32, 0x43, 0x45, 0x5a, 0x4e];
const IDLE = 0x49;
/** The length of a message, which counts itself and not the byte before it. */
const HEAD = 5;
const ENDING = Buffer.from([EXECUTE, 0, 0, 0, 9, 0, 0, 0, 0, 0]);
const SYNCING = Buffer.from([SYNC, 0, 0, 0, 4]);
const UNDOING = Buffer.from([QUERY, 0, 0, 0, 13, ...Buffer.from("rollback\0")]);

/** The values of a statement, all as text: what follows its name where it is bound. */
export function boundOf(values: readonly (string | null)[]): Buffer {
  const size = values.reduce((sum, value) => sum + 4 + (value === null ? 0 : Buffer.byteLength(value)), 6);
  const bound = Buffer.alloc(size);
  bound.writeUInt16BE(values.length, 2);
  let at = 4;
  for (const value of values) {
    const length = value === null ? -1 : bound.write(value, at + 4);
    at = bound.writeInt32BE(length, at) + Math.max(0, length);
  }
  return bound;
}

/** What is read at once at most: as much as Node.js would take for it, each time anew. */
const READ_BYTES = 65_536;
/** An answer that was larger is rare, and its memory is not kept. */
const MOST_KEPT = 1_000_000;
const EMPTY = Buffer.alloc(0);

/**
 * A socket to the server on which the driver speaks, and, between what it says, we do: many statements in one message, answered in one.
 * The driver hears nothing of those, so nothing of its own may be under way meanwhile.
 */
export class Wire {
  #hearing: Hearing | null = null;
  /** What came in of a flight, for one after the other: memory outside of the heap, taken anew each time, is what V8 cleans up most dearly. */
  readonly #inbox = new Inbox();

  private constructor(private readonly socket: Socket) {}

  /** Connects, with memory for all that is ever read. */
  static connect(options: NetConnectOpts): { readonly socket: Socket; readonly wire: Wire } {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let wire: Wire;
    const callback = (length: number) => wire.#take(buffer.subarray(0, length));
    const socket = connect({ ...options, onread: { buffer, callback } });
    wire = new Wire(socket);
    return { socket, wire };
  }

  /**
   * Sends statements at once, the first of which begins a transaction that the last one ends. Where one is refused, those behind it
   * are not run, and the transaction is undone before whoever waits hears of it. Nobody hears of anything where the session is lost.
   */
  fly(statements: readonly Sendable[], landing: Landing): void {
    const { socket } = this;
    let failure: Error | null = null;
    this.#hearing = new Hearing(this.#inbox, {
      notice: (message) => this.#pass(message),
      failed: (why) => {
        failure ??= why;
      },
      ready: (status, replies) => {
        // Of a transaction that was begun and has failed, the rest was passed over, its end too.
        if (status !== IDLE) {
          socket.write(UNDOING);
          return false;
        }
        this.#hearing = null;
        if (failure) landing.reject(failure);
        else landing.resolve(replies);
        return true;
      },
    });
    socket.write(messageOf(statements));
  }

  #take(bytes: Buffer): boolean {
    if (this.#hearing) this.#hearing.take(bytes);
    else this.#pass(bytes);
    return true;
  }

  /** To the driver, which may keep what it is given. */
  #pass(bytes: Buffer): void {
    this.socket.emit("data", Buffer.from(bytes));
  }
}

function messageOf(statements: readonly Sendable[]): Buffer {
  const parts = statements.flatMap(({ text, name, bound }) => {
    const named = Buffer.from(`\0${name ?? ""}\0`);
    const bind = [headOf(BIND, named.length + bound.length), named, bound, ENDING];
    if (name !== null) return bind;
    const parsed = Buffer.from(`\0${text}\0\0\0`);
    return [headOf(PARSE, parsed.length), parsed, ...bind];
  });
  return Buffer.concat([...parts, SYNCING]);
}

function headOf(kind: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(HEAD);
  head[0] = kind;
  head.writeUInt32BE(length + 4, 1);
  return head;
}

interface Hearer {
  /** What the server says besides. */
  readonly notice: (message: Buffer) => void;
  readonly failed: (why: Error) => void;
  /** @returns whether that was all: what comes behind it is somebody else's */
  readonly ready: (status: number, replies: Replies) => boolean;
}

/** Bytes that have come in, one behind the other, in memory that is used again. */
class Inbox {
  bytes: Buffer = EMPTY;
  length = 0;

  clear(): void {
    this.length = 0;
    if (this.bytes.length > MOST_KEPT) this.bytes = EMPTY;
  }

  add(part: Buffer): void {
    const length = this.length + part.length;
    if (length > this.bytes.length) {
      const larger = Buffer.allocUnsafe(2 * length);
      this.bytes.copy(larger, 0, 0, this.length);
      this.bytes = larger;
    }
    part.copy(this.bytes, this.length);
    this.length = length;
  }
}

/** Reads messages as their bytes come in, in parts of any size. */
class Hearing {
  #at = 0;
  readonly #bounds: number[] = [];

  constructor(
    private readonly inbox: Inbox,
    private readonly hearer: Hearer,
  ) {}

  take(part: Buffer): void {
    this.inbox.add(part);
    const { bytes, length } = this.inbox;
    while (length - this.#at >= HEAD) {
      const from = this.#at;
      const to = from + 1 + bytes.readUInt32BE(from + 1);
      if (to > length) return;
      this.#at = to;
      if (!this.#hear(bytes, from, to)) continue;
      if (to < length) this.hearer.notice(bytes.subarray(to, length));
      this.inbox.clear();
      return;
    }
  }

  /** @returns whether it was the last one */
  #hear(bytes: Buffer, from: number, to: number): boolean {
    switch (bytes[from]) {
      case BIND_COMPLETE:
      case COMPLETE:
        this.#bounds.push(to);
        break;
      case NOTICE:
        this.hearer.notice(bytes.subarray(from, to));
        break;
      case FAILURE:
        this.hearer.failed(failureIn(bytes.subarray(from + HEAD, to)));
        break;
      case READY:
        return this.hearer.ready(bytes[to - 1]!, new Replies(bytes, this.#bounds));
    }
    return false;
  }
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

function failureIn(message: Buffer): Error {
  const fields = message.toString().split("\0").filter(Boolean);
  const told = Object.fromEntries(fields.map((field) => [FIELDS[field[0]!] ?? field[0]!, field.slice(1)]));
  return Object.assign(new Error(told.message), told);
}
