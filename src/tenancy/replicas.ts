import { ConnectionLostError } from "../database/errors.js";
import type { Lease } from "../database/lease.js";
import type { Leases } from "../database/leases.js";
import { replicaOf } from "../database/names.js";
import type { Signal } from "../database/signal.js";
import type { TenantRecord } from "./directory/directory.js";
import { CATCH_UP, type Position } from "./position.js";
import { TenantSession } from "./session.js";

/** How much of the time that a read waits the replica may take: the rest is for the way there and back. */
const SHARE = 0.75;
/** How long a replica that did not serve is not asked again: else each read would wait for it in vain. */
const REST_MS = 250;
/** How long it then has to serve before it is told of. */
const QUIET_MS = 60_000;

/** Told when a replica stops serving, with the reason, and with null when it serves again; not of every read. */
export type ReportReplica = (database: string, why: string | null) => void;

type Line = (of: object, what: string) => void;

/** Writes it to the log of the process. */
export const reportTo =
  (log: { readonly info: Line; readonly warn: Line }): ReportReplica =>
  (database, why) =>
    why === null
      ? log.info({ database }, "a replica serves again")
      : log.warn({ database, why }, "a replica does not serve, and the primary answers instead");

const WHY = {
  away: "It does not answer.",
  foreign:
    "It is not a replica of this database as the serving login sees it: it is not in recovery, or of another server, timeline, database or login.",
  behind: "It lags behind the primary.",
  failed: "It broke off what it was asked.",
};

/** A session that has begun on a replica, and what becomes known of it on the way. */
export interface Following {
  readonly session: TenantSession;
  /** Whether it sees all that the position promised. Never rejects; until then, what the session answers is worth nothing. */
  readonly isReady: Promise<boolean>;
}

/** The replicas of databases, in the pool of those databases and out of the same budget. */
export class Replicas {
  readonly #all: ReadonlyMap<string, Replica>;

  /** @param waitMs how long a read waits for a replica, for a connection and for what it lacks, before it goes to the primary */
  constructor(leases: Leases, waitMs: number, report: ReportReplica) {
    const names = leases.databases.filter((name) => leases.databases.includes(replicaOf(name)));
    this.#all = new Map(names.map((name) => [name, new Replica(leases, name, waitMs, (why) => report(name, why))]));
  }

  /** The replica of a database, where there is one that is worth asking at the moment. */
  of(database: string): Replica | null {
    const replica = this.#all.get(database);
    return replica?.isAwake ? replica : null;
  }
}

export class Replica {
  #restsUntil = 0;
  /** How often, since it last served, it did not. */
  #misses = 0;
  /** When it was told that this replica does not serve; null while that has not to be taken back. */
  #toldAt: number | null = null;

  constructor(
    private readonly leases: Leases,
    private readonly database: string,
    private readonly waitMs: number,
    private readonly report: (why: string | null) => void,
  ) {}

  get isAwake(): boolean {
    return performance.now() >= this.#restsUntil;
  }

  /**
   * Begins a reading session, for a caller who holds no other. Everything goes out at once, and nothing of the replica's can
   * fail the caller.
   * @returns null when no connection was to be had in time
   */
  async enter(tenant: TenantRecord, { lsn, origin }: Position, signal: Signal): Promise<Following | null> {
    const until = performance.now() + this.waitMs;
    let lease: Lease;
    try {
      lease = await this.leases.acquire(tenant.home.schemaName, signal, replicaOf(this.database), {
        waitMs: this.waitMs,
        party: tenant.id,
      });
    } catch (error) {
      // With connections that others use, it is busy, and no worse than that.
      const isBusy = (error as Error).cause === undefined && this.leases.open[replicaOf(this.database)]! > 0;
      if (!signal.aborted && !isBusy) this.#rest("away");
      return null;
    }
    const leftMs = until - performance.now();
    const late = () => lease.condemn(new ConnectionLostError("The replica did not answer in time."));
    const timer = setTimeout(late, leftMs);
    const caughtUp = lease.runAnywhere(CATCH_UP, [lsn, origin, Math.max(0, Math.floor(leftMs * SHARE))]);
    return { session: TenantSession.enter(lease, tenant, "read"), isReady: this.#isReady(caughtUp, signal, timer) };
  }

  /** It answered, with what could be used. */
  served(): void {
    this.#misses = 0;
    if (this.#toldAt === null || performance.now() - this.#toldAt < QUIET_MS) return;
    this.#toldAt = null;
    this.report(null);
  }

  /** It did not finish what it had begun to answer. */
  failed(): void {
    this.#rest("failed");
  }

  async #isReady(caughtUp: ReturnType<Lease["run"]>, signal: Signal, timer: NodeJS.Timeout): Promise<boolean> {
    try {
      const [row] = await caughtUp;
      if (row?.is_ours && row.has_replayed) return true;
      this.#rest(row?.is_ours ? "behind" : "foreign");
    } catch {
      if (!signal.aborted) this.#rest("away");
    } finally {
      clearTimeout(timer);
    }
    return false;
  }

  #rest(why: keyof typeof WHY): void {
    this.#restsUntil = performance.now() + REST_MS;
    // To open the first connection may take longer than anybody waits, and is then done.
    if (this.#toldAt !== null || (++this.#misses === 1 && why === "away")) return;
    this.#toldAt = performance.now();
    this.report(WHY[why]);
  }
}
