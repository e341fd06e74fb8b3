import {
  buildClientSchema,
  type DocumentNode,
  type GraphQLSchema,
  type IntrospectionObjectType,
  type IntrospectionQuery,
  type IntrospectionType,
  type IntrospectionTypeRef,
  introspectionFromSchema,
  Kind,
  type OperationDefinitionNode,
} from "graphql";
import { LRUCache } from "lru-cache";
import type { Scope } from "./operation.js";
import type { Root } from "./plan.js";
import type { Rule } from "./policy.js";

const SHAPES_KEPT = 50;

/**
 * The schema as far as it is of any use to a viewer: without the fields that are certain to be denied to them, and without
 * the types that only those lead to. For showing only; documents are validated against the whole.
 */
export class VisibleSchemas {
  readonly #whole: IntrospectionQuery;
  readonly #made = new LRUCache<string, GraphQLSchema>({ max: SHAPES_KEPT });

  constructor(
    schema: GraphQLSchema,
    /** Rules that can deny, by the coordinate of their field. */
    private readonly rules: ReadonlyMap<string, Rule>,
  ) {
    this.#whole = introspectionFromSchema(schema, {
      oneOf: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
    });
  }

  /** @param scope null for a caller who is not signed in, or in no tenant */
  for(scope: Scope | null): GraphQLSchema {
    const hidden = [...this.rules]
      .filter(([, rule]) => isCertainlyDenied(rule, scope))
      .map(([coordinate]) => coordinate);
    const shape = hidden.join();
    const known = this.#made.get(shape);
    if (known) return known;
    const made = buildClientSchema(trim(this.#whole, new Set(hidden)), { assumeValid: true });
    this.#made.set(shape, made);
    return made;
  }
}

function isCertainlyDenied(rule: Rule, scope: Scope | null): boolean {
  if (rule.kind === "anyone" || rule.kind === "visible") return false;
  if (scope === null) return true;
  if (rule.kind !== "may" || rule.self) return false;
  return rule.where.from === "root"
    ? !scope.access.allows(scope.root, rule.permission, rule.reach)
    : !scope.access.allowsSomewhere(rule.permission);
}

/** An introspection without some fields, and without what cannot be reached any more. */
function trim({ __schema: whole }: IntrospectionQuery, hidden: ReadonlySet<string>): IntrospectionQuery {
  const types = new Map(whole.types.map((type) => [type.name, without(type, hidden)]));
  const reached = new Set<string>();
  const reach = (name: string | undefined) => {
    const type = name === undefined ? undefined : types.get(name);
    if (!type || reached.has(type.name)) return;
    reached.add(type.name);
    for (const next of leadsTo(type)) reach(next);
  };
  const roots = {
    queryType: whole.queryType,
    mutationType: whole.mutationType,
    subscriptionType: whole.subscriptionType,
  };
  for (const root of Object.values(roots)) if (root && hasFields(types.get(root.name))) reach(root.name);
  // Of an interface's implementations, only those that something leads to are of use; `node` leads to all that have an id.
  for (const type of types.values()) {
    if (type.name.startsWith("__")) reach(type.name);
    else if (
      type.kind === "OBJECT" &&
      !isRoot(type, roots) &&
      type.interfaces.some(({ name }) => name === "Node" && reached.has(name))
    )
      reach(type.name);
  }
  for (const { args } of whole.directives) for (const arg of args) reach(named(arg.type));

  const kept = whole.types.filter(({ name }) => reached.has(name)).map(({ name }) => narrow(types.get(name)!, reached));
  const root = (one: typeof whole.mutationType) => (one && reached.has(one.name) ? one : null);
  return {
    __schema: {
      ...whole,
      types: kept,
      mutationType: root(whole.mutationType),
      subscriptionType: root(whole.subscriptionType),
    },
  };
}

type Roots = Record<string, { readonly name: string } | null | undefined>;
const isRoot = (type: IntrospectionObjectType, roots: Roots): boolean =>
  Object.values(roots).some((root) => root?.name === type.name);
const hasFields = (type: IntrospectionType | undefined): boolean => type?.kind === "OBJECT" && type.fields.length > 0;

function without(type: IntrospectionType, hidden: ReadonlySet<string>): IntrospectionType {
  if (type.kind !== "OBJECT") return type;
  return { ...type, fields: type.fields.filter(({ name }) => !hidden.has(`${type.name}.${name}`)) };
}

function leadsTo(type: IntrospectionType): (string | undefined)[] {
  switch (type.kind) {
    case "OBJECT":
    case "INTERFACE":
      return [
        ...type.fields.flatMap((field) => [named(field.type), ...field.args.map((arg) => named(arg.type))]),
        ...type.interfaces.map(({ name }) => name),
      ];
    case "UNION":
      return type.possibleTypes.map(({ name }) => name);
    case "INPUT_OBJECT":
      return type.inputFields.map((field) => named(field.type));
    default:
      return [];
  }
}

/** Lists of implementations must not name what was left out. */
function narrow(type: IntrospectionType, reached: ReadonlySet<string>): IntrospectionType {
  if (type.kind !== "INTERFACE" && type.kind !== "UNION") return type;
  return { ...type, possibleTypes: type.possibleTypes.filter(({ name }) => reached.has(name)) };
}

function named(type: IntrospectionTypeRef): string | undefined {
  let at = type;
  while (at.kind === "NON_NULL" || at.kind === "LIST") at = at.ofType as IntrospectionTypeRef;
  return "name" in at ? at.name : undefined;
}

/** The same document with other root fields: to answer some of an operation apart from the rest. */
export function withRoots(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  roots: readonly Root[],
): DocumentNode {
  const selections = { ...operation.selectionSet, selections: roots.map(({ node }) => node) };
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return { ...document, definitions: [{ ...operation, selectionSet: selections }, ...fragments] };
}
