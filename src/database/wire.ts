import { connect, type NetConnectOpts, type Socket } from "node:net";
import { type Hearer, Hearing, Inbox } from "./hearing.js";
import { IDLE, messageOf, type Sendable, UNDOING } from "./messages.js";
import type { Replies } from "./replies.js";
import type { Spoken } from "./spoken.js";

/** Whoever is told how a flight went. */
export interface Landing {
  /** The replies are to be read, or copied, before this returns: their memory is used again. */
  readonly resolve: (replies: Replies) => void;
  /** What PostgreSQL refused, and which statement. Nothing was kept then, and the session is as it was before. */
  readonly reject: (why: Error, nth: number) => void;
}

/** What is read at once at most: as much as Node.js would take for it, each time anew. */
const READ_BYTES = 65_536;
/** What PostgreSQL itself says to whatever follows a statement that it refused. */
const FOLLOWS = Object.assign(new Error("Passed over, as a statement before it was refused."), {
  severity: "ERROR",
  code: "25P02",
});

/**
 * A socket to the server on which the driver speaks, and we do: many statements in one message, answered in one. The driver hears
 * nothing of those. What is said in one order is answered in that order, so the driver may speak while we are not answered yet, but we
 * may not while it is not: it may have more to say.
 */
export class Wire {
  /** Who hears what comes in, one after the other; the driver where there is nobody. */
  readonly #hearings: Hearing[] = [];
  /** What came in of an answer, for one after the other: memory outside of the heap, taken anew each time, is what V8 cleans up most dearly. */
  readonly #inbox = new Inbox();
  /** What is to be said in one message, at the end of the turn. */
  #volley: Spoken[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly onLost: () => void,
  ) {}

  /**
   * Connects, with memory for all that is ever read.
   * @param onLost called where something is answered that was not asked: then nobody knows what answers what
   */
  static connect(options: NetConnectOpts, onLost: () => void): { readonly socket: Socket; readonly wire: Wire } {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
    let wire: Wire;
    const callback = (length: number) => wire.#take(buffer.subarray(0, length));
    const socket = connect({ ...options, onread: { buffer, callback } });
    wire = new Wire(socket, onLost);
    return { socket, wire };
  }

  /** Says a statement with those of its turn, for one answer to them all. Where one is refused, those behind it are passed over. */
  say(statement: Spoken): void {
    this.#volley.push(statement);
  }

  /** Writes what is to be said so far. What is said next is another message. */
  finish(): void {
    const volley = this.#volley;
    if (volley.length === 0) return;
    this.#volley = [];
    this.#hear((_, replies, failure) => {
      // What stands outside of a transaction may be refused when all of it is done.
      const answered = failure ? Math.min(replies.answered, volley.length - 1) : replies.answered;
      if (!failure && answered !== volley.length) this.onLost();
      else
        for (const [nth, statement] of volley.entries())
          if (nth < answered) statement.resolve(replies, nth);
          else statement.reject(nth === answered ? failure! : FOLLOWS);
      return true;
    });
    this.socket.write(messageOf(volley));
  }

  /**
   * Sends statements at once, the first of which begins a transaction that the last one ends. Where one is refused, those behind it
   * are not run, and the transaction is undone before whoever waits hears of it. Nobody hears of anything where the session is lost.
   */
  fly(statements: readonly Sendable[], landing: Landing): void {
    const { socket } = this;
    let refused = 0;
    this.#hear((status, replies, failure) => {
      if (failure) refused ||= replies.answered;
      // Of a transaction that was begun and has failed, the rest was passed over, its end too.
      if (status !== IDLE) {
        socket.write(UNDOING);
        return false;
      }
      if (failure) landing.reject(failure, refused);
      else if (replies.answered === statements.length) landing.resolve(replies);
      else this.onLost();
      return true;
    });
    socket.write(messageOf(statements));
  }

  #hear(ready: Hearer["ready"]): void {
    this.#hearings.push(new Hearing(this.#inbox, { ready, notice: (message) => this.#pass(message) }));
  }

  #take(bytes: Buffer): boolean {
    for (let rest: Buffer | null = bytes; rest && rest.length > 0; ) {
      const hearing = this.#hearings[0];
      if (!hearing) {
        this.#pass(rest);
        break;
      }
      rest = hearing.take(rest);
      if (rest) this.#hearings.shift();
    }
    return true;
  }

  /** To the driver, which may keep what it is given. */
  #pass(bytes: Buffer): void {
    this.socket.emit("data", Buffer.from(bytes));
  }
}
