import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute as executeByReference,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  validate,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { LRUCache } from "lru-cache";
import { AnswerLostError } from "../database/errors.js";
import type { Context } from "./context.js";
import { refusal } from "./errors.js";
import { foresee, namedIn } from "./foresight.js";
import { withRoots } from "./introspection.js";
import { admitDocument, checkVariables, type DocumentLimits } from "./limits.js";
import { checkLengths, isIntrospection, needsOf, planOf, type Root, withVariables } from "./plan.js";
import { isTransient } from "./present.js";

export interface Settings {
  readonly limits: DocumentLimits;
  /** The schema that introspection shows to a caller. */
  readonly visible: (ctx: Context) => Promise<GraphQLSchema>;
  /** Says why the viewer was denied what they were, in the errors' extensions. */
  readonly explain: (ctx: Context, errors: readonly GraphQLError[]) => Promise<readonly GraphQLError[]>;
  /** graphql-js's own, unless another is being tried. */
  readonly execute?: Execute;
}

export type Execute = (args: ExecutionArgs) => ExecutionResult | PromiseLike<ExecutionResult>;

type Args = ExecutionArgs & { readonly contextValue: Context };

/** A document that may be validated, or why it may not. */
type Admitted = { readonly document: DocumentNode } | { readonly refused: GraphQLError };

// Texts are kept with their trees, which take some fifty times as much.
const CACHED_CHARACTERS = 2_000_000;

/**
 * Takes a document from its text to its answer: refuses hostile ones before they cost anything, parses and validates each
 * text once, and gives every operation the tenant sessions that it needs, and no longer than it needs them.
 */
export function execution(settings: Settings): Plugin<Context> {
  const { limits } = settings;
  const admitted = new LRUCache<string, Admitted>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, text) => text.length + 1,
  });
  const problemsOf = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  function documentOf(text: string): DocumentNode {
    const known = admitted.get(text) ?? admit(text, limits);
    // A text that is too long says so at a glance, and would push out hundreds that are asked again.
    if (text.length <= limits.characters) admitted.set(text, known);
    if ("refused" in known) throw known.refused;
    return known.document;
  }

  return {
    // Not while parsing: what is thrown there is given another status, which clients may take for a success.
    onParams({ params, request }) {
      const document = documentOf(params.query!);
      refuseOperation(getOperationAST(document, params.operationName), request.method);
      checkVariables(params.variables, limits);
    },
    onParse({ params, setParseFn }) {
      setParseFn(() => documentOf(String(params.source)));
    },
    onValidate({ params, setResult }) {
      const { documentAST, schema } = params;
      let problems = problemsOf.get(documentAST);
      if (!problems) {
        const found = [
          ...withoutRoot(schema, documentAST),
          ...validate(schema, documentAST, undefined, { hideSuggestions: true }),
        ];
        problems = found.map((problem) => coded(problem, "GRAPHQL_VALIDATION_FAILED"));
        problemsOf.set(documentAST, problems);
      }
      setResult([...problems] as never);
    },
    onExecute({ setExecuteFn, args }) {
      setExecuteFn(() => run(args as unknown as ExecutionArgs & { contextValue: Context }, settings));
    },
  };
}

function admit(text: string, limits: DocumentLimits): Admitted {
  try {
    return { document: admitDocument(text, limits) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { refused: error.extensions.code ? error : coded(error, "GRAPHQL_PARSE_FAILED") };
  }
}

/** @throws GraphQLError for what names no operation, and for a change that a mere link could make */
function refuseOperation(operation: OperationDefinitionNode | null | undefined, method: string): void {
  if (!operation) {
    throw refusal(
      "BAD_USER_INPUT",
      "No operation of the document is meant. Name one of them in `operationName`; with a single one it may be left out.",
      400,
    );
  }
  if (operation.operation === "mutation" && method === "GET") {
    throw refusal("METHOD_NOT_ALLOWED", "Send a mutation with POST.", 405, { headers: { allow: "POST" } });
  }
}

/** Operations of a kind that the schema has not: graphql-js finds them when it runs them. */
const withoutRoot = (schema: GraphQLSchema, document: DocumentNode): GraphQLError[] =>
  document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION && !schema.getRootType(node.operation)
      ? [new GraphQLError(`There is no ${node.operation} to ask for here.`, { nodes: node })]
      : [],
  );

async function run(args: Args, settings: Settings): Promise<ExecutionResult> {
  const { contextValue: ctx } = args;
  try {
    ctx.deadline.start();
    const told = await tell(args, settings);
    // Nothing of it has left, and a query changes nothing: it is asked once more, of the primary.
    return ctx.operation.wasLetDown() ? await tell(args, settings) : told;
  } finally {
    ctx.deadline.stop();
    // What was read is read: the answer does not wait for the session's end.
    void ctx.operation.end();
  }
}

async function tell(args: Args, settings: Settings): Promise<ExecutionResult> {
  const { contextValue: ctx } = args;
  const result = await answer(args, settings);
  if (!ctx.explains || !result.errors) return result;
  // What is answered stays answered, also where the reason for a denial cannot be read.
  return { ...result, errors: await settings.explain(ctx, result.errors).catch(() => result.errors!) };
}

async function answer(
  { document, operationName, variableValues, contextValue: ctx, schema }: Args,
  { visible, execute = executeByReference }: Settings,
): Promise<ExecutionResult> {
  const operation = getOperationAST(document, operationName)!;
  const definitions = operation.variableDefinitions ?? [];
  // Each error repeats the whole value, so that the second is not worth its price.
  const { errors, coerced } = getVariableValues(schema, definitions, variableValues ?? {}, {
    maxErrors: 1,
    hideSuggestions: true,
  });
  if (errors) return { errors: [coded(errors[0]!, "BAD_USER_INPUT")] };

  const part = (from: GraphQLSchema, some: readonly Root[]) =>
    execute({ schema: from, document: withRoots(document, operation, some), contextValue: ctx, variableValues });
  try {
    const plan = withVariables(planOf(schema, document, operation), coerced);
    const { roots } = plan;
    const needs = needsOf(plan);
    checkLengths(plan, coerced);
    // Before the operation holds a session of its own, so that none is ever waited for while holding another.
    if (needs.choices && needs.tenant) await ctx.choices();
    const isChange = operation.operation === "mutation";
    // The only field of a mutation is judged where it runs.
    const isForeseen = isChange ? roots.length > 1 : needs.tenant;
    if (isForeseen) {
      await ctx.operation[isChange ? "read" : "query"](namedIn(plan, coerced));
      const stopped = foresee(plan, coerced, ctx);
      if (stopped) return stopped;
      if (isChange) await ctx.operation.end();
    }
    if (!needs.introspection) {
      const result = await execute({ schema, document, operationName, contextValue: ctx, variableValues });
      return isChange ? afterCommit(result) : result;
    }

    const own = roots.filter((root) => !isIntrospection(root));
    const [data, shown] = [await part(schema, own), await part(await visible(ctx), roots.filter(isIntrospection))];
    return { data: { ...data.data, ...shown.data }, errors: join(data.errors, shown.errors) };
  } catch (error) {
    return {
      errors: [error instanceof GraphQLError ? error : new GraphQLError("", { originalError: error as Error })],
    };
  }
}

/** Below its root field a mutation is an answer: what fails there comes after the commit, and undoes nothing. */
function afterCommit({ errors, ...result }: ExecutionResult): ExecutionResult {
  if (!errors) return result;
  const told = errors.map((error) =>
    (error.path?.length ?? 0) > 1 && isTransient(error)
      ? new GraphQLError("", { nodes: error.nodes, path: error.path, originalError: new AnswerLostError(error) })
      : error,
  );
  return { ...result, errors: told };
}

const join = (a: readonly GraphQLError[] = [], b: readonly GraphQLError[] = []) =>
  a.length + b.length > 0 ? [...a, ...b] : undefined;

// What is refused is repeated in the words of the refusal.
const MOST_WORDS = 1000;

/** Status 400, or 200 for clients that take `application/json` for an answer, as GraphQL over HTTP has it. */
function coded(error: GraphQLError, code: string): GraphQLError {
  const { message } = error;
  return new GraphQLError(message.length > MOST_WORDS ? `${message.slice(0, MOST_WORDS)} …` : message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: { code, http: { status: 400, spec: true } },
  });
}
