import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import type { Fields } from "./columns.js";
import { BadInputError } from "./errors.js";
import { type Guard, guardOf } from "./guard.js";
import { refuseLength } from "./page.js";

/** What `@include` and `@skip` on the way to something ask of the variables. All must hold. */
type Conditions = readonly { readonly variable: string; readonly is: boolean }[];

/** A field as an operation asks for it. */
export interface Asked {
  /** Response keys from the root down; lists add nothing. */
  readonly path: readonly string[];
  readonly node: FieldNode;
  /** Names of the object types that it is asked of. */
  readonly on: ReadonlySet<string>;
  /** What stands in front of it, by the name of the type, on those that have a rule for it. */
  readonly guards: ReadonlyMap<string, Guard>;
  readonly when: Conditions;
}

/** A field where the operation begins. */
export interface Root extends Asked {
  readonly key: string;
  /** Undefined for those about the schema. */
  readonly field: GraphQLField<unknown, unknown> | undefined;
}

/** The length of a page, as the document writes it. */
export interface Length {
  readonly field: "first" | "last";
  readonly value: ArgumentNode["value"];
  readonly when: Conditions;
}

/** What an operation asks for that has to be known before it runs, found through fragments and behind abstract types. */
export interface Plan {
  readonly operation: OperationDefinitionNode;
  /** In the order they run. */
  readonly roots: readonly Root[];
  /** What is asked of the answers of the roots, right below them. */
  readonly below: readonly Asked[];
  /** Every field with a rule, wherever it is; the roots too. */
  readonly guarded: readonly Asked[];
  readonly lengths: readonly Length[];
  readonly fields: Fields;
  /**
   * How it went before: the most statements that a session of it was sent, 0 before the first; and whether the answer of a change never asked
   * for more than was sent ahead. By its number it is told from all others.
   */
  readonly before: { readonly nth: number; statements: number; isAhead: boolean };
}

export type Variables = Readonly<Record<string, unknown>>;

/**
 * The plan without what the variables leave out.
 * @throws BadInputError when a variable that decides about it is null
 */
export function withVariables(plan: Plan, variables: Variables): Plan {
  const isIncluded = ({ when }: { when: Conditions }) =>
    when.every(({ variable, is }) => {
      const value = variables[variable];
      if (typeof value === "boolean") return value === is;
      throw new BadInputError(`\`$${variable}\` decides what is included, and must be true or false.`);
    });
  return {
    operation: plan.operation,
    roots: plan.roots.filter(isIncluded),
    below: plan.below.filter(isIncluded),
    guarded: plan.guarded.filter(isIncluded),
    lengths: plan.lengths.filter(isIncluded),
    fields: plan.fields,
    before: plan.before,
  };
}

/**
 * Judges the lengths of all pages that an operation asks for, before anything is read for any of them.
 * @throws BadInputError for a page that the list itself would refuse by its length
 */
export function checkLengths({ lengths }: Plan, variables: Variables): void {
  for (const { field, value } of lengths) {
    const length = value.kind === Kind.VARIABLE ? variables[value.name.value] : value.kind === Kind.INT && value.value;
    if (typeof length === "string" || typeof length === "number") refuseLength(field, Number(length));
  }
}

/** The plan of an operation of a valid document, made anew. */
export const makePlan = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  before: Plan["before"],
): Plan => new Planner(schema, document).plan(operation, before);

/** Takes as many steps as the operation has selections, fragments expanded, which the limits of documents bound. */
class Planner {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #roots: Root[] = [];
  readonly #below: Asked[] = [];
  readonly #guarded: Asked[] = [];
  readonly #lengths: Length[] = [];
  readonly #fields = new Map<string, Set<string>>();

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
  ) {
    for (const node of document.definitions)
      if (node.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(node.name.value, node);
  }

  plan(operation: OperationDefinitionNode, before: Plan["before"]): Plan {
    this.#walk(operation.selectionSet, [this.schema.getRootType(operation.operation)!], [], []);
    const [roots, below, guarded, lengths] = [this.#roots, this.#below, this.#guarded, this.#lengths];
    return { operation, roots, below, guarded, lengths, fields: this.#fields, before };
  }

  #walk(set: SelectionSetNode, types: readonly GraphQLObjectType[], path: readonly string[], above: Conditions): void {
    for (const selection of set.selections) {
      const when = conditionsOf(selection, above);
      if (when === null) continue;
      if (selection.kind === Kind.FIELD) this.#take(selection, types, path, when);
      else {
        const fragment =
          selection.kind === Kind.INLINE_FRAGMENT ? selection : this.#fragments.get(selection.name.value)!;
        this.#walk(fragment.selectionSet, this.#narrow(types, fragment.typeCondition?.name.value), path, when);
      }
    }
  }

  #take(node: FieldNode, types: readonly GraphQLObjectType[], above: readonly string[], when: Conditions): void {
    const name = node.name.value;
    const key = (node.alias ?? node.name).value;
    const path = [...above, key];
    const fields = types.flatMap((type) => {
      const field = type.getFields()[name];
      return field ? [{ type, field, guard: guardOf(field) }] : [];
    });
    for (const { type } of fields) this.#note(type.name, name);
    const guards = new Map(fields.flatMap(({ type, guard }) => (guard ? [[type.name, guard] as const] : [])));
    const asked = { path, node, on: new Set(types.map((type) => type.name)), guards, when };
    if (path.length === 1) this.#roots.push({ ...asked, key, field: fields[0]?.field });
    if (path.length === 2) this.#below.push(asked);
    if (guards.size > 0) this.#guarded.push(asked);
    for (const { name: argument, value } of node.arguments ?? [])
      if (argument.value === "first" || argument.value === "last")
        this.#lengths.push({ field: argument.value, value, when });
    if (!node.selectionSet) return;
    const next = new Set(fields.flatMap(({ field }) => this.#possible(getNamedType(field.type).name)));
    this.#walk(node.selectionSet, [...next], path, when);
  }

  #note(type: string, field: string): void {
    const known = this.#fields.get(type);
    if (known) known.add(field);
    else this.#fields.set(type, new Set([field]));
  }

  #narrow(types: readonly GraphQLObjectType[], condition: string | undefined): readonly GraphQLObjectType[] {
    if (condition === undefined) return types;
    const possible = this.#possible(condition);
    return types.filter((type) => possible.includes(type));
  }

  /** The object types that something of a type can be. */
  #possible(name: string): readonly GraphQLObjectType[] {
    const type = this.schema.getType(name);
    if (isAbstractType(type)) return this.schema.getPossibleTypes(type);
    return isObjectType(type) ? [type] : [];
  }
}

const DIRECTIVES = new Map([
  [GraphQLIncludeDirective.name, true],
  [GraphQLSkipDirective.name, false],
]);

/** Null for what is never included. */
function conditionsOf({ directives = [] }: SelectionNode, above: Conditions): Conditions | null {
  let when = above;
  for (const directive of directives) {
    const is = DIRECTIVES.get(directive.name.value);
    const value = directive.arguments?.find(({ name }) => name.value === "if")?.value;
    if (is === undefined || !value) continue;
    if (value.kind === Kind.VARIABLE) when = [...when, { variable: value.name.value, is }];
    else if (value.kind === Kind.BOOLEAN && value.value !== is) return null;
  }
  return when;
}
