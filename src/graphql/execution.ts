import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  getOperationAST,
  getVariableValues,
  validate,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { LRUCache } from "lru-cache";
import type { Context } from "./context.js";
import { needsOf } from "./document.js";
import { checkDocument, checkVariables, type DocumentLimits, parseWithin } from "./limits.js";

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
export function execution(limits: DocumentLimits): Plugin<Context> {
  const checked = new LRUCache<string, Checked>({
    maxSize: CACHED_CHARACTERS,
    sizeCalculation: (_, text) => text.length + 1,
  });
  const problemsOf = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  return {
    onParse({ params, setParseFn }) {
      const text = String(params.source);
      setParseFn(() => {
        let known = checked.get(text);
        if (!known) checked.set(text, (known = check(text, limits)));
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
      setExecuteFn(() => run(args as unknown as ExecutionArgs & { contextValue: Context }, limits));
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

async function run(args: ExecutionArgs & { contextValue: Context }, limits: DocumentLimits): Promise<ExecutionResult> {
  const { document, operationName, variableValues, contextValue: ctx, schema } = args;
  const operation = getOperationAST(document, operationName);
  if (!operation) return refused(new GraphQLError("Name the operation to run in `operationName`."));
  try {
    checkVariables(variableValues ?? {}, limits);
  } catch (error) {
    return { errors: [error as GraphQLError] };
  }
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: 10,
  });
  if (errors) return refused(...errors);

  const needs = needsOf(document, operationName);
  ctx.deadline.start();
  try {
    // Before the operation holds a session of its own, so that none is ever waited for while holding another.
    if (needs.choices && needs.tenant) await ctx.choices();
    if (needs.operation === "query" && needs.tenant) await ctx.operation.read();
    return await execute(args);
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
