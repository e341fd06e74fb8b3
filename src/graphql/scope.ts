import type { Access, Place } from "../access/access.js";
import type { Leases } from "../database/leases.js";
import type { UserId } from "../ids.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { Replicas } from "../tenancy/replicas.js";
import type { Purpose, TenantSession } from "../tenancy/session.js";
import type { SentAhead } from "./ahead.js";
import type { Fields } from "./columns.js";
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
}

/** Value by value, for it is made for every request. */
export const scopeIn = (
  session: TenantSession,
  { viewer, access, named, root, now }: Resolved,
  fields?: Fields,
  ahead?: SentAhead,
): Scope => ({ viewer, access, named, root, now, session, fields, ahead });

/**
 * What the home says: the viewer's access; that the record is out of date; that changes have to wait, because the tenant is
 * at this moment being moved; or that there is nobody, or nothing, to serve.
 */
export type HomeAnswer = Resolved | "STALE" | "FENCED" | null;

/** Reads the home row and the viewer's access in one statement. Given by the server, which knows the tables. */
export type ReadAccess = (session: TenantSession, named: readonly Name[]) => Promise<HomeAnswer>;

export interface OperationSettings {
  readonly leases: Leases;
  readonly signal: AbortSignal;
  readonly readAccess: ReadAccess;
  /** The tenant of the request as the directory has it; again, and afresh, when the home refuses what was remembered. */
  readonly tenant: (purpose: Purpose, again: boolean) => Promise<TenantRecord>;
  /** Where queries may be answered from beside the databases themselves. */
  readonly replicas?: Replicas;
  /** Is told of each change once its commit was answered, or its answer was lost. */
  readonly onChange: (tenant: TenantRecord) => void;
}

/** Another way into a tenant than the request's own. */
export type Entrance = Pick<OperationSettings, "tenant" | "readAccess">;

export const isResolved = (answer: HomeAnswer): answer is Resolved => answer !== null && typeof answer === "object";
