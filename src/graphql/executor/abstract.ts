import {
  defaultTypeResolver,
  type GraphQLAbstractType,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
} from "graphql";
import { inspect } from "graphql/jsutils/inspect.js";
import type { Info } from "./info.js";
import { type Asked, coordinateOf, type Run } from "./run.js";

/** Asks an interface or a union for the name of the type that something is of. */
export const askTypeOf =
  (type: GraphQLAbstractType) =>
  (value: unknown, { contextValue }: Run, info: Info): unknown =>
    (type.resolveType ?? defaultTypeResolver)(value, contextValue, info, type);

/**
 * The object type that something of an interface or a union was said to be.
 * @throws GraphQLError for what is not the name of a type that it can be
 */
export function typeNamed(
  name: unknown,
  abstract: GraphQLAbstractType,
  schema: GraphQLSchema,
  asked: Asked,
  value: unknown,
): GraphQLObjectType {
  const nodes = asked.nodes;
  const must = `Abstract type "${abstract.name}" must resolve to an Object type at runtime for field "${coordinateOf(asked)}"`;
  if (name === null || name === undefined)
    throw new GraphQLError(
      `${must}. Either the "${abstract.name}" type should provide a "resolveType" function or each possible type should provide an "isTypeOf" function.`,
      { nodes },
    );
  if (isObjectType(name))
    throw new GraphQLError(
      "Support for returning GraphQLObjectType from resolveType was removed in graphql-js@16.0.0 please return type name instead.",
    );
  if (typeof name !== "string")
    throw new GraphQLError(`${must} with value ${inspect(value)}, received "${inspect(name)}".`);
  const type = schema.getType(name);
  if (!type)
    throw new GraphQLError(
      `Abstract type "${abstract.name}" was resolved to a type "${name}" that does not exist inside the schema.`,
      { nodes },
    );
  if (!isObjectType(type))
    throw new GraphQLError(`Abstract type "${abstract.name}" was resolved to a non-object type "${name}".`, { nodes });
  if (!schema.isSubType(abstract, type))
    throw new GraphQLError(`Runtime Object type "${type.name}" is not a possible type for "${abstract.name}".`, {
      nodes,
    });
  return type;
}
