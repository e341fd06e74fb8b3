import { type Client, type ClientSettings, createClient, meet } from "./client.js";
import { LeaseOverError, UnavailableError } from "./errors.js";
import { type Course, Flight, statementsOf } from "./flight.js";
import { Homes } from "./homes.js";
import { Lease } from "./lease.js";
import type { Column } from "./result.js";
import { type Prepared, type Sender, Sent, type Waiter } from "./sent.js";
import type { Sendable } from "./wire.js";

export interface ConnectionSettings extends ClientSettings {
  readonly connectTimeoutMs: number;
  /**
   * How long the server may leave a statement unanswered before it is taken for dead: longer than its own
   * statement_timeout. Unset: for ever.
   */
  readonly silenceMs?: number;
}

/** A statement that nobody prepares, and that has no rows. */
const PLAIN = { name: null, columns: [] };

/** One session of the server, in a client of its own: when the session dies, the client dies with it. */
export class Connection {
  /** Who learns that the session is gone. */
  #holder: { revoke(reason: Error): void } | null = null;
  #lost: Error | null = null;
  readonly openedAt = performance.now();
  /** When it was last given back. */
  idleSince = this.openedAt;
  /** When it was last leased. */
  leasedAt = this.openedAt;
  readonly homes = new Homes();
  /** What the driver has prepared, by the text that was sent. */
  readonly #prepared = new Map<string, Prepared>();

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

  /** Whether transactions can be sent as a whole: of statements that are prepared, over a wire of ours, to one server. */
  get canFly(): boolean {
    return this.prepares && !this.isCitus && this.client.wire !== null;
  }

  /** Whether it may serve once more. */
  get isUsable(): boolean {
    return this.#lost === null && !this.homes.isFull;
  }

  lease(home: string, settles = true): Lease {
    this.homes.enter(home, settles);
    this.leasedAt = performance.now();
    const lease = new Lease(this, this.settings.silenceMs);
    this.#holder = lease;
    return lease;
  }

  holdBy(holder: { revoke(reason: Error): void }): void {
    this.#holder = holder;
  }

  /** Ends the session at once, whatever it is doing. Its lease learns the reason; no statement goes out after this. */
  condemn(reason: Error): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.client.destroy();
    this.onLost(this);
    this.#holder?.revoke(reason);
  }

  /** Says goodbye to the server. Only for a connection that nobody holds. */
  async close(): Promise<void> {
    this.#lost ??= new LeaseOverError();
    await this.client.sql.end({ timeout: 1 }).catch(() => {});
    this.client.destroy();
  }

  /**
   * Sends a statement behind those that were sent before.
   * @param isOfHome whether it names tables of the home that the connection serves
   * @param isRaw whether rows are lists of their values
   */
  send(
    sender: Sender,
    waiter: Waiter,
    text: string,
    params: readonly unknown[],
    isOfHome: boolean,
    isRaw: boolean,
  ): Sent {
    const prepare = this.prepares;
    const told = prepare && params.length > 0 ? this.homes.textOf(text, isOfHome) : text;
    const statement = new Sent(sender, waiter, told, params, prepare, isRaw);
    this.client.send(statement);
    if (prepare && params.length > 0 && statement.statement) this.#prepared.set(told, statement.statement);
    return statement;
  }

  /**
   * Sends a transaction at once. Nothing else may be under way.
   * @returns null where nothing was sent, for one of them was not answered on this connection before
   */
  fly(sender: Sender, course: Course): Flight | null {
    const { wire } = this.client;
    if (!wire || !this.canFly) return null;
    const sendable: Sendable[] = [];
    const columns: (readonly Column[])[] = [];
    const statements = statementsOf(course);
    for (const { text, params, bound, isOfHome } of statements) {
      // What takes no values is parsed anew each time.
      const known = params.length === 0 ? PLAIN : this.#prepared.get(this.homes.textOf(text, isOfHome));
      if (!known?.columns) return null;
      sendable.push({ text, name: known.name, bound });
      columns.push(known.columns);
    }
    const flight = new Flight(sender, course, statements, columns);
    wire.fly(sendable, flight);
    return flight;
  }
}
