import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { GraphQLError } from "graphql";
import { createYoga, type YogaInitialContext } from "graphql-yoga";
import { type ContextOptions, contextsOf } from "./contexts.js";
import type { Leases } from "./database/leases.js";
import { explainDenials } from "./features/checks/denials.js";
import { AskedBefore } from "./graphql/asked.js";
import type { Context } from "./graphql/context.js";
import { type Execute, execution } from "./graphql/execution.js";
import { ShownSchema, VisibleSchemas } from "./graphql/introspection.js";
import type { DocumentLimits } from "./graphql/limits.js";
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
import { type Carried, Shortcut } from "./graphql/shortcut.js";
import { exchange, PLAIN } from "./graphql/yoga.js";
import { IdentityError } from "./identity/errors.js";
import { buildSchema } from "./schema.js";

export interface ServerOptions extends ContextOptions {
  readonly limits: DocumentLimits;
  readonly maxBodyBytes: number;
  /** What may be remembered of what was asked before; 0 for nothing. */
  readonly rememberBytes: number;
  /** Pages of other origins that may ask. */
  readonly origins: readonly string[];
  /** Whether introspection shows each viewer what is of use to them, or everybody everything. */
  readonly introspection: "trimmed" | "whole";
  readonly execute?: Execute;
}

export interface Gateway {
  /** Answers GraphQL over HTTP at `/graphql`, and what there is to ask for, as text, at `/graphql/schema`. */
  readonly yoga: ReturnType<typeof createYoga<Whence, Context>>;
  /** The same for a request of Node.js's server to `/graphql`, and shorter where its like was asked before. */
  answer(request: IncomingMessage, response: ServerResponse, address: string | null): Promise<void>;
  /** What it did and has so far. */
  counts(): Counts;
  /** Waits for what runs, and closes every connection to the database. */
  close(): Promise<void>;
}

export interface Counts {
  /** How many queries were answered with what was made of the same rows before. */
  readonly repeated: number;
  /** How many of those without a look at their text. */
  readonly short: number;
  /** How many errors callers were told of, by their code. */
  readonly errors: ReadonlyMap<string, number>;
  /** Those to PostgreSQL, and who waits for one: to tenants' homes, and to the directory. */
  readonly connections: Readonly<Record<"serve" | "door", Leases["counts"]>>;
}

/** Where the API is read as text, in the schema definition language. */
const SCHEMA_PATH = "/graphql/schema";

/** What whoever hands a request over knows of where it comes from. */
interface Whence extends Carried {
  readonly address?: string | null;
}

/** A gateway made of its dependencies; opens nothing by itself. */
export function createGateway(options: ServerOptions): Gateway {
  const { log, origins } = options;
  const requestIds = new WeakMap<Request, string>();
  const asked = new AskedBefore(options.rememberBytes);
  const errors = new Map<string, number>();
  const contextOf = contextsOf(options, asked);
  const toContext = async ({ request, address = null, ...carried }: YogaInitialContext & Whence): Promise<Context> =>
    carried.context ?? contextOf(request, requestIds.get(request) ?? randomUUID(), address, carried.onRemembered);

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
    const code = String(presented.error.extensions.code);
    errors.set(code, (errors.get(code) ?? 0) + 1);
    if (presented.fault) log.error({ requestId, fault: describeFault(presented.fault) }, "request failed");
    return presented.error;
  }

  const yoga = createYoga<object, Context>({
    ...PLAIN,
    schema,
    context: toContext as never,
    plugins: [
      exchange(options.maxBodyBytes),
      {
        onRequest({ request, fetchAPI, endResponse, url, serverContext }) {
          requestIds.set(request, (serverContext as Carried | undefined)?.context?.requestId ?? randomUUID());
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
        onResponse({ request, response, serverContext }) {
          (serverContext as Carried | undefined)?.onAnswered?.(response);
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

  const shortcut = new Shortcut(contextOf, origins, options.maxBodyBytes);
  return {
    yoga,
    async answer(request, response, address) {
      const carried = options.rememberBytes > 0 ? await shortcut.take(request, response, address) : {};
      if (carried) await yoga.handle(request, response, { address, ...carried } as never);
    },
    counts: () => ({
      repeated: asked.repeated,
      short: shortcut.taken,
      errors,
      connections: { serve: options.serve.counts, door: options.door.counts },
    }),
    async close() {
      await Promise.all([options.serve.close(), options.door.close()]);
    },
  };
}
