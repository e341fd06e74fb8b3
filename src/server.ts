import { randomUUID } from "node:crypto";
import type { GraphQLError } from "graphql";
import { createYoga, type YogaInitialContext } from "graphql-yoga";
import type { Logger } from "pino";
import type { Catalogue } from "./access/catalogue.js";
import type { Leases } from "./database/leases.js";
import { explainDenials } from "./features/checks/denials.js";
import { readAccess } from "./features/memberships/readAccess.js";
import { describeTenant } from "./features/tenants/type.js";
import { arrivalsOf } from "./graphql/arrivals.js";
import { type Choice, type Context, Deadline, type ResolveTxt } from "./graphql/context.js";
import { type Execute, execution } from "./graphql/execution.js";
import { ShownSchema, VisibleSchemas } from "./graphql/introspection.js";
import type { DocumentLimits } from "./graphql/limits.js";
import { Operation, type OperationSettings } from "./graphql/operation.js";
import { describeFault, isPartlyDone, present, withoutRetry } from "./graphql/present.js";
import {
  type Answer,
  answerPreflight,
  corsHeaders,
  refuseAccept,
  refuseMethod,
  refuseOrigin,
  refuseWith,
} from "./graphql/request.js";
import { roomsOf } from "./graphql/rooms.js";
import { exchange, PLAIN } from "./graphql/yoga.js";
import { identityDigest } from "./identity/digest.js";
import { IdentityError, TenantNotFoundError } from "./identity/errors.js";
import { type Identity, mayEnter } from "./identity/identity.js";
import { deriveKey } from "./identity/key.js";
import { onlyTenant, tenantOfRequest } from "./identity/tenant.js";
import type { Verifier } from "./identity/verifier.js";
import { buildSchema } from "./schema.js";
import { Directory, type TenantRecord } from "./tenancy/directory/directory.js";
import { JobDesk } from "./tenancy/jobs/desk.js";
import { JOBS_KEY } from "./tenancy/jobs/seal.js";
import { Replicas, reportTo } from "./tenancy/replicas.js";
import { TenantSession } from "./tenancy/session.js";

export interface ServerOptions {
  readonly door: Leases;
  readonly serve: Leases;
  readonly catalogue: Catalogue;
  /** The installation key. */
  readonly key: Buffer;
  readonly verifier: Verifier;
  readonly limits: DocumentLimits;
  readonly maxBodyBytes: number;
  readonly requestTimeoutMs: number;
  /** How long a query waits for a replica before it goes to the primary. */
  readonly replicaWaitMs: number;
  /** Pages of other origins that may ask. */
  readonly origins: readonly string[];
  readonly tenantDomain: string | null;
  /** Whether introspection shows each viewer what is of use to them, or everybody everything. */
  readonly introspection: "trimmed" | "whole";
  /** Whether whoever has a token with a verified address may have a tenant of their own. */
  readonly signUp: boolean;
  /** Asks DNS for the proof of a domain, where it is not the machine's own way. */
  readonly resolveTxt?: ResolveTxt;
  readonly execute?: Execute;
  /** Is told of the tenants in which something is changed. */
  readonly onChange?: (tenant: TenantRecord) => void;
  readonly log: Logger;
}

export interface Gateway {
  /** Answers GraphQL over HTTP at `/graphql`, and what there is to ask for, as text, at `/graphql/schema`. */
  readonly yoga: ReturnType<typeof createYoga<Whence, Context>>;
  /** Waits for what runs, and closes every connection to the database. */
  close(): Promise<void>;
}

/** Where the API is read as text, in the schema definition language. */
const SCHEMA_PATH = "/graphql/schema";

/** What whoever hands a request over knows of where it comes from. */
interface Whence {
  readonly address?: string | null;
}

/** A gateway made of its dependencies; opens nothing by itself. */
export function createGateway(options: ServerOptions): Gateway {
  const { log, origins } = options;
  const directory = new Directory(options.door);
  const replicas = new Replicas(options.serve, options.replicaWaitMs, reportTo(log));
  const rooms = roomsOf({
    ...options,
    onLost: (error) => log.warn({ fault: describeFault(error) }, "mail waits for the next round"),
  });
  const desk = new JobDesk(options.door, deriveKey(options.key, JOBS_KEY));

  async function toContext({ request, address = null }: YogaInitialContext & Whence): Promise<Context> {
    const requestId = requestIds.get(request) ?? randomUUID();
    const [host, origin] = [request.headers.get("host"), request.headers.get("origin")];
    const identity = await options.verifier.verify(request.headers.get("authorization"), { host, origin });
    const slug = tenantOfRequest({
      host,
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
      catalogue: options.catalogue,
      ...rooms,
      arrivals: identity && arrivalsOf(directory, identity, digest!, slug, deadline.signal),
      operation: new Operation(settings),
      signUps: digest && { isOpen: options.signUp, desk, digest },
      hostOf: (tenant) => (options.tenantDomain ? `${tenant}.${options.tenantDomain}` : null),
      choices: () => (choices ??= identity ? listChoices(identity, deadline.signal) : Promise.resolve([])),
    };
  }

  function settingsOf(identity: Identity, digest: Buffer, slug: string | null, signal: AbortSignal): OperationSettings {
    return {
      leases: options.serve,
      replicas,
      signal,
      onChange: options.onChange ?? (() => {}),
      readAccess: (session, named) => readAccess(options.catalogue, session, digest, named),
      tenant: async (purpose, again) => {
        if (slug === null) return onlyTenant(purpose, await tenantsOf(identity, digest, signal));
        const tenant = mayEnter(identity, slug) ? await directory.find(slug, digest, again, signal) : null;
        if (!tenant) throw new TenantNotFoundError();
        return tenant;
      },
    };
  }

  const tenantsOf = async (identity: Identity, digest: Buffer, signal: AbortSignal): Promise<TenantRecord[]> =>
    (await directory.tenantsOf(digest, signal)).filter(({ slug }) => mayEnter(identity, slug));

  /** One session after the other: a person in many tenants takes no more connections than anybody else. */
  async function listChoices(identity: Identity, signal: AbortSignal): Promise<Choice[]> {
    const digest = identityDigest(options.key, identity);
    const choices: Choice[] = [];
    for (const tenant of await tenantsOf(identity, digest, signal)) {
      const session = await TenantSession.open(options.serve, tenant, "read", signal);
      try {
        const answer = await readAccess(options.catalogue, session, digest, []);
        // A home that is closed, elsewhere, or without this person is nothing to choose.
        if (answer !== null && typeof answer === "object") choices.push(await describeTenant({ ...answer, session }));
      } finally {
        await session.rollback();
      }
    }
    return choices;
  }

  const { schema, rules } = buildSchema();
  const visibleSchemas = new VisibleSchemas(schema, rules, undefined, options.signUp ? [] : ["Mutation.createTenant"]);
  const whole = new ShownSchema(schema);
  async function visible(ctx: Context): Promise<ShownSchema> {
    if (options.introspection === "whole") return whole;
    if (!ctx.operation.scope) {
      // Whoever names no tenant yet, or none of theirs, is shown what everybody is.
      await ctx.operation.read().catch((error) => {
        if (!(error instanceof IdentityError)) throw error;
      });
    }
    return visibleSchemas.for(ctx.operation.scope);
  }

  /** The schema that introspection would show to who asks, as text. */
  async function answerSchema(request: Request): Promise<Answer> {
    let ctx: Context | undefined;
    try {
      ctx = await toContext({ request } as YogaInitialContext);
      ctx.deadline.start();
      const { text } = await visible(ctx);
      return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: text };
    } catch (error) {
      return refuseWith(tell(error, requestIds.get(request)!));
    } finally {
      ctx?.deadline.stop();
      void ctx?.operation.end();
    }
  }

  /** What a caller is told of an error; the log has the rest. */
  function tell(error: unknown, requestId: string): GraphQLError {
    const presented = present(error, requestId);
    if (presented.fault) log.error({ requestId, fault: describeFault(presented.fault) }, "request failed");
    return presented.error;
  }

  const requestIds = new WeakMap<Request, string>();
  const yoga = createYoga<object, Context>({
    ...PLAIN,
    schema,
    context: toContext as never,
    plugins: [
      exchange(options.maxBodyBytes),
      {
        onRequest({ request, fetchAPI, endResponse, url }) {
          requestIds.set(request, randomUUID());
          const isText = url.pathname === SCHEMA_PATH;
          if (url.pathname !== "/graphql" && !isText) return;
          const end = (answer: Answer) => endResponse(new fetchAPI.Response(answer.body, answer));
          const refused =
            refuseOrigin(request, origins) ??
            answerPreflight(request, origins) ??
            (isText ? refuseMethod(request, ["GET"]) : (refuseMethod(request) ?? refuseAccept(request)));
          if (refused) return end(refused);
          if (isText) return answerSchema(request).then(end);
        },
        onResultProcess({ request, result, setResult }) {
          const requestId = requestIds.get(request) ?? randomUUID();
          if ("errors" in result && result.errors) {
            const errors = (result.errors as readonly unknown[]).map((error) => tell(error, requestId));
            setResult({ ...result, errors: isPartlyDone(result.data, errors) ? errors.map(withoutRetry) : errors });
          }
        },
        onResponse({ request, response }) {
          const requestId = requestIds.get(request);
          if (requestId) response.headers.set("x-request-id", requestId);
          for (const [name, value] of Object.entries(corsHeaders(request, origins))) response.headers.set(name, value);
        },
      },
      execution({
        limits: options.limits,
        visible: async (ctx) => (await visible(ctx)).schema,
        explain: explainDenials,
        ...(options.execute && { execute: options.execute }),
      }) as never,
    ],
  });

  return {
    yoga,
    async close() {
      await Promise.all([options.serve.close(), options.door.close()]);
    },
  };
}
