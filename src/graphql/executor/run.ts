import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isNonNullType,
  locatedError,
  type OperationDefinitionNode,
  responsePathAsArray,
} from "graphql";
import { isTooLarge, type Size } from "./size.js";

export type Path = GraphQLResolveInfo["path"];

/** What one execution of an operation is given, and the errors that it has met. */
export interface Run {
  readonly schema: GraphQLSchema;
  readonly operation: OperationDefinitionNode;
  readonly fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly rootValue: unknown;
  readonly contextValue: unknown;
  readonly variableValues: Readonly<Record<string, unknown>>;
  /** Of fields whose arguments have variables, once they were taken. */
  readonly arguments: Map<Asked, Readonly<Record<string, unknown>>>;
  readonly errors: Errors;
  readonly size: Size;
}

/** A field of a type, as a document asks for it: all that is the same whenever it is executed. */
export interface Asked {
  readonly key: string;
  readonly parent: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  /** Everything that asks for it under its key; the first says with what arguments. */
  readonly nodes: readonly FieldNode[];
}

/** `Organization.name` */
export const coordinateOf = ({ parent, field }: Asked): string => `${parent.name}.${field.name}`;

/** Whether something is waited for; as graphql-js has it, anything with a `then`. */
export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  value !== null &&
  (typeof value === "object" || typeof value === "function") &&
  typeof (value as { then?: unknown }).then === "function";

/** The errors of an execution, without those from below something that has become null since. */
export class Errors {
  readonly #all: GraphQLError[] = [];
  readonly #nulled = new Set<Path | undefined>();

  get met(): readonly GraphQLError[] {
    return this.#all;
  }

  add(error: GraphQLError, path: Path | undefined): void {
    for (let at = path; at !== undefined; at = at.prev) if (this.#nulled.has(at)) return;
    if (this.#nulled.has(undefined)) return;
    this.#nulled.add(path);
    this.#all.push(error);
  }

  /** Forgets those of a root field: of what is not answered at all nobody is told what would be missing. */
  forget(root: string | number): void {
    const kept = this.#all.filter(({ path }) => path?.[0] !== root);
    this.#all.splice(0, this.#all.length, ...kept);
  }
}

/**
 * Ends a field, or an item of its list, with what was thrown in it.
 * @returns null where it may be null
 * @throws GraphQLError, located, where it may not, and below a root field where the answer is too large: then what is around
 *   it ends
 */
export function fail(thrown: unknown, run: Run, { nodes }: Asked, type: GraphQLOutputType, path: Path): null {
  // Thousands that are still waited for may end by it, each below many others: it is told once, of the root field.
  if (path.prev !== undefined) {
    if (isTooLarge(thrown)) throw thrown;
    // Also of what fails because the session ended when the root field did.
    run.size.check();
  }
  const error = locatedError(thrown, nodes, responsePathAsArray(path));
  if (isNonNullType(type)) throw error;
  if (isTooLarge(error)) run.errors.forget(path.key);
  else if (path.prev !== undefined) run.size.addError();
  run.errors.add(error, path);
  return null;
}
