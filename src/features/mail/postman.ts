import { setTimeout as pause } from "node:timers/promises";
import type { Leases } from "../../database/leases.js";
import type { MailId, TenantId } from "../../ids.js";
import type { Directory } from "../../tenancy/directory/directory.js";
import type { DueMail } from "../../tenancy/directory/dueMail.js";
import type { Seal } from "../../tenancy/seal.js";
import type { TenantSession } from "../../tenancy/session.js";
import { type Letter, type LetterSettings, toLetter } from "./letter.js";
import { boundTo, type Mail } from "./mail.js";
import { type Claimed, Outbox, type Tried } from "./outbox.js";

const MOST_ATTEMPTS = 12;
const MINUTE_MS = 60_000;
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
  readonly directory: Directory;
  readonly due: DueMail;
  readonly seal: Seal;
  readonly letters: LetterSettings;
  /** Whether what a mail is about still is so, asked in its tenant's home right before it is sent. */
  readonly stands: (session: TenantSession, mail: Mail) => Promise<boolean>;
  /**
   * Hands one over for good.
   * @param id the same whenever the same mail is offered again
   * @throws LetterRefusedError  and anything else when another try may succeed
   */
  readonly send: (letter: Letter, id: MailId) => Promise<void>;
  /** Told what came of each try, and what went wrong; nothing in it names anybody. */
  readonly onEnd: (id: MailId, outcome: string, fault: unknown) => void;
  /** How long what came of a try may wait for a home that is being moved; seconds unless given. */
  readonly waitsForHomeMs?: number;
}

/**
 * Sends what waits in outboxes, each mail at least once: a claim is committed before a word is sent, and what came of it
 * afterwards. Whoever dies in between leaves a mail that is sent again, under the same id.
 */
export class Postman {
  constructor(private readonly options: PostmanOptions) {}

  /**
   * Sends some of the mail of the tenant whose mail has been due for longest; what is left then comes after that of others.
   * @returns whether there was such a tenant
   */
  async next(): Promise<boolean> {
    const { serve, directory, due, waitsForHomeMs } = this.options;
    const taken = await due.take();
    if (!taken) return false;
    const { tenant } = taken;
    if (!tenant) return true;
    let inMs: number | null = LEFT_FOR_MS;
    try {
      inMs = await this.#deliver(tenant.id, new Outbox(serve, directory, tenant, waitsForHomeMs));
    } finally {
      if (inMs !== null) await due.putBack(tenant.id, inMs);
    }
    return true;
  }

  /** @returns in how long there will be something due again; null when nothing is left */
  async #deliver(tenantId: TenantId, outbox: Outbox): Promise<number | null> {
    const claimed = await outbox.claim();
    if (!claimed) return LEFT_FOR_MS;
    for (const one of claimed) {
      const tried = await this.#try(tenantId, outbox, one);
      if (!tried) return LEFT_FOR_MS;
      const failure = await outbox.end(one, tried);
      this.options.onEnd(one.id, tried.outcome, failure ?? tried.fault);
      if (failure) return LEFT_FOR_MS;
    }
    const next = await outbox.next();
    return next ? next.inMs : LEFT_FOR_MS;
  }

  /** Tries one; null where nobody could be asked whether it is to be sent. */
  async #try(tenantId: TenantId, outbox: Outbox, { id, sealed, attempts }: Claimed): Promise<Tried | null> {
    const { seal, letters, stands, send } = this.options;
    const ended = (outcome: string, fault: unknown = null) => ({ outcome, againInMs: null, fault });
    const failed = (fault: unknown): Tried => {
      if (attempts >= MOST_ATTEMPTS) return ended(`Given up after ${attempts} tries.`, fault);
      const againInMs = Math.min(2 ** (attempts - 1) * MINUTE_MS, LONGEST_WAIT_MS);
      return { outcome: `Try ${attempts} failed.`, againInMs, fault };
    };
    const text = seal.open(boundTo(tenantId, id), sealed);
    // Whoever started this worker may have given it the wrong one: another try may succeed.
    if (text === null) return failed(new Error("It was sealed with another TENANTRY_KEY than this worker has."));
    const mail: Mail = JSON.parse(text);
    const isToBeSent = await outbox.look((session) => stands(session, mail));
    if (isToBeSent === null) return null;
    if (!isToBeSent) return ended("What it is about had come to its end.");
    try {
      await withinTime(send(toLetter(mail, letters), id));
      return ended("SENT");
    } catch (fault) {
      return fault instanceof LetterRefusedError ? ended("The mail server refused it.", fault) : failed(fault);
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
