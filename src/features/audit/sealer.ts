import type { Logger } from "pino";
import type { Leases } from "../../database/leases.js";
import type { TenantId } from "../../ids.js";
import type { TenantRecord } from "../../tenancy/directory/directory.js";
import { lookUpWitness, noteWitness, tenantsToVisit } from "../../tenancy/directory/witness.js";
import { sealTenant } from "./seal.js";

/** What the log calls a new seal. The log is kept where the database cannot reach it, so what it says can be held against that. */
export const SEALED = "audit sealed";
const BROKEN =
  "the audit of a tenant is without a seal that is known outside of it: run `tenantry audit verify` for the tenant";
const OF_ANOTHER_KEY =
  "the audit of a tenant was sealed with another TENANTRY_KEY, and is sealed no further: see `tenantry audit reseal`";

const EVERY_MS = 60_000;
/** Tenants that are visited in a round though nobody changed anything in them here: what a process that died left unsealed. */
const PER_ROUND = 200;

export interface SealerOptions {
  readonly serve: Leases;
  readonly door: Leases;
  /** The installation key. */
  readonly key: Buffer;
  readonly log: Logger;
}

/**
 * Seals the audit of each tenant, each minute, from within the process that serves: tenants in which it changed something, and
 * beside them all others in turn. Any number of processes may do so at once.
 */
export class Sealer {
  /** When the first change was made in a tenant that is in no seal as far as this process knows, in milliseconds. */
  readonly #waiting = new Map<TenantId, number>();
  /** The mac of the newest seal of each tenant that this process has told of. */
  readonly #told = new Map<TenantId, string>();
  /** Tenants of which another process noted a seal while one was made here, which is not held against that one yet. */
  readonly #unnoted = new Set<TenantId>();
  /** Tenants with events that an older version left, and since when. */
  readonly #behind = new Map<TenantId, number>();
  /** Tenants that another key sealed, of which the log was told. */
  readonly #ofAnotherKey = new Set<TenantId>();
  #last: TenantId | null = null;
  #made = 0;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | null = null;

  constructor(private readonly options: SealerOptions) {}

  /** Something was written into the audit of a tenant. */
  changed(tenant: TenantId): void {
    if (!this.#waiting.has(tenant)) this.#waiting.set(tenant, Date.now());
  }

  /** For how long the oldest event that this process knows of has waited for a seal. */
  get unsealedMs(): number {
    const now = Date.now();
    let since = now;
    for (const known of [this.#waiting, this.#behind]) for (const at of known.values()) since = Math.min(since, at);
    return now - since;
  }

  /** How many seals this process has made. */
  get made(): number {
    return this.#made;
  }

  start(everyMs = EVERY_MS): void {
    this.#timer = setInterval(() => void this.round(), everyMs);
    this.#timer.unref();
  }

  /** Resolves when nothing is being sealed any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#round;
  }

  /** Visits those whose turn it is. One round at a time; never throws. */
  round(): Promise<void> {
    this.#round ??= this.#visit().finally(() => {
      this.#round = null;
    });
    return this.#round;
  }

  async #visit(): Promise<void> {
    const { door, log } = this.options;
    try {
      const wanted = [...new Set([...this.#waiting.keys(), ...this.#behind.keys(), ...this.#unnoted])];
      const { named, next } = await tenantsToVisit(door, wanted, this.#last, PER_ROUND);
      this.#last = next.length < PER_ROUND ? null : next.at(-1)!.id;
      const known = new Set(named.map(({ id }) => id));
      // One that was erased has nothing to be sealed.
      for (const id of wanted.filter((one) => !known.has(one))) {
        this.#waiting.delete(id);
        this.#behind.delete(id);
        this.#unnoted.delete(id);
        this.#ofAnotherKey.delete(id);
      }
      for (const tenant of [...named, ...next.filter(({ id }) => !known.has(id))]) await this.#seal(tenant);
      if (this.unsealedMs > EVERY_MS)
        log.warn({ unsealedSeconds: Math.round(this.unsealedMs / 1000) }, "audit events wait for a seal");
      if (this.#behind.size > 0)
        log.warn(
          { tenants: [...this.#behind.keys()] },
          "events of an older version wait: run `tenantry audit take-in`",
        );
    } catch (error) {
      log.error({ err: error }, "the audit could not be sealed");
    }
  }

  async #seal(tenant: TenantRecord): Promise<void> {
    const { serve, door, key, log } = this.options;
    const since = this.#waiting.get(tenant.id);
    // Whatever is written from now on may be too late for this seal.
    this.#waiting.delete(tenant.id);
    this.#unnoted.delete(tenant.id);
    try {
      // Before the home is looked at, so that no seal that others make meanwhile is missed there.
      const known = await lookUpWitness(door, tenant.id);
      const sealing = await sealTenant(serve, tenant, key, known);
      if (!sealing) return this.#putBack(tenant.id, since);
      this.#made += sealing.made;
      const { newest, holdsKnown, behindSince } = sealing;
      if (behindSince) this.#behind.set(tenant.id, behindSince.getTime());
      else this.#behind.delete(tenant.id);
      this.#tellOfAnotherKey(tenant, sealing.isOfAnotherKey);
      if (sealing.isOfAnotherKey) this.#putBack(tenant.id, since ?? Date.now());
      if (!holdsKnown) log.error({ tenant: tenant.id, slug: tenant.slug, seal: known!.number }, BROKEN);
      if (!newest) return;
      if (this.#told.get(tenant.id) !== newest.mac) {
        log.info({ tenant: tenant.id, seal: newest.number, mac: newest.mac }, SEALED);
        this.#told.set(tenant.id, newest.mac);
      }
      // What is known of a broken audit is all that shows where it was broken.
      if (!holdsKnown || newest.number <= (known?.number ?? 0)) return;
      if (!(await noteWitness(door, tenant.id, newest, known))) this.#unnoted.add(tenant.id);
    } catch (error) {
      log.error({ tenant: tenant.id, err: error }, "the audit of a tenant could not be sealed");
      this.#putBack(tenant.id, since ?? Date.now());
    }
  }

  /** Once: nothing changes before somebody does something about it. */
  #tellOfAnotherKey({ id, slug }: TenantRecord, is: boolean): void {
    if (is && !this.#ofAnotherKey.has(id)) this.options.log.error({ tenant: id, slug }, OF_ANOTHER_KEY);
    if (is) this.#ofAnotherKey.add(id);
    else this.#ofAnotherKey.delete(id);
  }

  #putBack(tenant: TenantId, since: number | undefined): void {
    // Whatever was written meanwhile came later.
    if (since !== undefined) this.#waiting.set(tenant, since);
  }
}
