import { type ExecutionResult, GraphQLError } from "graphql";
import { AnswerLostError } from "../database/errors.js";
import { untilItPasses } from "../database/retry.js";
import { TenantNotFoundError } from "../identity/errors.js";
import type { Replica } from "../tenancy/replicas.js";
import type { Purpose } from "../tenancy/session.js";
import type { WantedAhead } from "./ahead.js";
import { type Answering, keep, type Read } from "./answering.js";
import type { Recalled } from "./asked.js";
import { type Embarked, type Entered, embark, enter, enterToRead, orNobody, type Query, repeated } from "./enter.js";
import { type Size, UNMEASURED } from "./executor/size.js";
import { mustStillHold } from "./mustStillHold.js";
import type { Name } from "./named.js";
import type { Entrance, OpenScope, OperationSettings, Scope } from "./scope.js";

export type { Entrance, HomeAnswer, OperationSettings, ReadAccess, Resolved, Scope, Viewer } from "./scope.js";

/**
 * The tenant sessions of one GraphQL operation: one at a time. A query has one from start to end; each field of a mutation
 * has a changing one, and after its commit a reading one, in which its payload is read; or none, where that was read before.
 */
export class Operation {
  #scope: OpenScope | null = null;
  /** Whose session it is, where it is not the primary's. */
  #replica: Replica | null = null;
  /** What is remembered of the query at hand. */
  #recalled: Recalled | null = null;
  /** A session that was opened for the query that comes. */
  #embarked: Promise<Embarked | null> | null = null;
  #isLetDown = false;
  /** Whether what was asked took more than its session had been opened for, and is asked once more. */
  #isCutShort = false;
  #gone: Error | null = null;
  /** What is to be done once the change at hand is kept. */
  #afterwards: (() => void | Promise<void>)[] = [];
  /**
   * Whether all that the answer of the only change asks for is expected to be sent ahead. Then it is read before the commit, and no
   * session is opened for it; where it asks for more, see `mustAskAgain`.
   */
  isAnsweredAhead = false;
  /** How much there is of the answer at hand, and whether something was changed and kept. */
  size: Size = UNMEASURED;
  isChanged = false;
  /** How the caller reads where the change at hand is tried. */
  #read: Read | null = null;
  #beside: Promise<Entered | null> | null = null;
  /** What the only change came to, where its answer was read before its commit; all that lets a change be asked for again. */
  #kept: { readonly changed: unknown } | null = null;

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
  async read(named: readonly Name[] = []): Promise<void> {
    await this.end();
    if (this.settings) this.#open(await this.#enter(this.settings, named));
  }

  /**
   * The same for a query, which may read from a replica that has all that the primary can have shown by now. What a mutation
   * reads is the primary's: it asks for what was committed a moment ago, and no replica has that yet. Where more is asked than
   * was expected, see `mustAskAgain`.
   * @returns the answer as its text, where it is what it was when the same was asked before: then no session is open
   */
  async query(named: readonly Name[], query: Query): Promise<string | null> {
    const first = this.#embarked;
    this.#embarked = null;
    await this.end();
    const { settings } = this;
    if (!settings) return null;
    const replicas = this.#isLetDown ? undefined : settings.replicas;
    const how = this.#isCutShort ? { ...query, replicas, expected: 0, flies: false } : { ...query, replicas };
    const entered = await enterToRead(settings, named, how, first);
    if ("body" in entered) return entered.body;
    this.#open(entered);
    return null;
  }

  /**
   * The answer to a question that was asked before, where it is what it was; null where it has to be found. Then `query` goes on with
   * the session that was opened for it, or fails as that did. Never throws.
   */
  async repeat(question: string): Promise<string | null> {
    const { settings } = this;
    if (!settings) return null;
    const embarking = embark(settings, "read", { question, replicas: settings.replicas, isTold: true });
    const body = await embarking.then((embarked) => embarked && repeated(settings, embarked)).catch(() => null);
    if (body === null) this.#embarked = embarking;
    return body;
  }

  /** Remembers a query with its answer, to be quicker when it is asked again. Gives the answer the text that it is remembered by. */
  remember(answer: ExecutionResult): ExecutionResult {
    const [scope, recalled, asked] = [this.#scope, this.#recalled, this.settings?.asked];
    return scope && recalled && asked ? asked.remember(recalled, scope, answer) : answer;
  }

  /** How many statements the session at hand was sent; 0 where there is none of the primary. */
  get statements(): number {
    return this.#replica ? 0 : (this.#scope?.session.statements ?? 0);
  }

  /**
   * Whether nothing of what was answered may leave, and it is to be asked once more: for a replica failed those who read from it,
   * and the next session will be the primary's; or for its session had ended before all was read. What was changed stays so.
   */
  mustAskAgain(): boolean {
    // Also where time is up: who asks once more is told so.
    if (this.#scope?.session.isExceeded) {
      if (this.isChanged && !this.#kept) return false;
      if (this.#recalled && this.#scope.session.flight) this.settings!.asked!.missed(this.#recalled);
      this.#isCutShort = true;
      return true;
    }
    if (!this.#replica || !this.#scope?.session.failure || this.settings!.signal.aborted) return false;
    this.#replica.failed();
    this.#isLetDown = true;
    return true;
  }

  /**
   * Runs one change in a transaction of its own, and leaves open what its answer is read in. `work` may run more than
   * once: when PostgreSQL broke off a transaction that may pass a moment later. It does not run where the change was made, and only its
   * answer is asked for once more.
   * @param named what the change's arguments name
   * @param answering how the answer is read of what `work` resolves to
   * @throws OutcomeUnknownError when the change may have been made, or was made and its answer cannot be read; after any
   *   other error nothing was changed
   */
  async change<T>(purpose: Purpose, named: readonly Name[], work: () => Promise<T>, answering?: Answering): Promise<T> {
    const { settings } = this;
    if (!settings) return work();
    await this.end();
    if (this.#gone) throw this.#gone;
    const read: Read = (...how) => this.#enter(settings, [], ...how);
    if (!this.#kept || !this.#isCutShort) return this.#change(settings, purpose, named, work, answering, read);
    await this.#answerIn(read);
    return this.#kept.changed as T;
  }

  /**
   * The same in a tenant that the request does not name, for somebody who need not be in it yet, nor afterwards.
   * @param entrance how the tenant is found, and who it is there that changes something
   */
  async changeIn<T>(entrance: Entrance, work: () => Promise<T>): Promise<T> {
    await this.end();
    const own = { ...this.settings!, tenant: entrance.tenant };
    const read: Read = (...how) => orNobody(this.#enter(own, [], ...how));
    return this.#change({ ...own, ...entrance }, "change", [], work, undefined, read);
  }

  /** The session to read in beside a failure, in the tenant of the change that it undid; null where the caller is nobody there. */
  async readBeside(): Promise<Scope | null> {
    if (this.#scope) return this.#scope;
    this.#beside ??= orNobody(this.#read!());
    const entered = await this.#beside;
    if (entered && !this.#scope) this.#open(entered);
    return this.#scope;
  }

  async #change<T>(
    settings: OperationSettings,
    purpose: Purpose,
    named: readonly Name[],
    work: () => Promise<T>,
    answering: Answering | undefined,
    read: Read,
  ): Promise<T> {
    this.#read = read;
    let opening = read;
    const result = await untilItPasses(settings.signal, async () => {
      const { scope } = (await enter(settings, purpose, named)) as Entered;
      this.#scope = scope;
      this.#afterwards = [];
      try {
        const changed = await work();
        await mustStillHold(scope);
        const isApart = this.#afterwards.length > 0;
        const how = { answering, read, isApart, isAnsweredAhead: this.isAnsweredAhead };
        const kept = await keep(settings, scope, changed, how);
        this.isChanged = true;
        this.#kept = kept.isAnsweredAhead ? { changed } : null;
        opening = kept.opening;
        return changed;
      } finally {
        this.#scope = null;
        await scope.session.rollback();
      }
    });
    for (const work of this.#afterwards.splice(0)) await work();
    // What was done may have changed something in its turn, whose answer nobody reads.
    await this.end();
    await this.#answerIn(opening);
    return result;
  }

  async #answerIn(opening: Read): Promise<void> {
    try {
      const entered = await opening();
      if (entered) this.#open(entered);
    } catch (error) {
      // Who has shut themselves out is told so where they ask to see what they changed.
      if (!(error instanceof TenantNotFoundError)) throw new AnswerLostError(error);
      // Without the status of a refused request, which this one is not.
      this.#gone = new GraphQLError(error.message, { extensions: { code: error.code } });
    }
  }

  /**
   * Has something done when the change at hand has been committed, and not at all when it is not. What it throws is the answer;
   * it holds no session, so it may talk to others, and begin a change of its own.
   */
  afterCommit(work: () => void | Promise<void>): void {
    this.#afterwards.push(work);
  }

  #open({ scope, replica, recalled }: Entered): void {
    scope.size = this.size;
    this.#scope = scope;
    this.#replica = replica;
    this.#recalled = recalled;
  }

  /** Nothing is remembered of what belongs to a change. */
  #enter(settings: OperationSettings, named: readonly Name[], wanted?: WantedAhead, opened?: Promise<Embarked>) {
    return enterToRead(settings, named, { wanted }, opened) as Promise<Entered>;
  }

  /** Ends the session that is open, if one is. What was read stays read, so a lost connection is no matter here. */
  async end(): Promise<void> {
    const [scope, embarked] = [this.#scope, this.#embarked];
    this.#scope = this.#replica = this.#recalled = this.#embarked = this.#beside = null;
    await embarked?.then((opened) => opened?.session.rollback()).catch(() => {});
    // One that changed something has ended already.
    await (scope?.session.purpose === "read" ? scope.session.commit() : scope?.session.rollback())?.catch(() => {});
  }
}
