import {
  type ASTNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionNode,
  type ValueNode,
} from "graphql";

/** An object that an answer shows: of which type, and what the type's fields are asked about. */
export interface Thing {
  readonly type: string;
  readonly about: unknown;
}

export const thing = (type: string, about: unknown): Thing => new Shown(type, about);

/** A class of its own, so that no JSON value is ever taken for one. */
class Shown implements Thing {
  constructor(
    readonly type: string,
    readonly about: unknown,
  ) {}
}

/** Why a field is null, as its error says it. */
export class Refusal extends Error {
  constructor(readonly extensions: Readonly<Record<string, unknown>>) {
    super(JSON.stringify(extensions));
  }
}

/** What is said, or why nothing is. */
export function orRefusal<T>(say: () => T): T | Refusal {
  try {
    return say();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

export type Path = readonly (string | number)[];
export type Told = Readonly<Record<string, unknown>> & { readonly path: Path };
export interface Answered {
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly Told[];
}

export type Arguments = Readonly<Record<string, unknown>>;
/** What a field of a thing says: a scalar, things, or lists of either. */
export type Say = (at: Thing, field: string, args: Arguments) => unknown;

/** Types behind each interface and union that a document can ask for. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Node: ["Organization", "User", "Membership", "Role", "Invitation", "JoinRequest", "AuditEvent", "Tenant"],
  Actor: ["User"],
};

/** A document of one operation, as plainly as it can be read. Its variables have the values that they are given by default. */
export class Reading {
  readonly operation: OperationDefinitionNode;
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #variables = new Map<string, ValueNode>();

  constructor(text: string) {
    const { definitions } = parse(text);
    for (const one of definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) this.#fragments.set(one.name.value, one);
    this.operation = definitions.find((one): one is OperationDefinitionNode => one.kind === Kind.OPERATION_DEFINITION)!;
    for (const { variable, defaultValue } of this.operation.variableDefinitions ?? [])
      this.#variables.set(variable.name.value, defaultValue!);
  }

  /** Fields that are asked of a thing of this type, by the key they answer under, in the order of the document. */
  fieldsOf(nodes: readonly { selectionSet?: { selections: readonly SelectionNode[] } }[], type: string) {
    const fields = new Map<string, FieldNode[]>();
    const walk = (selections: readonly SelectionNode[]) => {
      for (const selection of selections) {
        if (!this.#isIncluded(selection)) continue;
        if (selection.kind === Kind.FIELD) {
          const key = (selection.alias ?? selection.name).value;
          fields.set(key, [...(fields.get(key) ?? []), selection]);
          continue;
        }
        const fragment =
          selection.kind === Kind.FRAGMENT_SPREAD ? this.#fragments.get(selection.name.value)! : selection;
        const on = fragment.typeCondition?.name.value ?? type;
        if (on === type || MEMBERS[on]?.includes(type) || (on === "Failure" && type.endsWith(on)))
          walk(fragment.selectionSet.selections);
      }
    };
    for (const { selectionSet } of nodes) walk(selectionSet?.selections ?? []);
    return fields;
  }

  argumentsOf(node: FieldNode): Arguments {
    return Object.fromEntries((node.arguments ?? []).map(({ name, value }) => [name.value, this.#valueOf(value)]));
  }

  #isIncluded({ directives = [] }: SelectionNode): boolean {
    return directives.every(({ name, arguments: [condition] = [] }) => {
      const holds = this.#valueOf(condition!.value) === true;
      return name.value === "skip" ? !holds : holds;
    });
  }

  #valueOf(node: ValueNode): unknown {
    switch (node.kind) {
      case Kind.VARIABLE:
        return this.#valueOf(this.#variables.get(node.name.value)!);
      case Kind.LIST:
        return node.values.map((one) => this.#valueOf(one));
      case Kind.OBJECT:
        return Object.fromEntries(node.fields.map(({ name, value }) => [name.value, this.#valueOf(value)]));
      case Kind.INT:
        return Number(node.value);
      case Kind.NULL:
        return null;
      case Kind.STRING:
      case Kind.BOOLEAN:
      case Kind.ENUM:
        return node.value;
      default:
        throw new Error(`Nobody has said what ${(node as ASTNode).kind} means.`);
    }
  }

  /** Everything below some selections of a thing, with an error for each field that was refused. */
  tell(
    nodes: Parameters<Reading["fieldsOf"]>[0],
    at: Thing,
    say: Say,
    path: Path = [],
  ): Required<Answered> & { data: object } {
    const errors: Told[] = [];
    const complete = (value: unknown, fields: readonly FieldNode[], here: Path): unknown => {
      if (Array.isArray(value)) return value.map((one, n) => complete(one, fields, [...here, n]));
      if (value instanceof Refusal) errors.push({ path: here, ...value.extensions });
      if (value instanceof Refusal) return null;
      if (!(value instanceof Shown)) return value ?? null;
      const told = this.tell(fields, value, say, here);
      errors.push(...told.errors);
      return told.data;
    };
    const data: Record<string, unknown> = {};
    for (const [key, fields] of this.fieldsOf(nodes, at.type)) {
      const [field] = fields;
      const name = field!.name.value;
      const said = orRefusal(() => (name === "__typename" ? at.type : say(at, name, this.argumentsOf(field!))));
      data[key] = complete(said, fields, [...path, key]);
    }
    return { data, errors };
  }
}
