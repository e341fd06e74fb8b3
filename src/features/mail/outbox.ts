import { setTimeout as pause } from "node:timers/promises";
import type { Leases } from "../../database/leases.js";
import type { MailId } from "../../ids.js";
import type { Directory, TenantRecord } from "../../tenancy/directory/directory.js";
import { TenantSession } from "../../tenancy/session.js";

/** As many as are sent before somebody else may take over what is left. */
const AT_ONCE = 10;
/** Longer than it takes to send so many, each as slowly as may be. */
const CLAIMED_FOR_MS = 15 * 60_000;
/** Far longer than a move keeps a tenant from being changed. */
const WAITS_FOR_HOME_MS = 5000;
const LOOKS_EACH_MS = 100;

/** A mail that nobody else tries to send, until its time is up. */
export interface Claimed {
  readonly id: MailId;
  readonly sealed: Buffer;
  /** This one included. */
  readonly attempts: number;
}

/** What came of a try to send one. */
export interface Tried {
  readonly outcome: string;
  /** In how long it is to be tried again; null where it is not. */
  readonly againInMs: number | null;
  readonly fault: unknown;
}

const HOME = "select epoch, status, clock_timestamp() as now from tenant where tenant_id = $1";
const CLAIM = `update outbox set attempts = attempts + 1, due_at = $3
  where tenant_id = $1 and id in (
    select id from outbox where tenant_id = $1 and ended_at is null and due_at <= $2
    order by due_at, id limit ${AT_ONCE} for update skip locked)
  returning id, sealed, attempts`;
const END =
  "update outbox set ended_at = $4, sealed = null, outcome = $5 where tenant_id = $1 and id = $2 and attempts = $3 and ended_at is null";
const RETRY =
  "update outbox set due_at = $4, outcome = $5 where tenant_id = $1 and id = $2 and attempts = $3 and ended_at is null";
const NEXT = "select min(due_at) as due_at from outbox where tenant_id = $1 and ended_at is null";

const after = (now: Date, ms: number): string => new Date(now.getTime() + ms).toISOString();

/** What waits to be sent of one tenant, wherever that lives: a move may come in between. By the clock of its home alone. */
export class Outbox {
  constructor(
    private readonly serve: Leases,
    private readonly directory: Directory,
    private tenant: TenantRecord,
    /** How long it waits for a home that may be written to. */
    private readonly waitsForHomeMs = WAITS_FOR_HOME_MS,
  ) {}

  /** Claims some of what is due, first written first; null where nothing may be changed now. */
  async claim(): Promise<Claimed[] | null> {
    const claimed = await this.#inHome((session, now) =>
      session.query(CLAIM, [this.tenant.id, now.toISOString(), after(now, CLAIMED_FOR_MS)]),
    );
    return claimed && ([...claimed] as unknown as Claimed[]).sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** What `look` finds in the tenant's home; null where that could not be entered for so long. */
  look<T extends object | boolean>(look: (session: TenantSession) => Promise<T>): Promise<T | null> {
    return this.#whereItLives(look);
  }

  /**
   * Writes down what came of a try.
   * @returns why it could not be written down, so that the mail is tried again in time; null when it was
   */
  async end({ id, attempts }: Claimed, { outcome, againInMs }: Tried): Promise<Error | null> {
    const text = againInMs === null ? END : RETRY;
    const message = "What came of it could not be written down: it is tried again.";
    try {
      const written = await this.#whereItLives((session, now) =>
        session.query(text, [this.tenant.id, id, attempts, after(now, againInMs ?? 0), outcome]),
      );
      return written ? null : new Error(message);
    } catch (cause) {
      return new Error(message, { cause });
    }
  }

  /** In how long something is due, null where nothing is left; null in place of the answer where nothing may be changed now. */
  next(): Promise<{ readonly inMs: number | null } | null> {
    return this.#inHome(async (session, now) => {
      const [row] = await session.query(NEXT, [this.tenant.id]);
      const inMs = row?.due_at ? Math.max(0, Date.parse(row.due_at as string) - now.getTime()) : null;
      return { inMs };
    });
  }

  /** Runs `work` in the tenant's home, found anew where it has moved; null where it may not be written to for so long. */
  async #whereItLives<T extends object | boolean>(
    work: (session: TenantSession, now: Date) => Promise<T>,
  ): Promise<T | null> {
    for (const start = performance.now(); ; await pause(LOOKS_EACH_MS)) {
      const isLast = performance.now() - start > this.waitsForHomeMs;
      const result = await this.#inHome(work).catch((error: unknown) => {
        if (isLast) throw error;
        return null;
      });
      if (result !== null || isLast) return result;
      this.tenant = (await this.directory.findById(this.tenant.id)) ?? this.tenant;
    }
  }

  /** Runs `work` in a transaction of its own; null where this is not the tenant's home, or it may not be written to now. */
  async #inHome<T extends object | boolean>(
    work: (session: TenantSession, now: Date) => Promise<T>,
  ): Promise<T | null> {
    const { tenant } = this;
    const session = await TenantSession.open(this.serve, tenant, "change");
    try {
      const [home] = await session.query(HOME, [tenant.id]);
      if (home?.epoch !== tenant.epoch || home.status !== "ACTIVE") return null;
      const result = await work(session, new Date(home.now as string));
      await session.commit();
      return result;
    } finally {
      await session.rollback();
    }
  }
}
