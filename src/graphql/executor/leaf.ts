import {
  GraphQLBoolean,
  GraphQLID,
  type GraphQLLeafType,
  type GraphQLNonNull,
  type GraphQLOutputType,
  GraphQLString,
  getNullableType,
  isLeafType,
  isNonNullType,
} from "graphql";
import { inspect } from "graphql/jsutils/inspect.js";
import { type Asked, coordinateOf, type Run } from "./run.js";

export type LeafType = GraphQLLeafType | GraphQLNonNull<GraphQLLeafType>;

export const isLeaf = (type: GraphQLOutputType): type is LeafType => isLeafType(getNullableType(type));

/** What is told of a value of a scalar or an enum. */
export type Serialize = (value: unknown, run: Run) => unknown;

// These tell such a value as it is; about any other they are asked.
const AS_IT_IS = new Map<GraphQLLeafType, string>([
  [GraphQLString, "string"],
  [GraphQLID, "string"],
  [GraphQLBoolean, "boolean"],
]);

/** @throws Error for a value that is an error, for one that is not of the type, and for none where one has to be */
export function serializeOf(type: LeafType, asked: Asked): Serialize {
  const [leaf, isNullable] = isNonNullType(type) ? [type.ofType, false] : [type, true];
  const asItIs = AS_IT_IS.get(leaf);
  return (value, { size }) => {
    if (typeof value === asItIs) {
      if (typeof value === "string") size.addCharacters(value.length);
      return value;
    }
    if (value === null || value === undefined) {
      if (isNullable) return null;
      throw new Error(`Cannot return null for non-nullable field ${coordinateOf(asked)}.`);
    }
    if (value instanceof Error) throw value;
    const serialized = leaf.serialize(value);
    if (serialized === null || serialized === undefined)
      throw new Error(
        `Expected \`${inspect(leaf)}.serialize(${inspect(value)})\` to return non-nullable value, returned: ${inspect(serialized)}`,
      );
    size.addLeaf(serialized);
    return serialized;
  };
}
