import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import { ConnectionLostError, OutcomeUnknownError, UnavailableError } from "../database/errors.js";
import type { Again, Flight, Repeatable } from "../database/flight.js";
import type { Lease, Result } from "../database/lease.js";
import type { Leases } from "../database/leases.js";
import { boundOf } from "../database/messages.js";
import type { Notes } from "../database/notes.js";
import type { Signal } from "../database/signal.js";
import type { TenantId } from "../ids.js";
import { TenantRecord } from "./directory/directory.js";
import { ENTER, enterTenant, homeOf } from "./entering.js";
import { POSITION, type Position } from "./position.js";
import type { Lock } from "./tenantLock.js";

/** A tenant's tables, through drizzle. It knows no transactions of its own: the session is one. */
export type TenantDb = Omit<PostgresJsDatabase, "transaction"> & {
  readonly $client: { unsafe(text: string, values: (string | null)[]): PromiseLike<unknown> };
};

/**
 * What a session is for. A reading one sees a single snapshot. A changing one holds the tenant's lock to its end: the
 * exclusive form for whatever can withdraw a right or change a path, the shared form for everything else, so that a right
 * that was read after the lock is still there at the commit.
 */
export type Purpose = "read" | Lock;

const BEGIN = {
  read: "begin isolation level repeatable read read only",
  change: "begin isolation level read committed read write",
  withdraw: "begin isolation level read committed read write",
} as const;
const COMMIT = "commit";

/**
 * The tenant-scoped connection of one operation, and the only way to tenant data. PostgreSQL confines it: row security
 * shows the rows of its tenant and nothing else, whatever a statement asks for.
 */
export class TenantSession {
  /** Sends what drizzle has written. */
  readonly client: ReturnType<Lease["asClient"]>;
  /**
   * What was made for those who read in it, by who they are and by who made it. It is no map of the process, by its sessions: V8
   * keeps what the values of such a map lead to through each collection of what is young, and that is all that was read.
   */
  readonly made = new Map<object, Map<unknown, unknown>>();
  #db: TenantDb | undefined;
  #notes: Notes | null = null;
  #ended = false;

  private constructor(
    readonly tenant: TenantRecord,
    readonly purpose: Purpose,
    private readonly lease: Lease,
    private readonly entered: Promise<Result>,
  ) {
    this.client = lease.asClient();
  }

  /** What drizzle writes for this session alone. What is asked often is a `statement`, written once for all. */
  get db(): TenantDb {
    this.#db ??= drizzle({ client: this.client as never });
    return this.#db;
  }

  /**
   * Opens a session in the tenant's home. Nothing is awaited but a free connection: what prepares the session travels with
   * its first statement, and so does its failure. When the signal aborts, the session ends at once and keeps
   * nothing.
   * @param again what a reading session is sent at once, for it was asked in one like it: see `flight`
   * @throws UnavailableError when no connection became free in time, or the signal aborted before
   */
  static async open(
    leases: Leases,
    tenant: TenantRecord,
    purpose: Purpose,
    signal?: Signal,
    again?: Again,
  ): Promise<TenantSession> {
    refuseForged(tenant);
    const { schemaName, database } = tenant.home;
    const lease = await leases.acquire(schemaName, signal, database, { party: tenant.id });
    return TenantSession.enter(lease, tenant, purpose, again);
  }

  /** Opens a session on a connection that leads to the tenant's home, in a database of the same content. */
  static enter(lease: Lease, tenant: TenantRecord, purpose: Purpose, again?: Again): TenantSession {
    refuseForged(tenant);
    // What opens it and what ends it are never what they were then: it is this tenant's session, in its home as it is now.
    if (again && purpose === "read") {
      const home = homeOf(tenant);
      lease.fly({
        opening: [plain(BEGIN.read), { text: ENTER, params: home, bound: boundOf(home), isOfHome: false }],
        again,
        end: plain(COMMIT),
      });
    }
    // What travels behind a transaction that cannot begin would run outside of every transaction.
    lease.runFirst(BEGIN[purpose]).then(
      ({ command }) => {
        if (command !== "BEGIN") lease.condemn(new ConnectionLostError("The answers belong to other statements."));
      },
      // Of what was sent as a whole, all is undone already.
      (cause) =>
        lease.flight ||
        lease.condemn(new UnavailableError("The database cannot begin a transaction of this kind.", 1, { cause })),
    );
    // Messages of their own, never one text: if a text with several statements fails to parse, its `begin` never ran.
    const entered = enterTenant(lease, tenant, purpose === "read" ? null : purpose);
    return new TenantSession(tenant, purpose, lease, entered);
  }

  get tenantId(): TenantId {
    return this.tenant.id;
  }

  /** The server's process behind the session. */
  get pid(): number {
    return this.lease.pid;
  }

  /** Why what the session answered may not be all of it: PostgreSQL refused something, or is gone. Null while it is whole. */
  get failure(): Error | null {
    return this.lease.over ?? this.lease.failure;
  }

  /** How many statements have been sent, those that prepared it included. */
  get statements(): number {
    return this.lease.sent;
  }

  /** Whether more was asked of it than was expected. What was asked then was refused, and whoever asked may have taken that for an answer. */
  get isExceeded(): boolean {
    return this.lease.isExceeded;
  }

  /** When its transaction began, by the database's clock. Of a reading session it is the instant that its statements judge by. */
  async begunAt(): Promise<Date> {
    const [row] = await this.entered;
    return new Date(row!.now as string);
  }

  /** What was sent before anybody asked; null where nothing was. */
  get flight(): Flight | null {
    return this.lease.flight;
  }

  /** Notes from now on what is asked, to ask it `again`. */
  note(): void {
    this.#notes = this.lease.note();
  }

  /** What was asked since it is noted; null where it cannot be repeated. */
  get noted(): readonly Repeatable[] | null {
    return this.#notes?.repeatable ?? null;
  }

  /**
   * Says how many statements a reading session is sent, those that prepared it included. Its end travels with the last of them, which
   * saves a way to the server and back. Nothing can be asked after that.
   */
  expect(statements: number): void {
    if (this.purpose === "read" && statements > this.lease.sent) this.lease.runLastBehind(COMMIT, statements);
  }

  /** A statement written by hand, for what is run so often that building its text would show. */
  query(text: string, params: readonly unknown[]): Promise<Result> {
    return this.lease.run(text, params);
  }

  /** Sends a change whose answer nobody needs: it may travel with the commit, which PostgreSQL refuses where it refuses this. */
  write(text: string, params: readonly (string | null)[]): void {
    void this.query(text, params);
  }

  /**
   * Ends the session and keeps what it did. Resolves when PostgreSQL has acknowledged it.
   * @throws OutcomeUnknownError when COMMIT was sent and its answer never came; after any other error nothing was kept, and
   *   where PostgreSQL had refused something, that is the error
   */
  async commit(): Promise<void> {
    if (this.#ended) throw new TypeError("The session has ended.");
    this.#ended = true;
    // Nothing has been sent, so nothing is unknown.
    if (this.lease.over) throw this.lease.over;
    let tag: string;
    try {
      tag = (await (this.lease.closing ?? this.lease.runLast(COMMIT))).command;
    } catch (error) {
      const isUnknown = this.lease.over !== null && this.purpose !== "read";
      this.lease.release();
      throw isUnknown ? new OutcomeUnknownError("The connection was lost at the commit.", { cause: error }) : error;
    }
    const { failure } = this.lease;
    this.lease.release();
    // COMMIT of a failed transaction is answered without an error, with the tag ROLLBACK.
    if (tag !== "COMMIT") throw failure ?? new Error(`The transaction was not committed: ${tag}.`);
  }

  /**
   * Ends a changing session as `commit` does, and opens a reading one in the same home, whose beginning travels with the end of this
   * one. Where that fails, the other reads what nobody asked for, and is to be ended too.
   */
  commitAndRead(): { readonly kept: Promise<void>; readonly reading: TenantSession } {
    const kept = this.commit();
    return { kept, reading: TenantSession.enter(this.lease.handOn(), this.tenant, "read") };
  }

  /**
   * Ends a reading session, and says how far its database had come when it had seen all it saw. Sent at once, behind what was
   * sent before. Null when the database cannot say.
   */
  async leave(): Promise<Position | null> {
    const position = this.query(POSITION, []);
    try {
      await this.commit();
      const [row] = await position;
      return row as unknown as Position;
    } catch {
      return null;
    }
  }

  /** Ends the session and keeps nothing. Never throws; does nothing to a session that has ended. */
  async rollback(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    try {
      // What has read has nothing to keep or to undo.
      const { closing } = this.lease;
      const { command } = await (closing ?? this.lease.runLast("rollback"));
      if (command !== "ROLLBACK" && !closing) throw new Error(`The transaction was not rolled back: ${command}.`);
      this.lease.release();
    } catch (error) {
      this.lease.condemn(new ConnectionLostError("The session could not be ended.", { cause: error }));
    }
  }
}

const plain = (text: string): Repeatable => ({ text, params: [], bound: NOTHING, isOfHome: false });
const NOTHING = boundOf([]);

function refuseForged(tenant: TenantRecord): void {
  if (!TenantRecord.is(tenant)) throw new TypeError("A tenant session opens for a record of the directory only.");
}
