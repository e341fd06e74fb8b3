import {
  assertValidSchema,
  type ExecutionArgs,
  type ExecutionResult,
  execute as executeByReference,
  type GraphQLError,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
} from "graphql";
import { keptOf } from "./kept.js";
import { Errors, type Run } from "./run.js";
import { Size } from "./size.js";

// As graphql-js has it.
const MOST_VARIABLE_ERRORS = 50;

export interface ExecuteArgs extends ExecutionArgs {
  /** How much an answer may hold: more ends the root field in which it is met, with `COST_EXCEEDED`. Anything where left out. */
  readonly size?: Size;
}

/**
 * Executes an operation of a valid document as graphql-js does, and answers the same; at once where nothing is waited for.
 * What a document asks is found out once, and kept with it.
 */
export function execute(args: ExecuteArgs): ExecutionResult | Promise<ExecutionResult> {
  const { schema, document, operationName, rootValue, contextValue, fieldResolver, typeResolver } = args;
  const operation = getOperationAST(document, operationName);
  const type = operation && schema.getRootType(operation.operation);
  // What cannot be executed is refused in graphql-js's words, and nobody here has resolvers for all fields.
  if (!type || fieldResolver || typeResolver) return executeByReference(args);

  assertValidSchema(schema);
  const { errors, coerced } = variablesOf(args, operation);
  if (errors) return { errors };
  const kept = keptOf(schema, document);
  const run: Run = {
    schema,
    operation,
    fragments: kept.fragments,
    rootValue,
    contextValue,
    variableValues: coerced,
    arguments: new Map(),
    errors: new Errors(),
    size: args.size ?? new Size(),
  };
  const told = (data: unknown): ExecutionResult => {
    kept.trim();
    const { met } = run.errors;
    return (met.length > 0 ? { errors: met, data } : { data }) as ExecutionResult;
  };
  const failed = (thrown: unknown): ExecutionResult => {
    run.errors.add(thrown as GraphQLError, undefined);
    return told(null);
  };
  try {
    const data = kept.compiled(operation, coerced).root(operation, type, run)(run, rootValue, undefined);
    return data instanceof Promise ? data.then(told, failed) : told(data);
  } catch (thrown) {
    return failed(thrown);
  }
}

function variablesOf(
  { schema, variableValues, options, hideSuggestions }: ExecutionArgs,
  operation: OperationDefinitionNode,
) {
  const { variableDefinitions } = operation;
  return getVariableValues(schema, variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: options?.maxCoercionErrors ?? MOST_VARIABLE_ERRORS,
    hideSuggestions: hideSuggestions ?? false,
  });
}
