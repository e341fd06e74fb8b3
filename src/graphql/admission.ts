import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  validate,
} from "graphql";
import type { Plugin } from "graphql-yoga";
import { Documents } from "./documents.js";
import { refusal } from "./errors.js";
import { checkVariables, type DocumentLimits } from "./limits.js";

/**
 * Refuses hostile documents before they cost anything, and parses and validates each text once that is asked again.
 * @param documents where they are kept, and counted
 */
export function admission(limits: DocumentLimits, documents = new Documents(limits)) {
  const valid = new WeakSet<DocumentNode>();

  return {
    // Not while parsing: what is thrown there is given another status, which clients may take for a success.
    onParams({ params, request }) {
      const document = admit(documents, params.query!);
      try {
        const operation = getOperationAST(document, params.operationName);
        if (!operation) throw refusal("BAD_USER_INPUT", whichIsMeant(document), 400);
        refuseLink(operation, request.method);
        checkVariables(params.variables, limits);
      } catch (error) {
        // Nobody will look whether it is valid; one that is known to be stays, whatever others send with it.
        if (!valid.has(document)) documents.forget(document);
        throw error;
      }
    },
    onParse({ params, setParseFn }) {
      setParseFn(() => admit(documents, String(params.source)));
    },
    onValidate({ params, setResult }) {
      const { documentAST, schema } = params;
      if (valid.has(documentAST)) return setResult([]);
      const found = [
        ...withoutRoot(schema, documentAST),
        ...validate(schema, documentAST, undefined, { hideSuggestions: true }),
      ];
      if (found.length === 0) valid.add(documentAST);
      else documents.forget(documentAST);
      setResult(found.map((problem) => coded(problem, "GRAPHQL_VALIDATION_FAILED")) as never);
    },
  } satisfies Plugin;
}

/** @throws GraphQLError with a code, for one that may not be validated */
function admit(documents: Documents, text: string): DocumentNode {
  try {
    return documents.of(text);
  } catch (error) {
    throw error instanceof GraphQLError && !error.extensions.code ? coded(error, "GRAPHQL_PARSE_FAILED") : error;
  }
}

/** @throws GraphQLError for a change that a mere link could make */
function refuseLink({ operation }: OperationDefinitionNode, method: string): void {
  if (operation === "mutation" && method === "GET")
    throw refusal("METHOD_NOT_ALLOWED", "Send a mutation with POST.", 405, { headers: { allow: "POST" } });
}

/** What would be right where no operation is meant. */
function whichIsMeant({ definitions }: DocumentNode): string {
  const operations = definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  if (operations.length === 0) return "The document holds no operation: add a query or a mutation.";
  const names = operations.flatMap(({ name }) => name?.value ?? []).join(", ");
  if (!names)
    return operations.length === 1
      ? "Leave out `operationName`: the operation of the document has no name."
      : "Give each operation of the document a name, and say in `operationName` which is meant.";
  return `Say in \`operationName\` which operation of the document is meant: ${names}.`;
}

/** Operations of a kind that the schema has not: graphql-js finds them when it runs them. */
const withoutRoot = (schema: GraphQLSchema, document: DocumentNode): GraphQLError[] =>
  document.definitions.flatMap((node) =>
    node.kind === Kind.OPERATION_DEFINITION && !schema.getRootType(node.operation)
      ? [new GraphQLError(`There is no ${node.operation} to ask for here.`, { nodes: node })]
      : [],
  );

// What is refused is repeated in the words of the refusal.
const MOST_WORDS = 1000;

/** Status 400, or 200 for clients that take `application/json` for an answer, as GraphQL over HTTP has it. */
export function coded(error: GraphQLError, code: string): GraphQLError {
  const { message } = error;
  return new GraphQLError(message.length > MOST_WORDS ? `${message.slice(0, MOST_WORDS)} …` : message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions: { code, http: { status: 400, spec: true } },
  });
}
