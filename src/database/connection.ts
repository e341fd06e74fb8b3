import { connect, type Socket } from "node:net";
// By its own path: the whole of drizzle would cost each command a tenth of a second.
import { parsePgArray } from "drizzle-orm/pg-core/array";
import postgres from "postgres";
import { ConnectionLostError, LeaseOverError, UnavailableError } from "./errors.js";

export interface ConnectionSettings {
  readonly url: string;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  /** Off behind a pooler that does not know prepared statements. */
  readonly prepare: boolean;
  readonly connectTimeoutMs: number;
}

type Client = postgres.Sql;
type Row = Record<string, unknown>;
/** Rows, and the tag that PostgreSQL closed the statement with: `SELECT`, `COMMIT`, … */
export type Result = readonly Row[] & { readonly command: string; readonly count: number };

// A connection keeps a plan for every text it has seen, for ever.
const MAX_STATEMENTS = 500;

/**
 * One session of the server, in a client of its own that can never have a second one: its socket is made once, so when the
 * session dies the client dies with it. (A client that reconnects sends what is left of a transaction to the new session,
 * where it is acknowledged, or read, as somebody else's.)
 */
export class Connection {
  #lease: Lease | null = null;
  #lost: Error | null = null;
  readonly #texts = new Set<string>();
  readonly openedAt = Date.now();

  /** Whom it served last: the plans it keeps fit that tenant. */
  affinity = "";

  private constructor(
    readonly client: Client,
    /** The server's process, for those who look at it from outside. */
    readonly pid: number,
    private readonly prepare: boolean,
    private readonly onLost: (connection: Connection) => void,
  ) {}

  /**
   * Connects and waits until the session answers.
   * @throws UnavailableError when it does not, with the reason as its cause
   */
  static async open(settings: ConnectionSettings, onLost: (connection: Connection) => void): Promise<Connection> {
    let self: Connection | null = null;
    let closed = false;
    const client = postgres(settings.url, {
      max: 1,
      fetch_types: false,
      prepare: settings.prepare,
      connect_timeout: settings.connectTimeoutMs / 1000,
      // Its own retirement knows nothing of transactions that it did not begin.
      max_lifetime: null,
      idle_timeout: 0,
      onnotice: () => {},
      connection: { application_name: settings.applicationName, TimeZone: "UTC" },
      socket: onceOnly(),
      onclose: () => {
        closed = true;
        self?.condemn(new ConnectionLostError("The connection to the database was lost."));
      },
    } as postgres.Options<Record<string, never>>);
    // Dates stay text on the wire: one parser for all, the tables' own.
    for (const type of [1082, 1083, 1114, 1184]) client.options.parsers[type] = (value: string) => value;
    // Arrays of text and of uuids: asking the server for its array types costs more with every tenant's schema.
    for (const type of [1009, 2951]) client.options.parsers[type] = parsePgArray;
    try {
      const [row] = await client.unsafe("select pg_backend_pid() as pid");
      if (closed) throw new ConnectionLostError("The connection to the database was lost.");
      self = new Connection(client, Number(row?.pid), settings.prepare, onLost);
      return self;
    } catch (error) {
      discard(client);
      throw new UnavailableError("The database does not answer.", 1, { cause: error });
    }
  }

  /** Whether it may serve once more. */
  get isUsable(): boolean {
    return this.#lost === null && this.#texts.size < MAX_STATEMENTS;
  }

  lease(affinity: string): Lease {
    this.affinity = affinity;
    this.#lease = new Lease(this);
    return this.#lease;
  }

  /** Ends the session at once, whatever it is doing. Its lease learns the reason; no statement goes out after this. */
  condemn(reason: Error): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.#lease?.revoke(reason);
    discard(this.client);
    this.onLost(this);
  }

  /** Says goodbye to the server. Only for a connection that nobody holds. */
  async close(): Promise<void> {
    this.#lost ??= new LeaseOverError();
    await this.client.end({ timeout: 5 });
  }

  statement(text: string, params: readonly unknown[]): postgres.PendingQuery<Row[]> {
    this.#texts.add(text);
    return this.client.unsafe(text, params as postgres.ParameterOrJSON<never>[], { prepare: this.prepare });
  }
}

/** One operation's use of a connection. Every statement goes through it, and none after its end. */
export class Lease {
  #over: Error | null = null;
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #ended: (() => void)[] = [];

  constructor(private readonly connection: Connection) {}

  get pid(): number {
    return this.connection.pid;
  }

  /** Sends a statement; what was sent before is answered before. Without parameters it may hold no values at all. */
  run(text: string, params: readonly unknown[] = []): Promise<Result> {
    return this.#race(() => this.connection.statement(text, params)) as Promise<Result>;
  }

  /**
   * What drizzle takes for a client: the same statements, always prepared, tied to this lease. It has no `begin`, so that
   * drizzle's own transactions, which do not survive the loss of a session, cannot be opened.
   */
  asClient() {
    return {
      // Drizzle writes its parsers in here; those of the connection are set when it is opened.
      options: { parsers: {}, serializers: {} },
      unsafe: (text: string, params: readonly unknown[] = []) => ({
        // biome-ignore lint/suspicious/noThenProperty: a statement is sent when it is awaited, as drizzle expects
        then: (...on: Parameters<Promise<Result>["then"]>) => this.run(text, params).then(...on),
        values: () => this.#race(() => this.connection.statement(text, params).values()),
      }),
    };
  }

  /** Ends the lease with everything answered and the transaction closed: the connection goes to the next one. */
  release(): void {
    if (this.#over) return;
    if (this.#waiting.size > 0) this.condemn(new LeaseOverError());
    else this.#finish(new LeaseOverError());
  }

  /** Ends the lease and the session with it: for a transaction in an unknown state. */
  condemn(reason: Error): void {
    this.connection.condemn(reason);
  }

  /** Called when the session is gone. Every statement that waits is answered with the reason. */
  revoke(reason: Error): void {
    if (!this.#over) this.#finish(reason);
  }

  onEnd(then: () => void): void {
    if (this.#over) then();
    else this.#ended.push(then);
  }

  #finish(reason: Error): void {
    this.#over = reason;
    for (const reject of this.#waiting) reject(reason);
    this.#waiting.clear();
    for (const then of this.#ended.splice(0)) then();
  }

  /** The driver leaves some statements of a dead session unanswered for ever, so each is raced against its end. */
  #race<T>(send: () => PromiseLike<T>): Promise<T> {
    if (this.#over) return Promise.reject(this.#over);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      send().then(
        (value) => {
          this.#waiting.delete(reject);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(reject);
          reject(error);
        },
      );
    });
  }
}

/** Makes a client's one socket; asked for a second, it refuses. */
function onceOnly() {
  let made = false;
  return (options: { host: string[]; port: number[]; path?: string | false }): Socket => {
    if (made) throw new ConnectionLostError("The connection to the database was lost.");
    made = true;
    const [host, port] = [options.host[0] ?? "localhost", options.port[0] ?? 5432];
    const socket = options.path ? connect(options.path) : connect({ host, port, noDelay: true });
    // The driver takes the server's name for TLS from here.
    return Object.assign(socket, { host, port });
  };
}

function discard(client: Client): void {
  client.end({ timeout: 0 }).catch(() => {});
}
