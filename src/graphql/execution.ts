import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute as executeByReference,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  validate,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { LRUCache } from "lru-cache";
import type { Context } from "./context.js";
import { isIntrospection, needsOf } from "./document.js";
import { foresee } from "./foresight.js";
import { withRoots } from "./introspection.js";
import { checkDocument, checkVariables, type DocumentLimits, parseWithin } from "./limits.js";
import { type Root, rootsOf } from "./roots.js";

export interface Settings {
  readonly limits: DocumentLimits;
  /** The schema that introspection shows to a caller. */
  readonly visible: (ctx: Context) => Promise<GraphQLSchema>;
  /** graphql-js's own, unless another is being tried. */
  readonly execute?: Execute;
}

export type Execute = (args: ExecutionArgs) => ExecutionResult | PromiseLike<ExecutionResult>;

type Args = ExecutionArgs & { readonly contextValue: Context };

interface Checked {
  readonly document?: DocumentNode;
  /** Why it cannot run; empty for a document that can. */
  readonly problems: readonly GraphQLError[];
}

// Texts are kept with their trees, which take some fifty times as much.
const CACHED_CHARACTERS = 2_000_000;

/**
 * Takes a document from its text to its answer: refuses hostile ones before they cost anything, parses and validates each
 * text once, and gives every operation the tenant sessions that it needs, and no longer than it needs them.
 */
export function execution(settings: Settings): Plugin<Context> {
  const checked = new LRUCache<string, Checked>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, text) => text.length + 1,
  });
  const problemsOf = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  return {
    onParse({ params, setParseFn }) {
      const text = String(params.source);
      setParseFn(() => {
        const known = checked.get(text) ?? check(text, settings.limits);
        checked.set(text, known);
        if (!known.document) throw known.problems[0];
        return known.document;
      });
    },
    onValidate({ params, setResult }) {
      const { documentAST, schema } = params;
      let problems = problemsOf.get(documentAST);
      if (!problems) {
        problems = validate(schema, documentAST).map((problem) => coded(problem, "GRAPHQL_VALIDATION_FAILED"));
        problemsOf.set(documentAST, problems);
      }
      setResult([...problems] as never);
    },
    onExecute({ setExecuteFn, args }) {
      setExecuteFn(() => run(args as unknown as ExecutionArgs & { contextValue: Context }, settings));
    },
  };
}

function check(text: string, limits: DocumentLimits): Checked {
  try {
    const document = parseWithin(text, limits);
    checkDocument(document, limits);
    return { document, problems: [] };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { problems: [error.extensions.code ? error : coded(error, "GRAPHQL_PARSE_FAILED")] };
  }
}

async function run(
  { document, operationName, variableValues, contextValue: ctx, schema }: Args,
  { limits, visible, execute = executeByReference }: Settings,
): Promise<ExecutionResult> {
  const operation = getOperationAST(document, operationName);
  if (!operation) return refused(new GraphQLError("Name the operation to run in `operationName`."));
  try {
    checkVariables(variableValues ?? {}, limits);
  } catch (error) {
    return { errors: [error as GraphQLError] };
  }
  const definitions = operation.variableDefinitions ?? [];
  const { errors, coerced } = getVariableValues(schema, definitions, variableValues ?? {}, { maxErrors: 10 });
  if (errors) return refused(...errors);

  const roots = rootsOf(document, operation, coerced);
  const needs = needsOf(operation, roots);
  const answer = (from: GraphQLSchema, some: readonly Root[]) =>
    execute({ schema: from, document: withRoots(document, operation, some), contextValue: ctx, variableValues });
  ctx.deadline.start();
  try {
    if (needs.operation === "mutation" && ctx.operation.signedIn && roots.length > 1) {
      const stopped = await foresee(schema, roots, coerced, ctx);
      if (stopped) return stopped;
    }
    // Before the operation holds a session of its own, so that none is ever waited for while holding another.
    if (needs.choices && needs.tenant) await ctx.choices();
    if (needs.operation === "query" && needs.tenant) await ctx.operation.read();
    if (!needs.introspection)
      return await execute({ schema, document, operationName, contextValue: ctx, variableValues });

    const own = roots.filter((root) => !isIntrospection(root));
    const [data, shown] = [await answer(schema, own), await answer(await visible(ctx), roots.filter(isIntrospection))];
    return { data: { ...data.data, ...shown.data }, errors: join(data.errors, shown.errors) };
  } catch (error) {
    return {
      errors: [error instanceof GraphQLError ? error : new GraphQLError("", { originalError: error as Error })],
    };
  } finally {
    ctx.deadline.stop();
    // What was read is read: the answer does not wait for the session's end.
    void ctx.operation.end();
  }
}

const join = (a: readonly GraphQLError[] = [], b: readonly GraphQLError[] = []) =>
  a.length + b.length > 0 ? [...a, ...b] : undefined;

const refused = (...errors: readonly GraphQLError[]): ExecutionResult => ({
  errors: errors.map((error) => coded(error, "BAD_USER_INPUT")),
});

/** Status 400, or 200 for clients that take `application/json` for an answer, as GraphQL over HTTP has it. */
function coded(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: { code, http: { status: 400, spec: true } },
  });
}
