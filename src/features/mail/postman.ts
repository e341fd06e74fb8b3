import { setTimeout as pause } from "node:timers/promises";
import type { Leases } from "../../database/leases.js";
import type { MailId } from "../../ids.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import type { DueMail } from "../../tenancy/directory/dueMail.js";
import type { Seal } from "../../tenancy/seal.js";
import { TenantSession } from "../../tenancy/session.js";
import { type Letter, type LetterSettings, toLetter } from "./letter.js";
import { boundTo, type Mail } from "./mail.js";

/** As many as are sent before somebody else may take over what is left. */
const AT_ONCE = 10;
const MOST_ATTEMPTS = 12;
const MINUTE_MS = 60_000;
/** Longer than it takes to send so many, each as slowly as may be. */
const CLAIMED_FOR_MS = 15 * MINUTE_MS;
const LONGEST_SEND_MS = MINUTE_MS;
const LONGEST_WAIT_MS = 360 * MINUTE_MS;
/** While a tenant is being moved, or its database is away. */
const LEFT_FOR_MS = 5000;

/** The server will not take this mail, however often it is offered. */
export class LetterRefusedError extends Error {
  override readonly name = "LetterRefusedError";
  /** @param answered the server's number alone: its words may hold the address, and an error goes into the log */
  constructor(answered: number) {
    super(`The server answered ${answered}.`);
  }
}

export interface PostmanOptions {
  /** Connections of the login that serves tenants: sending needs no more rights than writing. */
  readonly serve: Leases;
  readonly due: DueMail;
  readonly seal: Seal;
  readonly letters: LetterSettings;
  /**
   * Hands one over for good.
   * @param id the same whenever the same mail is offered again
   * @throws LetterRefusedError  and anything else when another try may succeed
   */
  readonly send: (letter: Letter, id: MailId) => Promise<void>;
  /** Told what came of each try; nothing in it names anybody. */
  readonly onEnd: (id: MailId, outcome: string, fault: unknown) => void;
}

interface Claimed {
  readonly id: MailId;
  readonly sealed: Buffer;
  readonly attempts: number;
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

/**
 * Sends what waits in outboxes, each mail at least once: a claim is committed before a word is sent, and what came of it
 * afterwards. Whoever dies in between leaves a mail that is sent again, under the same id.
 */
export class Postman {
  constructor(private readonly options: PostmanOptions) {}

  /**
   * Sends some of the mail of the tenant whose mail has been due for longest.
   * @returns whether there was such a tenant
   */
  async next(): Promise<boolean> {
    const { due } = this.options;
    const taken = await due.take();
    if (!taken) return false;
    const { tenant } = taken;
    if (!tenant) return true;
    let next: Date | null = new Date(Date.now() + LEFT_FOR_MS);
    try {
      next = await this.#deliver(tenant);
    } finally {
      if (next) await due.putBack(tenant.id, next);
    }
    return true;
  }

  /** @returns when there will be something due again; null when nothing is left */
  async #deliver(tenant: TenantRecord): Promise<Date | null> {
    const later = new Date(Date.now() + LEFT_FOR_MS);
    const claimed = await this.#inHome(tenant, async (session, now) => {
      const until = new Date(now.getTime() + CLAIMED_FOR_MS);
      return (await session.query(CLAIM, [tenant.id, now.toISOString(), until.toISOString()])) as unknown as Claimed[];
    });
    if (!claimed) return later;
    for (const one of claimed) {
      const { text, params, outcome, fault } = await this.#send(tenant, one);
      await this.#inHome(tenant, (session, now) =>
        session.query(text, [tenant.id, one.id, one.attempts, ...params(now)]),
      );
      this.options.onEnd(one.id, outcome, fault);
    }
    const rest = await this.#inHome(tenant, async (session) => {
      const [row] = await session.query(NEXT, [tenant.id]);
      return row?.due_at ? new Date(row.due_at as string) : "nothing";
    });
    return rest === "nothing" ? null : (rest ?? later);
  }

  /** Tries one, and says how that is to be written down. */
  async #send(tenant: TenantRecord, { id, sealed, attempts }: Claimed) {
    const { seal, letters, send } = this.options;
    const ended = (outcome: string, fault: unknown = null) => ({
      text: END,
      params: (now: Date) => [now.toISOString(), outcome],
      outcome,
      fault,
    });
    try {
      const text = seal.open(boundTo(tenant.id, id), sealed);
      // Whoever started this worker may have given it the wrong one: another try may succeed.
      if (text === null) throw new Error("It was sealed with another TENANTRY_KEY than this worker has.");
      const mail: Mail = JSON.parse(text);
      if (Date.parse(mail.expiresAt) <= Date.now()) return ended("What it is about had come to its end.");
      await withinTime(send(toLetter(mail, letters), id));
      return ended("SENT");
    } catch (fault) {
      if (fault instanceof LetterRefusedError) return ended("The mail server refused it.", fault);
      if (attempts >= MOST_ATTEMPTS) return ended(`Given up after ${attempts} tries.`, fault);
      const outcome = `Try ${attempts} failed.`;
      const waitMs = Math.min(2 ** (attempts - 1) * MINUTE_MS, LONGEST_WAIT_MS);
      return {
        text: RETRY,
        params: (now: Date) => [new Date(now.getTime() + waitMs).toISOString(), outcome],
        outcome,
        fault,
      };
    }
  }

  /** Runs `work` in a transaction of its own; null where this is not the tenant's home, or it may not be written to now. */
  async #inHome<T>(tenant: TenantRecord, work: (session: TenantSession, now: Date) => Promise<T>): Promise<T | null> {
    const session = await TenantSession.open(this.options.serve, tenant, "change");
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

/** A server that takes connections and says nothing must not keep the mail of others waiting. */
async function withinTime(sending: Promise<void>): Promise<void> {
  const ended = new AbortController();
  const tooLate = pause(LONGEST_SEND_MS, undefined, { signal: ended.signal }).then(() => {
    throw new Error("It took too long.");
  });
  try {
    await Promise.race([sending, tooLate]);
  } finally {
    ended.abort();
    tooLate.catch(() => {});
  }
}
