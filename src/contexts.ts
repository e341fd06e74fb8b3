import type { Logger } from "pino";
import type { Catalogue } from "./access/catalogue.js";
import { isAway } from "./database/errors.js";
import type { Leases } from "./database/leases.js";
import type { Signal } from "./database/signal.js";
import { readAccess } from "./features/memberships/readAccess.js";
import { describeTenant } from "./features/tenants/type.js";
import { arrivalsOf } from "./graphql/arrivals.js";
import type { AskedBefore } from "./graphql/asked.js";
import { type Choice, type Context, Deadline, type ResolveTxt } from "./graphql/context.js";
import { Operation, type OperationSettings } from "./graphql/operation.js";
import { describeFault } from "./graphql/present.js";
import { roomsOf } from "./graphql/rooms.js";
import { type HomeAnswer, isResolved, OpenScope } from "./graphql/scope.js";
import { identityDigest } from "./identity/digest.js";
import { TenantNotFoundError } from "./identity/errors.js";
import { type Identity, mayEnter } from "./identity/identity.js";
import { deriveKey } from "./identity/key.js";
import { originOf } from "./identity/local.js";
import { onlyTenant, slugsMeant, tenantOfRequest } from "./identity/tenant.js";
import type { Verifier } from "./identity/verifier.js";
import { Directory, type TenantRecord } from "./tenancy/directory/directory.js";
import { JobDesk } from "./tenancy/jobs/desk.js";
import { JOBS_KEY } from "./tenancy/jobs/seal.js";
import { Replicas, reportTo } from "./tenancy/replicas.js";
import { type Purpose, TenantSession } from "./tenancy/session.js";

export interface ContextOptions {
  readonly door: Leases;
  readonly serve: Leases;
  readonly catalogue: Catalogue;
  /** The installation key. */
  readonly key: Buffer;
  readonly verifier: Verifier;
  readonly requestTimeoutMs: number;
  /** How long a query waits for a replica before it goes to the primary. */
  readonly replicaWaitMs: number;
  readonly tenantDomain: string | null;
  /** Whether whoever has a token with a verified address may have a tenant of their own. */
  readonly signUp: boolean;
  /** Asks DNS for the proof of a domain, where it is not the machine's own way. */
  readonly resolveTxt?: ResolveTxt;
  /** Is told of the tenants in which something is changed. */
  readonly onChange?: (tenant: TenantRecord) => void;
  readonly log: Logger;
}

/** What of a request says who asks, and where. */
interface Asking {
  readonly headers: Pick<Headers, "get">;
  /** Aborts when the caller goes away. */
  readonly signal: Signal | null;
}

/**
 * What resolvers are given, made anew for each request.
 * @throws IdentityError for a token that is none here, and for a tenant that the request names in two ways
 */
export function contextsOf(options: ContextOptions, asked: AskedBefore) {
  const { log } = options;
  const directory = new Directory(options.door);
  const replicas = new Replicas(options.serve, options.replicaWaitMs, reportTo(log));
  const rooms = roomsOf({
    ...options,
    onLost: (error) => log.warn({ fault: describeFault(error) }, "mail waits for the next round"),
  });
  const desk = new JobDesk(options.door, deriveKey(options.key, JOBS_KEY));

  async function contextOf(
    request: Asking,
    requestId: string,
    address: string | null,
    onRemembered?: Context["onRemembered"],
  ): Promise<Context> {
    const origin = originOf((name) => request.headers.get(name));
    const identity = await options.verifier.verify(request.headers.get("authorization"), origin);
    const slug = tenantOfRequest({
      host: origin.host,
      header: request.headers.get("x-tenant"),
      tenantDomain: options.tenantDomain,
      claim: identity?.tenant ?? null,
    });
    const deadline = new Deadline(options.requestTimeoutMs, request.signal);
    const digest = identity && identityDigest(options.key, identity);
    const settings = identity && settingsOf(identity, digest!, slug, deadline.signal);
    let choices: Promise<readonly Choice[]> | undefined;
    return {
      identity,
      requestId,
      address,
      deadline,
      explains: request.headers.get("x-tenantry-explain") === "1",
      onRemembered,
      catalogue: options.catalogue,
      ...rooms,
      arrivals: identity && arrivalsOf(directory, identity, digest!, slug, deadline.signal),
      operation: new Operation(settings),
      signUps: digest && { isOpen: options.signUp, desk, digest },
      hostOf: (tenant) => (options.tenantDomain ? `${tenant}.${options.tenantDomain}` : null),
      choices: () => (choices ??= identity ? listChoices(identity, deadline.signal) : Promise.resolve([])),
    };
  }

  function settingsOf(identity: Identity, digest: Buffer, slug: string | null, signal: Signal): OperationSettings {
    return {
      leases: options.serve,
      replicas,
      signal,
      asked: asked.by(digest.toString("base64")),
      onChange: options.onChange ?? (() => {}),
      readAccess: (session, named) => readAccess(options.catalogue, session, digest, named),
      tenant: async (purpose, again) => {
        if (slug === null) return onlyTenant(purpose, await mayMean(purpose, identity, digest, signal));
        // Asked for in either case, so that the time it takes does not tell which slugs an issuer lists.
        const tenant = await directory.find(slug, digest, again, signal);
        if (!tenant || !mayEnter(identity, slug)) throw new TenantNotFoundError();
        return tenant;
      },
    };
  }

  const tenantsOf = (identity: Identity, digest: Buffer, signal: Signal): Promise<TenantRecord[]> =>
    directory.tenantsOf(digest, slugsMeant(identity), signal);

  /**
   * What a home says of somebody who knocks there, in a session that ends with it. At several one after the other: a person in many
   * tenants takes no more connections than anybody else.
   */
  async function knock<T>(
    tenant: TenantRecord,
    digest: Buffer,
    signal: Signal,
    hear: (answer: HomeAnswer, session: TenantSession) => T | Promise<T>,
  ): Promise<T> {
    const session = await TenantSession.open(options.serve, tenant, "read", signal);
    try {
      return await hear(await readAccess(options.catalogue, session, digest, []), session);
    } finally {
      await session.rollback();
    }
  }

  /** The tenants that a request may mean which names none: with more than one, there is a choice. */
  async function mayMean(purpose: Purpose, identity: Identity, digest: Buffer, signal: Signal) {
    const tenants = await tenantsOf(identity, digest, signal);
    // A single one says for itself whether it lets them in; a change names its tenant anyway.
    if (tenants.length < 2 || purpose !== "read") return tenants;
    const meant: TenantRecord[] = [];
    for (const tenant of tenants) {
      if (await mayLetIn(tenant, digest, signal)) meant.push(tenant);
      if (meant.length > 1) break;
    }
    return meant;
  }

  /** Whoever may knock need not be in it. A tenant that has just gone elsewhere, or whose database is away, may be theirs. */
  const mayLetIn = (tenant: TenantRecord, digest: Buffer, signal: Signal): Promise<boolean> =>
    knock(tenant, digest, signal, (answer) => answer !== null).catch((error) => {
      if (isAway(error) && !signal.aborted) return true;
      throw error;
    });

  async function listChoices(identity: Identity, signal: Signal): Promise<Choice[]> {
    const digest = identityDigest(options.key, identity);
    const choices: Choice[] = [];
    // A home that is closed, elsewhere, or without this person is nothing to choose.
    for (const tenant of await tenantsOf(identity, digest, signal))
      await knock(tenant, digest, signal, async (answer, session) => {
        if (isResolved(answer)) choices.push(await describeTenant(new OpenScope(session, answer)));
      });
    return choices;
  }

  return contextOf;
}
