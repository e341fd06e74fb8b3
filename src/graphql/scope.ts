import type { Access, Place } from "../access/access.js";
import type { Leases } from "../database/leases.js";
import type { Signal } from "../database/signal.js";
import type { UserId } from "../ids.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { Replicas } from "../tenancy/replicas.js";
import type { Purpose, TenantSession } from "../tenancy/session.js";
import type { SentAhead } from "./ahead.js";
import type { AskedBy } from "./asked.js";
import type { Fields } from "./columns.js";
import { type Size, UNMEASURED } from "./executor/size.js";
import type { AllNamed, Name } from "./named.js";

/** Who is asking, once the home has confirmed it. */
export interface Viewer {
  readonly kind: "USER";
  readonly id: UserId;
  /** What came along with their access; absent where they need not be there yet. */
  readonly person?: Person;
}

/** What is asked most of whoever asks. */
export interface Person {
  readonly displayName: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly imageUrl: string | null;
}

/** What one statement says about a viewer in a tenant, at one moment. */
export interface Resolved {
  readonly viewer: Viewer;
  readonly access: Access;
  /** What the operation's arguments name, and where it stands. */
  readonly named: AllNamed;
  /** The top of the tenant's tree. */
  readonly root: Place;
  /** The database's clock. */
  readonly now: Date;
}

/** One tenant session and what was resolved in it. Loaders and verdicts live exactly as long. */
export interface Scope extends Resolved {
  readonly session: TenantSession;
  /** All that a query asks of each type, so that no more is read; absent where rows are read whole. */
  readonly fields?: Fields | undefined;
  /** What was read before anybody asked for it. */
  readonly ahead?: SentAhead | undefined;
  /** How much there is of what is answered: whatever is read or searched for it in numbers is counted there first. */
  readonly size: Size;
  /** The instant that statements judge by; null where it is that of their own transaction. */
  readonly instant: string | null;
  /** Whether something that ends then, or not at all, has not ended yet. */
  isLive(end: Date | null): boolean;
  /**
   * Has nothing remembered of what is answered, for something that it is about was read and is hidden, or is missing: the two would
   * be told apart by how soon the same is answered once more.
   */
  forget(): void;
}

/** A scope that knows how long an answer that was made in it stays true. */
export class OpenScope implements Scope {
  /** When the clock makes another answer of the same rows, in epoch milliseconds: at once, where it was looked at. */
  trueUntil = Number.POSITIVE_INFINITY;
  size: Size = UNMEASURED;
  readonly viewer: Viewer;
  readonly access: Access;
  readonly named: AllNamed;
  readonly root: Place;
  readonly #now: Date;

  /** @param isOfOther whether another database's clock is judged by */
  constructor(
    readonly session: TenantSession,
    { viewer, access, named, root, now }: Resolved,
    readonly fields?: Fields,
    readonly ahead?: SentAhead,
    private readonly isOfOther = false,
  ) {
    this.viewer = viewer;
    this.access = access;
    this.named = named;
    this.root = root;
    this.#now = now;
  }

  get instant(): string | null {
    return this.session.purpose === "read" && !this.isOfOther ? null : this.#now.toISOString();
  }

  get now(): Date {
    this.forget();
    return this.#now;
  }

  forget(): void {
    this.trueUntil = Number.NEGATIVE_INFINITY;
  }

  isLive(end: Date | null): boolean {
    const isLive = end === null || end > this.#now;
    if (isLive && end) this.trueUntil = Math.min(this.trueUntil, end.getTime());
    return isLive;
  }
}

/**
 * What the home says: the viewer's access; that the record is out of date; that changes have to wait, because the tenant is
 * at this moment being moved; or that there is nobody, or nothing, to serve.
 */
export type HomeAnswer = Resolved | "STALE" | "FENCED" | null;

/** Reads the home row and the viewer's access in one statement. Given by the server, which knows the tables. */
export type ReadAccess = (session: TenantSession, named: readonly Name[]) => Promise<HomeAnswer>;

export interface OperationSettings {
  readonly leases: Leases;
  readonly signal: Signal;
  readonly readAccess: ReadAccess;
  /** The tenant of the request as the directory has it; again, and afresh, when the home refuses what was remembered. */
  readonly tenant: (purpose: Purpose, again: boolean) => Promise<TenantRecord>;
  /** What the identity that asks has asked before; nothing is remembered where it is left out. */
  readonly asked?: AskedBy;
  /** Where queries may be answered from beside the databases themselves. */
  readonly replicas?: Replicas;
  /** Is told of each change once its commit was answered, or its answer was lost. */
  readonly onChange: (tenant: TenantRecord) => void;
}

/** Another way into a tenant than the request's own. */
export type Entrance = Pick<OperationSettings, "tenant" | "readAccess">;

export const isResolved = (answer: HomeAnswer): answer is Resolved => answer !== null && typeof answer === "object";
