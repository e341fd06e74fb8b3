import { setTimeout as pause } from "node:timers/promises";
import { GraphQLError } from "graphql";
import { AnswerLostError, OvertakenError, UnavailableError } from "../database/errors.js";
import { untilItPasses } from "../database/retry.js";
import { TenantNotFoundError } from "../identity/errors.js";
import type { Position } from "../tenancy/position.js";
import type { Replica, Replicas } from "../tenancy/replicas.js";
import { type Purpose, TenantSession } from "../tenancy/session.js";
import { SentAhead, type WantedAhead } from "./ahead.js";
import type { Fields } from "./columns.js";
import { follow } from "./follow.js";
import type { Name } from "./named.js";
import { type Entrance, type HomeAnswer, isResolved, type OperationSettings, type Scope, scopeIn } from "./scope.js";

export type { Entrance, HomeAnswer, OperationSettings, ReadAccess, Resolved, Scope, Viewer } from "./scope.js";

// Many times what the last part of a move takes; a mover that died in it leaves a tenant that can only be read.
const FENCE_WAIT_MS = 5000;
const LONGEST_PAUSE_MS = 40;
/** How often the directory is asked: its answer may be overtaken on the way to the home. */
const MOST_LOOKS = 3;

/**
 * The tenant sessions of one GraphQL operation: one at a time. A query has one from start to end; each field of a mutation
 * has a changing one, and after its commit a reading one, in which its payload is read.
 */
export class Operation {
  #scope: Scope | null = null;
  /** Whose session it is, where it is not the primary's. */
  #replica: Replica | null = null;
  #isLetDown = false;
  #isCutShort = false;
  #gone: Error | null = null;
  /** What is to be done once the change at hand is kept. */
  #afterwards: (() => void | Promise<void>)[] = [];

  constructor(private readonly settings: OperationSettings | null) {}

  /** The session that resolvers read in; null for a caller who is not signed in. */
  get scope(): Scope | null {
    return this.#scope;
  }

  /** Why there is no session any more for a viewer who had one; null where nothing happened. */
  get gone(): Error | null {
    return this.#gone;
  }

  get signedIn(): boolean {
    return this.settings !== null;
  }

  /** Opens the session that resolvers read in, in place of the one before. Nothing happens for a caller who is not signed in. */
  async read(named: readonly Name[] = [], query?: Query): Promise<void> {
    await this.end();
    const { settings } = this;
    if (!settings) return;
    this.#scope = await untilItPasses(settings.signal, () => this.#enter(settings, "read", named, query));
  }

  /**
   * The same for a query, which may read from a replica that has all that the primary can have shown by now. What a mutation
   * reads is the primary's: it asks for what was committed a moment ago, and no replica has that yet.
   * @param fields all that the query asks for
   * @param expected how many statements its session is expected to be sent, 0 where nobody knows; more is for `mustAskAgain`
   * @param wanted what is read first, whatever the viewer may do
   */
  async query(named: readonly Name[], fields?: Fields, expected = 0, wanted?: WantedAhead): Promise<void> {
    const replicas = this.#isLetDown ? undefined : this.settings?.replicas;
    await this.read(named, { fields, replicas, expected: this.#isCutShort ? 0 : expected, wanted });
  }

  /** How many statements the session at hand was sent; 0 where there is none of the primary. */
  get statements(): number {
    return this.#replica ? 0 : (this.#scope?.session.statements ?? 0);
  }

  /**
   * Whether nothing of what a query answered may leave, and it is to be asked once more: for a replica failed those who read from
   * it, and the next session will be the primary's; or for its session had ended before all was read.
   */
  mustAskAgain(): boolean {
    // Also where time is up: who asks once more is told so.
    if (this.#scope?.session.isExceeded) {
      this.#isCutShort = true;
      return true;
    }
    if (!this.#replica || !this.#scope?.session.failure || this.settings!.signal.aborted) return false;
    this.#replica.failed();
    this.#isLetDown = true;
    return true;
  }

  /**
   * Runs one change in a transaction of its own, and leaves a reading session open for its answer. `work` may run more than
   * once: when PostgreSQL broke off a transaction that may pass a moment later.
   * @param named what the change's arguments name
   * @throws OutcomeUnknownError when the change may have been made, or was made and its answer cannot be read; after any
   *   other error nothing was changed
   */
  async change<T>(purpose: Purpose, named: readonly Name[], work: () => Promise<T>): Promise<T> {
    if (!this.settings) return work();
    await this.end();
    if (this.#gone) throw this.#gone;
    return this.#change(this.settings, purpose, named, work, () => this.read());
  }

  /**
   * The same in a tenant that the request does not name, for somebody who need not be in it yet.
   * @param entrance how the tenant is found, and who it is there that changes something
   */
  async changeIn<T>(entrance: Entrance, work: () => Promise<T>): Promise<T> {
    const there = { ...this.settings!, ...entrance };
    await this.end();
    const readAccess = this.settings!.readAccess;
    return this.#change(there, "change", [], work, async () => {
      const enter = () => this.#enter({ ...there, readAccess }, "read", []);
      // Whoever did something there need not have become anybody.
      this.#scope = await untilItPasses(there.signal, enter).catch((error) => {
        if (error instanceof TenantNotFoundError) return null;
        throw error;
      });
    });
  }

  async #change<T>(
    settings: OperationSettings,
    purpose: Purpose,
    named: readonly Name[],
    work: () => Promise<T>,
    read: () => Promise<void>,
  ): Promise<T> {
    const result = await untilItPasses(settings.signal, async () => {
      const scope = await this.#enter(settings, purpose, named);
      this.#scope = scope;
      this.#afterwards = [];
      try {
        const changed = await work();
        await mustStillHold(scope);
        await scope.session.commit().finally(() => settings.onChange(scope.session.tenant));
        return changed;
      } finally {
        this.#scope = null;
        await scope.session.rollback();
      }
    });
    for (const work of this.#afterwards.splice(0)) await work();
    try {
      await read();
    } catch (error) {
      // Who has shut themselves out is told so where they ask to see what they changed.
      if (!(error instanceof TenantNotFoundError)) throw new AnswerLostError(error);
      // Without the status of a refused request, which this one is not.
      this.#gone = new GraphQLError(error.message, { extensions: { code: error.code } });
    }
    return result;
  }

  /**
   * Has something done when the change at hand has been committed, and not at all when it is not. What it throws is the answer;
   * it holds no session, so it may talk to others, and begin a change of its own.
   */
  afterCommit(work: () => void | Promise<void>): void {
    this.#afterwards.push(work);
  }

  /** Ends the session that is open, if one is. What was read stays read, so a lost connection is no matter here. */
  async end(): Promise<void> {
    const scope = this.#scope;
    this.#scope = this.#replica = null;
    await scope?.session.commit().catch(() => {});
  }

  async #enter(
    settings: OperationSettings,
    purpose: Purpose,
    named: readonly Name[],
    { fields, replicas, expected = 0, wanted }: Query = {},
  ): Promise<Scope> {
    const until = performance.now() + FENCE_WAIT_MS;
    let [looks, elsewhere] = [0, replicas];
    for (let pauseMs = 5; ; ) {
      const tenant = await settings.tenant(purpose, looks > 0);
      const session = await TenantSession.open(settings.leases, tenant, purpose, settings.signal);
      const replica = elsewhere?.of(tenant.home.database) ?? null;
      if (!replica) session.expect(expected);
      let answer: HomeAnswer;
      let position: Position | null = null;
      let ahead: SentAhead | undefined;
      try {
        const asked = settings.readAccess(session, named);
        // Left before the replica is asked: nobody waits for one connection while holding another.
        const left = replica && session.leave();
        if (wanted?.size && !replica) ahead = new SentAhead(session, fields, wanted);
        [answer, position] = [await asked, await left];
      } catch (error) {
        await session.rollback();
        throw error;
      }
      if (isResolved(answer)) {
        if (!replica) return scopeIn(session, answer, fields, ahead);
        const following = position && (await follow(settings, replica, tenant, position, named, answer));
        if (following) this.#replica = replica;
        if (following) return scopeIn(following.session, following.answer, fields);
        elsewhere = undefined;
        continue;
      }
      await session.rollback();
      if (answer === null || (answer === "STALE" && ++looks > MOST_LOOKS)) throw new TenantNotFoundError();
      if (answer === "FENCED") {
        if (performance.now() > until || settings.signal.aborted)
          throw new UnavailableError("The tenant is being moved.");
        await pause(pauseMs, undefined, { signal: settings.signal }).catch(() => {});
        pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
    }
  }
}

/** How a query reads. */
interface Query {
  readonly fields?: Fields | undefined;
  readonly replicas?: Replicas | undefined;
  readonly expected?: number;
  readonly wanted?: WantedAhead | undefined;
}

/** Longer than any transaction of a request takes. */
const LONGEST_MS = 60_000;

/**
 * Returns when no right of the viewer's has ended since it was read: of withdrawals the lock takes care, of the clock nobody.
 * Asks the database only where an end is near.
 * @throws OvertakenError
 */
async function mustStillHold({ access, now, session }: Scope): Promise<void> {
  const next = access.nextEnd();
  if (next === null || next.getTime() - now.getTime() > LONGEST_MS) return;
  const [row] = await session.query("select clock_timestamp() >= $1::timestamptz as ended", [next.toISOString()]);
  if (row?.ended) throw new OvertakenError("A right ended while it was used.");
}
