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
import { LRUCache } from "lru-cache";
import { refusal } from "./errors.js";
import { admitDocument, checkVariables, type DocumentLimits } from "./limits.js";

/** A document that may be validated, or why it may not. */
type Admitted = { readonly document: DocumentNode } | { readonly refused: GraphQLError };

// Texts are kept with their trees, which take some fifty times as much.
const CACHED_CHARACTERS = 2_000_000;

/** Refuses hostile documents before they cost anything, and parses and validates each text once. */
export function admission(limits: DocumentLimits) {
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
      const operation = getOperationAST(document, params.operationName);
      if (!operation) throw refusal("BAD_USER_INPUT", whichIsMeant(document), 400);
      refuseLink(operation, request.method);
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
  } satisfies Plugin;
}

function admit(text: string, limits: DocumentLimits): Admitted {
  try {
    return { document: admitDocument(text, limits) };
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { refused: error.extensions.code ? error : coded(error, "GRAPHQL_PARSE_FAILED") };
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
