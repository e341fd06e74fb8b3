import { randomUUID } from "node:crypto";
import { type ExecutionArgs, execute, type GraphQLError, getOperationAST, getVariableValues } from "graphql";
import { createYoga, type Plugin, type YogaInitialContext } from "graphql-yoga";
import type { Logger } from "pino";
import type { Leases } from "../database/leases.js";
import { admission, coded } from "../graphql/admission.js";
import { Cursors } from "../graphql/cursor.js";
import type { DocumentLimits } from "../graphql/limits.js";
import { describeFault, present } from "../graphql/present.js";
import { type Answer, refuseAccept, refuseMethod, refuseOrigin, refuseWith } from "../graphql/request.js";
import { exchange, PLAIN } from "../graphql/yoga.js";
import { identityDigest } from "../identity/digest.js";
import { mayEnter } from "../identity/identity.js";
import type { IssuerSettings } from "../identity/issuers.js";
import { deriveKey } from "../identity/key.js";
import { originOf } from "../identity/local.js";
import type { FindOperator, Operator } from "../identity/operators.js";
import { TenantListing } from "../tenancy/directory/listing.js";
import { JobDesk } from "../tenancy/jobs/desk.js";
import { JOBS_KEY } from "../tenancy/jobs/seal.js";
import type { OperatorContext, Wish } from "./builder.js";
import { buildOperatorsSchema } from "./schema.js";

export interface OperatorsDoorOptions {
  readonly door: Leases;
  /** The installation key. */
  readonly key: Buffer;
  readonly findOperator: FindOperator;
  /** The names of all databases. */
  readonly databases: readonly string[];
  /** Those of the product's own people. */
  readonly issuers: readonly IssuerSettings[];
  readonly limits: DocumentLimits;
  readonly maxBodyBytes: number;
  readonly log: Logger;
}

/** The operators' door: GraphQL over HTTP at `/graphql`, for nobody whom the settings do not name. Opens nothing by itself. */
export function createOperatorsDoor(options: OperatorsDoorOptions) {
  const { log, key } = options;
  const listing = new TenantListing(options.door);
  const desk = new JobDesk(options.door, deriveKey(key, JOBS_KEY));
  const cursors = new Cursors(deriveKey(key, "tenantry operators cursor v1"));
  const operators = new WeakMap<Request, Operator>();
  const objection = (wish: Wish) => objectionTo(wish, options);

  function toContext({ request }: YogaInitialContext): OperatorContext {
    const operator = operators.get(request);
    if (!operator) throw new Error("A request came through the operators' door without an operator.");
    const asking = { digest: identityDigest(key, operator.identity), operator: operator.name };
    return { operator, asking, listing, desk, cursors, objection };
  }

  function tell(error: unknown): GraphQLError {
    const requestId = randomUUID();
    const presented = present(error, requestId);
    if (presented.fault)
      log.error({ requestId, fault: describeFault(presented.fault) }, "an operator's request failed");
    return presented.error;
  }

  return createYoga<object, OperatorContext>({
    ...PLAIN,
    schema: buildOperatorsSchema(),
    context: toContext as never,
    plugins: [
      exchange(options.maxBodyBytes),
      {
        async onRequest({ request, fetchAPI, endResponse, url }) {
          const end = (answer: Answer) => endResponse(new fetchAPI.Response(answer.body, answer));
          if (url.pathname !== "/graphql") return end({ status: 404, headers: {}, body: null });
          // Before anything of it is read: who is no operator learns nothing of what there is.
          try {
            const origin = originOf((name) => request.headers.get(name));
            operators.set(request, await options.findOperator(request.headers.get("authorization"), origin));
          } catch (error) {
            return end(refuseWith(tell(error)));
          }
          const refused = refuseOrigin(request, []) ?? refuseMethod(request, ["POST"]) ?? refuseAccept(request);
          if (refused) end(refused);
        },
        onResultProcess({ result, setResult }) {
          if ("errors" in result && result.errors)
            setResult({ ...result, errors: (result.errors as readonly unknown[]).map(tell) });
        },
      },
      running(options.limits) as never,
    ],
  });
}

const running = (limits: DocumentLimits): Plugin => ({
  ...admission(limits),
  onExecute({ setExecuteFn }) {
    setExecuteFn(run);
  },
});

/** What does not fit the schema is the caller's affair, and said so. */
function run(args: ExecutionArgs) {
  const { document, operationName, variableValues, schema } = args;
  const { variableDefinitions = [] } = getOperationAST(document, operationName)!;
  const { errors } = getVariableValues(schema, variableDefinitions, variableValues ?? {}, {
    maxErrors: 1,
    hideSuggestions: true,
  });
  return errors ? { errors: [coded(errors[0]!, "BAD_USER_INPUT")] } : execute(args);
}

/** What the commands would refuse, too, said before anything is handed in. */
function objectionTo({ slug, database, ownerIssuer }: Wish, { databases, issuers }: OperatorsDoorOptions) {
  if (database !== null && !databases.includes(database))
    return { field: "database", message: `The settings name no such database. There are: ${databases.join(", ")}.` };
  if (ownerIssuer === null) return null;
  const known = issuers.find(({ issuer }) => issuer === ownerIssuer);
  const names = issuers.map(({ issuer }) => issuer).join(", ");
  if (!known && issuers.length > 0)
    return { field: "ownerIssuer", message: `It is not in TENANTRY_ISSUERS. There are: ${names}.` };
  if (known && !mayEnter({ tenants: known.tenants, tenant: null }, slug))
    return { field: "ownerIssuer", message: `It may not enter ${slug}: add that to its tenants in TENANTRY_ISSUERS.` };
  return null;
}
