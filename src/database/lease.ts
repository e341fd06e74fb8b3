import type postgres from "postgres";
import { ConnectionLostError, followsFailure, LeaseOverError, sessionSurvives } from "./errors.js";

export type Row = Record<string, unknown>;
/** Rows, and the tag that PostgreSQL closed the statement with: `SELECT`, `COMMIT`, … */
export type Result = readonly Row[] & { readonly command: string; readonly count: number };

/** What a lease is of. */
interface Leased {
  readonly pid: number;
  readonly isCitus: boolean;
  statement(text: string, params: readonly unknown[], isOfHome?: boolean): postgres.PendingQuery<Row[]>;
  condemn(reason: Error): void;
}

/** Why a lease that was given back takes no statement. */
const DONE = new LeaseOverError();
/** How long what somebody gave up may go on before its session ends with it: most statements are done long before. */
const GRACE_MS = 250;

/** One operation's use of a connection. Every statement goes through it, and none after its end. */
export class Lease {
  #over: Error | null = null;
  #isInTransaction = false;
  #lastIsSent = false;
  #latest: PromiseLike<unknown> | null = null;
  #failure: Error | null = null;
  #silence: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #ended: (() => void)[] = [];

  constructor(
    private readonly connection: Leased,
    private readonly silenceMs: number | undefined,
  ) {}

  get pid(): number {
    return this.connection.pid;
  }

  get isCitus(): boolean {
    return this.connection.isCitus;
  }

  /** Why no statement can be sent any more; null while one can. */
  get over(): Error | null {
    return this.#over;
  }

  /** What PostgreSQL refused last, whether or not anybody listened. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Sends a statement; what was sent before is answered before. Without parameters it may hold no values at all. */
  run(text: string, params: readonly unknown[] = []): Promise<Result> {
    return this.#send(() => this.connection.statement(text, params)) as Promise<Result>;
  }

  /** The same for a statement without tables, which has one plan for all homes. */
  runAnywhere(text: string, params: readonly unknown[]): Promise<Result> {
    return this.#send(() => this.connection.statement(text, params, false)) as Promise<Result>;
  }

  /** Sends the statement that opens the transaction of the lease. */
  runFirst(text: string): Promise<Result> {
    this.#isInTransaction = true;
    return this.run(text);
  }

  /** Sends the statement that closes the transaction. Nothing may follow it: it would run outside of every transaction. */
  runLast(text: string): Promise<Result> {
    const answer = this.run(text);
    this.#lastIsSent = true;
    return answer;
  }

  /**
   * What drizzle takes for a client: the same statements, tied to this lease. It has no `begin`, so that
   * drizzle's own transactions, which do not survive the loss of a session, cannot be opened.
   */
  asClient() {
    return {
      // Drizzle writes its parsers in here; those of the connection are set when it is opened.
      options: { parsers: {}, serializers: {} },
      unsafe: (text: string, params: readonly unknown[] = []) => ({
        // biome-ignore lint/suspicious/noThenProperty: a statement is sent when it is awaited, as drizzle expects
        then: (...on: Parameters<Promise<Result>["then"]>) => this.run(text, params).then(...on),
        values: () => this.#send(() => this.connection.statement(text, params).values()),
      }),
    };
  }

  /** Ends the lease with everything answered and the transaction closed: the connection goes to the next one. */
  release(): void {
    if (this.#over) return;
    if (this.#waiting.size > 0) this.condemn(DONE);
    else this.#finish(DONE);
  }

  /** Ends the lease and the session with it: for a transaction in an unknown state. */
  condemn(reason: Error): void {
    if (!this.#over) this.connection.condemn(reason);
  }

  /**
   * Ends the lease for somebody who has gone away: whoever waits learns the reason at once. The connection goes to the next one
   * when what was sent is answered and the transaction undone, if that does not take long.
   */
  abandon(reason: Error): void {
    if (this.#over) return;
    const latest =
      this.#isInTransaction && !this.#lastIsSent ? this.connection.statement("rollback", []) : this.#latest;
    this.#close(reason);
    const lose = () => this.connection.condemn(reason);
    const timer = setTimeout(lose, GRACE_MS);
    // An answer, or the loss of the session: the driver leaves some statements of a dead one unanswered.
    Promise.resolve(latest)
      .catch(lose)
      .finally(() => {
        clearTimeout(timer);
        this.#handBack();
      });
  }

  /** Called when the session is gone. Every statement that waits is answered with the reason. */
  revoke(reason: Error): void {
    if (this.#over) this.#handBack();
    else this.#finish(reason);
  }

  onEnd(then: () => void): void {
    this.#ended.push(then);
  }

  #finish(reason: Error): void {
    this.#close(reason);
    this.#handBack();
  }

  #close(reason: Error): void {
    this.#over = reason;
    clearTimeout(this.#silence);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
  }

  #handBack(): void {
    for (const then of this.#ended.splice(0)) then();
  }

  /** The driver leaves some statements of a dead session unanswered for ever, so each is raced against its end. */
  #send<T>(send: () => PromiseLike<T>): Promise<T> {
    const over = this.#over ?? (this.#lastIsSent ? DONE : null);
    // Made here, where it tells who comes too late: every lease ends, and few are used after that.
    const refusal = over === DONE ? new LeaseOverError() : over;
    const answer = new Promise<T>((resolve, reject) => {
      if (refusal) return reject(refusal);
      this.#listen();
      this.#waiting.add(reject);
      const sent = send();
      this.#latest = sent;
      sent.then(
        (value) => {
          this.#hear(reject);
          resolve(value);
        },
        (error) => {
          this.#hear(reject);
          reject(this.#meaningOf(error));
        },
      );
    });
    // A statement that nobody awaits must not end the process when it fails; its transaction cannot be committed any more.
    answer.catch(() => {});
    return answer;
  }

  /** What the sender of a statement is told of its failure. */
  #meaningOf(error: Error): Error {
    // It says only that an earlier statement failed, maybe one that nobody awaits: that one is the reason.
    if (followsFailure(error)) return this.#failure ?? error;
    if (!sessionSurvives(error)) this.condemn(new ConnectionLostError("The session was lost.", { cause: error }));
    this.#failure = error;
    return this.#over ?? error;
  }

  #listen(): void {
    if (this.silenceMs === undefined || this.#waiting.size > 0) return;
    this.#silence = setTimeout(
      () => this.condemn(new ConnectionLostError("The database has stopped answering.")),
      this.silenceMs,
    );
  }

  #hear(waiting: (reason: Error) => void): void {
    this.#waiting.delete(waiting);
    if (this.#waiting.size > 0) this.#silence?.refresh();
    else clearTimeout(this.#silence);
  }
}
