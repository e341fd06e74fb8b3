import {
  type DocumentNode,
  GraphQLError,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** Root fields that are about the token alone, or about the schema: they need no tenant. */
const WITHOUT_TENANT = new Set(["identity", "__typename", "__schema", "__type"]);

export interface Needs {
  readonly operation: OperationDefinitionNode["operation"];
  /** Whether any root field reads in a tenant. */
  readonly tenant: boolean;
  /** Whether the person's tenants are asked for, each of which takes a session of its own. */
  readonly choices: boolean;
}

const known = new WeakMap<DocumentNode, Map<string, Needs>>();

/** What an operation of a valid document needs before it can run. Fields behind `@skip` and `@include` count. */
export function needsOf(document: DocumentNode, operationName?: string | null): Needs {
  const remembered = known.get(document) ?? new Map<string, Needs>();
  known.set(document, remembered);
  let needs = remembered.get(operationName ?? "");
  if (!needs) {
    const operation = getOperationAST(document, operationName);
    if (!operation) throw new GraphQLError("Name the operation to run in `operationName`.");
    const roots = rootFields(document, operation.selectionSet);
    needs = {
      operation: operation.operation,
      tenant: [...roots].some((name) => !WITHOUT_TENANT.has(name)),
      choices: roots.has("identity"),
    };
    remembered.set(operationName ?? "", needs);
  }
  return needs;
}

function rootFields(
  document: DocumentNode,
  selections: SelectionSetNode,
  names = new Set<string>(),
  seen = new Set<string>(),
): Set<string> {
  for (const selection of selections.selections) {
    if (selection.kind === Kind.FIELD) names.add(selection.name.value);
    else if (selection.kind === Kind.INLINE_FRAGMENT) rootFields(document, selection.selectionSet, names, seen);
    else if (!seen.has(selection.name.value)) {
      seen.add(selection.name.value);
      for (const definition of document.definitions) {
        if (definition.kind === Kind.FRAGMENT_DEFINITION && definition.name.value === selection.name.value) {
          rootFields(document, definition.selectionSet, names, seen);
        }
      }
    }
  }
  return names;
}
