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
  lexicographicSortSchema,
  type OperationDefinitionNode,
  printSchema,
  typeFromAST,
} from "graphql";
import { LRUCache } from "lru-cache";
import type { Scope } from "./operation.js";
import type { Root } from "./plan.js";
import type { Rule } from "./policy.js";

/** Memory for the schemas that are kept, at most, and what one takes for each character of its introspection; measured. */
const KEPT_BYTES = 16_000_000;
const BYTES_PER_CHARACTER = 3;

/** A schema that is shown to somebody, and its text. */
export class ShownSchema {
  #text: string | null = null;

  constructor(readonly schema: GraphQLSchema) {}

  /** In the schema definition language, in the order of names. */
  get text(): string {
    this.#text ??= `${printSchema(lexicographicSortSchema(this.schema))}\n`;
    return this.#text;
  }
}

/**
 * The schema as far as it is of any use to a viewer: without the fields that are certain to be denied to them, and without
 * the types that only those lead to. For showing only; documents are validated against the whole.
 */
export class VisibleSchemas {
  readonly #whole: IntrospectionQuery;
  readonly #rules: readonly (readonly [coordinate: string, rule: Rule])[];
  readonly #made: LRUCache<string, ShownSchema>;

  /**
   * @param rules those that can deny, by the coordinate of their field
   * @param keptBytes memory for what is made, in which the least used makes room
   * @param closed fields that this installation offers nobody
   */
  constructor(
    schema: GraphQLSchema,
    rules: ReadonlyMap<string, Rule>,
    keptBytes = KEPT_BYTES,
    private readonly closed: readonly string[] = [],
  ) {
    this.#whole = introspectionFromSchema(schema, {
      oneOf: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      inputValueDeprecation: true,
    });
    this.#rules = [...rules];
    this.#made = new LRUCache({ maxSize: keptBytes });
  }

  /** How many are kept. */
  get kept(): number {
    return this.#made.size;
  }

  /** @param scope null for a caller who is not signed in, or in no tenant */
  for(scope: Scope | null): ShownSchema {
    const denied = this.#rules.map(([field, rule]) => this.closed.includes(field) || isCertainlyDenied(rule, scope));
    // A digit for each rule: whoever is denied the same is shown the same.
    const shape = denied.map(Number).join("");
    const known = this.#made.get(shape);
    if (known) return known;
    const hidden = this.#rules.filter((_, n) => denied[n]).map(([coordinate]) => coordinate);
    const trimmed = trim(this.#whole, new Set(hidden));
    const made = new ShownSchema(buildClientSchema(trimmed, { assumeValid: true }));
    this.#made.set(shape, made, { size: JSON.stringify(trimmed).length * BYTES_PER_CHARACTER });
    return made;
  }
}

function isCertainlyDenied(rule: Rule, scope: Scope | null): boolean {
  // Who has a token may be in no tenant, and looks like who has none.
  if (rule.kind === "anyone" || rule.kind === "visible" || rule.kind === "identified") return false;
  if (scope === null) return true;
  if (rule.kind !== "may" || rule.self) return false;
  if (rule.also && isCertainlyDenied(rule.also, scope)) return true;
  const { access, root } = scope;
  const needed: readonly string[] = rule.besides ? [rule.permission, rule.besides] : [rule.permission];
  return rule.where.from === "root"
    ? !needed.every((permission) => access.allows(root, permission, rule.reach))
    : !access.allowsSomewhere(needed, rule.reach);
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

/**
 * The same document with other root fields: to answer some of an operation apart from the rest. Variables of types that the
 * schema does not have are of no use to any of them there.
 */
export function withRoots(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  roots: readonly Root[],
  schema: GraphQLSchema,
): DocumentNode {
  const variableDefinitions = operation.variableDefinitions?.filter(({ type }) => typeFromAST(schema, type));
  const selections = { ...operation.selectionSet, selections: roots.map(({ node }) => node) };
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return { ...document, definitions: [{ ...operation, variableDefinitions, selectionSet: selections }, ...fragments] };
}
