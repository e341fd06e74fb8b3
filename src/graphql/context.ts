import type { Catalogue } from "../access/catalogue.js";
import { UnavailableError } from "../database/errors.js";
import { Cancellation, type Signal } from "../database/signal.js";
import type { Identity } from "../identity/identity.js";
import type { InvitationTokens } from "../identity/invitationToken.js";
import type { TenantId } from "../ids.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { JobDesk } from "../tenancy/jobs/desk.js";
import type { Seal } from "../tenancy/seal.js";
import type { Cursors } from "./cursor.js";
import { UnauthenticatedError } from "./errors.js";
import type { Nameable, Named } from "./named.js";
import { idOf } from "./nodeId.js";
import type { Operation, Scope } from "./operation.js";

/** What every resolver is given. Made anew for each operation and shared with no other. */
export interface Context {
  /** Null for a caller without a token. */
  readonly identity: Identity | null;
  readonly operation: Operation;
  readonly requestId: string;
  /** The network address that it was asked from; null where nobody can tell. */
  readonly address: string | null;
  readonly catalogue: Catalogue;
  readonly cursors: Cursors;
  /** The host under which a tenant is reached; null where tenants have none. */
  readonly hostOf: (slug: string) => string | null;
  /** The tenants that the identity may enter, by slug, as each one's home describes it. Read once. */
  readonly choices: () => Promise<readonly Choice[]>;
  /** How somebody comes into a tenant that they are not in; null for a caller without a token. */
  readonly arrivals: Arrivals | null;
  /** Links that people are invited by. */
  readonly invitationTokens: InvitationTokens;
  readonly mail: MailRoom;
  /** The TXT records of a name, to be asked for outside of every session. */
  readonly resolveTxt: ResolveTxt;
  /** What the directory knows a domain by. */
  readonly domainDigest: (domain: string) => Buffer;
  /** Where the caller asks for a tenant of their own; null for one without a token. */
  readonly signUps: SignUps | null;
  readonly deadline: Deadline;
  /** Whether the caller wants to know why, where they are denied something. */
  readonly explains: boolean;
  /** Is told of the question that was asked, where its answer is remembered. */
  readonly onRemembered: ((question: string) => void) | undefined;
}

/** @throws Error with the code `ENOTFOUND` or `ENODATA` where there is none, and with another where nobody can tell */
export type ResolveTxt = (name: string) => Promise<string[][]>;

/** What mail needs beside its table. */
export interface MailRoom {
  /** Keeps what waits to be sent from whoever can read the database. */
  readonly seal: Seal;
  /** Says that there is something in a tenant's outbox. Never throws: nothing is lost when it fails. */
  announce(tenantId: TenantId): Promise<void>;
}

/** How somebody gets into a tenant that their identity is not known in. */
export interface Arrivals {
  /** Of the identity that asks. */
  readonly digest: Buffer;
  /** The slug that the request names: which of several is meant, and no wall. */
  readonly named: string | null;
  /** The tenant of an id, as the directory has it now, if the identity's token is good there; null otherwise. */
  tenant(id: TenantId): Promise<TenantRecord | null>;
  /** Tenants in which a domain is said to be proven, as far as the identity's token is good there; with a slug, that one alone. */
  tenantsOfDomain(digest: Buffer, slug: string | null): Promise<readonly TenantRecord[]>;
  /** Says that a domain of this digest is proven in a tenant. */
  announceDomain(digest: Buffer, id: TenantId): Promise<void>;
  /** Lets the identity, or another of this digest, knock at the tenant from now on. The home decides whether it lets them in. */
  admit(id: TenantId, digest?: Buffer): Promise<void>;
}

/** How somebody gets a tenant of their own. */
export interface SignUps {
  readonly isOpen: boolean;
  readonly desk: JobDesk;
  /** Of the identity that asks. */
  readonly digest: Buffer;
}

/** A tenant to choose: what a switcher needs, and no more. */
export interface Choice {
  readonly slug: string;
  readonly name: string;
  readonly imageUrl: string | null;
}

/** When an operation must end. Aborts what it is doing when its time is up, or its caller has gone. */
export class Deadline {
  readonly #cancellation = new Cancellation();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly timeoutMs: number,
    /** Aborts when the caller goes away; null where `leave` says so. */
    private readonly caller: Signal | null,
  ) {}

  get signal(): Signal {
    return this.#cancellation;
  }

  /** Nothing happens where it has begun. */
  start(): void {
    if (this.#timer) return;
    const abort = () => this.#cancellation.abort(new UnavailableError("The request took too long."));
    this.#timer = setTimeout(abort, this.timeoutMs);
    this.caller?.addEventListener("abort", this.leave, { once: true });
    if (this.caller?.aborted) this.leave();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.caller?.removeEventListener("abort", this.leave);
  }

  /** Says that the caller has gone away. */
  readonly leave = () => this.#cancellation.abort(new UnavailableError("The caller has gone."));
}

/** The session to read in, where a rule has made sure that there is one. */
export function scopeOf(ctx: Context): Scope {
  if (!ctx.operation.scope) throw ctx.operation.gone ?? new UnauthenticatedError();
  return ctx.operation.scope;
}

/**
 * What a guarded argument names, by its global id: where it stands, as it was read after the lock.
 * @throws Error when the field's rule did not ask about it: then nobody has judged it
 */
export function getNamed(ctx: Context, type: Nameable, globalId: string): Named {
  const id = idOf(type, globalId);
  const found = id === null ? undefined : scopeOf(ctx).named.get({ type, id });
  if (!found) throw new Error(`A change uses a ${type} that its rule does not ask about.`);
  return found;
}
