import type postgres from "postgres";
import { sessionSurvives } from "./errors.js";
import { boundOf } from "./messages.js";
import type { Column, Result } from "./result.js";

/** What was sent and is to be answered. */
export interface Unanswered {
  readonly waiter: Pick<Waiter, "refuse">;
}

/** A statement that was sent, as it can be sent again. */
export interface Noted {
  readonly isAnswered: boolean;
  /** Its values as they were given. */
  readonly args: readonly unknown[];
  /** The same as they went over the wire, once it is answered. */
  readonly bound: Buffer;
}

/** Who sends statements, and hears of each before whoever waits for it. */
export interface Sender {
  /** Called in the middle of what the driver does, or the wire: nothing may be sent or ended here. */
  hear(statement: Unanswered, isWell: boolean): void;
  /** What whoever waits is told of a failure. */
  meaningOf(failure: Error): Error;
}

/** Whoever waits for the answer to a statement. */
export interface Waiter<Answer = Result> {
  readonly tell: (result: Answer) => void;
  readonly refuse: (reason: Error) => void;
}

/** Waits for what nobody waits for. */
export const NOBODY: Waiter = { tell: () => {}, refuse: () => {} };

/** A statement as the driver has prepared it on a connection, and knows it there. */
export interface Prepared {
  readonly name: string;
  /** What its values are of, by the server's numbers. */
  readonly types: readonly number[];
  /** Null until it was answered for the first time. */
  readonly columns: readonly Column[] | null;
  /** What was sent behind its text, to be another one. */
  anew?: string;
  /** Set where the server may take it no more: then it is to be prepared anew. */
  isStale?: boolean;
}

/** How many statements a driver has to answer. */
export interface Driving {
  statements: number;
}

const SIMPLE = { simple: true, prepare: false };
const PREPARED = { simple: false, prepare: true };
const UNNAMED = { simple: false, prepare: false };

/**
 * A statement as the driver's connection knows one, in place of the driver's own query. That one assigns closures to itself:
 * V8 takes such a closure for a method, and makes it where what is old is kept. All that can be reached from it, the rows
 * before all, outlives every collection of what is young, to be copied each time: a good part of what a request cost.
 *
 * Its fields are those of postgres 3.4; all are there from the start, so that all statements have one shape.
 */
export class Sent implements Unanswered, Noted {
  readonly tagged = false;
  readonly strings: readonly [string];
  readonly args: readonly unknown[];
  readonly options: typeof SIMPLE;
  readonly isRaw: "values" | false;
  /** Stands below the stack of its error. */
  readonly origin = "";
  readonly reserve = null;
  readonly onlyDescribe = false;
  readonly cursorFn = null;
  readonly forEachFn = null;
  active = false;
  cancelled = false;
  parsing = false;
  prepare = false;
  prepared = false;
  describeFirst = false;
  string = "";
  state: { readonly pid: number } | null = null;
  /** Once it was sent: how it was prepared, and its values as text. */
  statement: Prepared | null = null;
  parameters: (string | null)[] | null = null;
  #isAnswered = false;

  /**
   * @param isRaw whether rows are lists of their values
   */
  constructor(
    private readonly sender: Sender,
    readonly waiter: Waiter,
    text: string,
    params: readonly unknown[],
    prepares: boolean,
    isRaw: boolean,
    private readonly driving: Driving,
  ) {
    driving.statements++;
    this.strings = [text];
    this.args = params;
    // Without parameters a statement is sent as it is, and may be several.
    this.options = params.length === 0 ? SIMPLE : prepares ? PREPARED : UNNAMED;
    this.isRaw = isRaw ? "values" : false;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  get bound(): Buffer {
    return boundOf(this.parameters!);
  }

  /** Called by the driver, also behind a failure: where it could not read a row, it goes on to the end of the rest. */
  resolve(result: Result): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.driving.statements--;
    this.sender.hear(this, true);
    this.waiter.tell(result);
  }

  /**
   * Called by the driver, for the loss of a session more than once, and in the middle of what it does about that: what we do
   * about it may be to end the session.
   */
  reject(why: Error): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    // Of what is not PostgreSQL's own answer the rest is yet to come, up to the end of the session, which comes first.
    if (sessionSurvives(why)) this.driving.statements--;
    this.sender.hear(this, false);
    queueMicrotask(() => this.waiter.refuse(this.sender.meaningOf(why)));
  }

  /**
   * What the driver finds a prepared statement by. It would take the types of the values and the text, written one behind the other
   * anew each time: thousands of characters to copy and to digest. By the text alone, the first values decide for a connection how a
   * boolean, a date or bytes are sent, and the server how all else is: so one text takes one kind of value in each place, or null.
   */
  get signature(): string {
    return this.strings[0];
  }

  set signature(_made: unknown) {}

  get retried(): undefined {
    return undefined;
  }

  /**
   * A prepared statement that PostgreSQL takes no more, as after a column has another type, is sent once more by the driver: at
   * the end of what is under way, where it may follow the end of its transaction and meet that of whoever has the connection
   * next, and without the message that would let the server answer. The driver notes here why, right before, and sends
   * nothing that is cancelled. So its sender is told, and it is prepared anew the next time.
   */
  set retried(why: Error) {
    this.cancelled = true;
    if (this.statement) this.statement.isStale = true;
    this.reject(why);
  }
}

/** How a client takes statements of ours: the way that it sends its own. */
export function sending(sql: postgres.Sql): (statement: Sent) => void {
  const { handler } = sql.unsafe("") as unknown as { readonly handler?: unknown };
  if (typeof handler !== "function") throw new Error("This version of the driver takes no statements of others.");
  return handler as (statement: Sent) => void;
}
