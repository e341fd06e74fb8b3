import { type Client, type ClientSettings, createClient, meet } from "./client.js";
import { LeaseOverError, UnavailableError } from "./errors.js";
import { type Course, Flight, statementsOf } from "./flight.js";
import { Homes } from "./homes.js";
import { Lease } from "./lease.js";
import { boundOf } from "./messages.js";
import { type Driving, type Noted, type Prepared, type Sender, Sent, type Unanswered, type Waiter } from "./sent.js";
import { Spoken } from "./spoken.js";

export interface ConnectionSettings extends ClientSettings {
  readonly connectTimeoutMs: number;
  /**
   * How long the server may leave a statement unanswered before it is taken for dead: longer than its own
   * statement_timeout. Unset: for ever.
   */
  readonly silenceMs?: number;
  /**
   * Whether a standby is refused, as one that was the primary before a failover. It may lag behind by any time, and let in who
   * has lost their right meanwhile. A primary becomes one by a restart only, so it is enough to ask as the session begins.
   */
  readonly refusesStandby?: boolean;
}

/** What begins a transaction or ends it: one statement that takes no values and has no rows. */
const PLAIN = /^(begin( [ \w]+)?|commit|rollback)$/;
const NO_VALUES = boundOf([]);

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
  /** What the driver has yet to answer: as long as it has, it may have more to send, and nobody else sends anything. */
  readonly #driving: Driving = { statements: 0 };
  /** How often a statement was prepared anew. */
  #anew = 0;

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
      const { pid, isCitus, isPooled, isStandby } = await Promise.race([meet(client), late]);
      if (lost) throw lost;
      if (isStandby && settings.refusesStandby) throw new Error("It is a standby, and the primary is asked for.");
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
   * @param isAlone whether it is a transaction of its own
   */
  send(
    sender: Sender,
    waiter: Waiter,
    text: string,
    params: readonly unknown[],
    isOfHome: boolean,
    isRaw: boolean,
    isAlone: boolean,
  ): Unanswered & Noted {
    const prepare = this.prepares && params.length > 0;
    const told = prepare ? this.homes.textOf(text, isOfHome) : text;
    const prepared = prepare ? this.#prepared.get(told) : null;
    if (this.canFly && this.#driving.statements === 0) {
      const isPlain = !prepare && PLAIN.test(text);
      const isKnown = prepared?.columns && !prepared.isStale;
      const bound = isPlain ? NO_VALUES : isKnown ? this.client.bind(params, prepared.types) : null;
      if (bound) {
        const spoken = new Spoken(sender, waiter, told, prepared ?? null, params, bound, isRaw);
        this.client.say(spoken, isAlone || (isPlain && !text.startsWith("begin")));
        return spoken;
      }
    }
    // In its text, not its name alone: a pooler that prepares for many clients knows statements by their texts.
    const anew = prepared?.isStale ? ` /* anew ${++this.#anew} */` : (prepared?.anew ?? "");
    const statement = new Sent(sender, waiter, told + anew, params, this.prepares, isRaw, this.#driving);
    this.client.send(statement);
    if (prepare && statement.statement) this.#prepared.set(told, Object.assign(statement.statement, { anew }));
    return statement;
  }

  /**
   * Sends a transaction at once. Nothing else may be under way.
   * @returns null where nothing was sent, for one of them was not answered on this connection before
   */
  fly(sender: Sender, course: Course): Flight | null {
    const { wire } = this.client;
    if (!wire || !this.canFly) return null;
    const statements = statementsOf(course);
    const prepared: (Prepared | null)[] = [];
    for (const { text, params, isOfHome } of statements) {
      // What takes no values is parsed anew each time.
      const known = params.length === 0 ? null : this.#prepared.get(this.homes.textOf(text, isOfHome));
      if (known !== null && (!known?.columns || known.isStale)) return null;
      prepared.push(known);
    }
    const flight = new Flight(sender, course, statements, prepared);
    const sendable = statements.map(({ text, bound }, nth) => ({ text, name: prepared[nth]?.name ?? null, bound }));
    wire.fly(sendable, flight);
    return flight;
  }
}
