import type postgres from "postgres";
import { type Client, type ClientSettings, createClient, meet } from "./client.js";
import { ConnectionLostError, followsFailure, LeaseOverError, sessionSurvives, UnavailableError } from "./errors.js";
import { Homes } from "./homes.js";

export interface ConnectionSettings extends ClientSettings {
  readonly connectTimeoutMs: number;
  /**
   * How long the server may leave a statement unanswered before it is taken for dead: longer than its own
   * statement_timeout. Unset: for ever.
   */
  readonly silenceMs?: number;
}

type Row = Record<string, unknown>;
/** Rows, and the tag that PostgreSQL closed the statement with: `SELECT`, `COMMIT`, … */
export type Result = readonly Row[] & { readonly command: string; readonly count: number };

/** One session of the server, in a client of its own: when the session dies, the client dies with it. */
export class Connection {
  #lease: Lease | null = null;
  #lost: Error | null = null;
  readonly openedAt = performance.now();
  /** When it was last given back. */
  idleSince = this.openedAt;
  readonly homes = new Homes();

  private constructor(
    private readonly client: Client,
    /** The server's process, for those who look at it from outside. */
    readonly pid: number,
    /** Whether its database is spread over several servers by Citus, which wants some statements in another form. */
    readonly isCitus: boolean,
    /** Whether statements are prepared here. */
    private readonly prepares: boolean,
    private readonly settings: ConnectionSettings,
    private readonly onLost: (connection: Connection) => void,
  ) {}

  /**
   * Connects and waits until the session answers.
   * @throws UnavailableError when it does not, with the reason as its cause
   */
  static async open(settings: ConnectionSettings, onLost: (connection: Connection) => void): Promise<Connection> {
    let self: Connection | null = null;
    let lost: Error | null = null;
    const client = createClient(settings, (reason) => {
      lost = reason;
      self?.condemn(reason);
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("No answer in time.")), settings.connectTimeoutMs);
    });
    try {
      const { pid, isCitus, isPooled } = await Promise.race([meet(client), late]);
      if (lost) throw lost;
      const prepares = settings.prepare === "auto" ? !isPooled : settings.prepare;
      self = new Connection(client, pid, isCitus, prepares, settings, onLost);
      return self;
    } catch (error) {
      client.destroy();
      throw new UnavailableError("The database does not answer.", 1, { cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Whether it may serve once more. */
  get isUsable(): boolean {
    return this.#lost === null && !this.homes.isFull;
  }

  lease(home: string, settles = true): Lease {
    this.homes.enter(home, settles);
    this.#lease = new Lease(this, this.settings.silenceMs);
    return this.#lease;
  }

  /** Ends the session at once, whatever it is doing. Its lease learns the reason; no statement goes out after this. */
  condemn(reason: Error): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.client.destroy();
    this.onLost(this);
    this.#lease?.revoke(reason);
  }

  /** Says goodbye to the server. Only for a connection that nobody holds. */
  async close(): Promise<void> {
    this.#lost ??= new LeaseOverError();
    await this.client.sql.end({ timeout: 1 }).catch(() => {});
    this.client.destroy();
  }

  statement(text: string, params: readonly unknown[], isOfHome = true): postgres.PendingQuery<Row[]> {
    const prepare = this.prepares;
    const sent = prepare && params.length > 0 ? this.homes.textOf(text, isOfHome) : text;
    return this.client.sql.unsafe(sent, params as postgres.ParameterOrJSON<never>[], { prepare });
  }
}

/** Why a lease that was given back takes no statement. */
const DONE = new LeaseOverError();

/** One operation's use of a connection. Every statement goes through it, and none after its end. */
export class Lease {
  #over: Error | null = null;
  #lastIsSent = false;
  #failure: Error | null = null;
  #silence: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #ended: (() => void)[] = [];

  constructor(
    private readonly connection: Connection,
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

  /** Called when the session is gone. Every statement that waits is answered with the reason. */
  revoke(reason: Error): void {
    if (!this.#over) this.#finish(reason);
  }

  onEnd(then: () => void): void {
    this.#ended.push(then);
  }

  #finish(reason: Error): void {
    this.#over = reason;
    clearTimeout(this.#silence);
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
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
      send().then(
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
