import type { GeneratorValue } from "fast-check";
import fc from "fast-check";
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
} from "graphql";
import { type Choice, call } from "./documents.js";

/** What a random document may say, by the kind of value; each of them is said as often as it stands in its list. */
export interface Words {
  readonly ids: readonly string[];
  readonly uuids: readonly string[];
  /** For arguments that look something up. */
  readonly names: readonly string[];
  readonly cursors: readonly string[];
  readonly permissions: readonly string[];
  /** For what a change writes down. */
  readonly texts: readonly string[];
}

const MOST_FIELDS = 4;
const OFTEN = 3;

/** A valid document of the schema: any fields, with any arguments, so many fields deep. */
export function randomDocument(schema: GraphQLSchema, words: Words, depth: number, g: GeneratorValue): string {
  const one = <T>(of: readonly T[]): T => of[g(fc.nat, { max: of.length - 1 })]!;
  const isMutation = g(fc.nat, { max: 9 }) < 2;
  const choice: Choice = {
    one,
    has: () => g(fc.nat, { max: OFTEN }) === 0,
    scalar: (type, name) => {
      if (type === "ID") return one(words.ids);
      if (type === "UUID") return one(words.uuids);
      if (type === "Int") return one([1, 2, 5, 20, 100, 0, -1, 101]);
      if (type === "Boolean") return one([true, false]);
      if (type === "DateTime") return one(["2026-01-01T00:00:00Z", "2126-01-01T00:00:00.000Z"]);
      if (type === "URL") return "https://example.test/x.png";
      if (/^(after|before)$/.test(name)) return one(words.cursors);
      if (/permission/i.test(name)) return one(words.permissions);
      return one(isMutation ? words.texts : words.names);
    },
  };

  let aliases = 0;
  const fieldOf = (field: GraphQLField<unknown, unknown>, left: number): string =>
    `f${aliases++}: ${call(field, choice)} ${below(getNamedType(field.type), left - 1)}`;
  const below = (type: GraphQLNamedType, left: number): string => {
    if (isLeafType(type)) return "";
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type);
      const some = [one(members), one(members)];
      return `{ __typename ${some.map((member) => `... on ${member.name} ${below(member, left)}`).join(" ")} }`;
    }
    if (!isObjectType(type)) throw new Error(`${type.name} cannot be selected from.`);
    const fields = Object.values(type.getFields()).filter((field) => left > 0 || isLeafType(getNamedType(field.type)));
    if (fields.length === 0) return "{ __typename }";
    const count = 1 + g(fc.nat, { max: MOST_FIELDS - 1 });
    return `{ ${Array.from({ length: count }, () => fieldOf(one(fields), left)).join(" ")} }`;
  };
  const root = isMutation ? schema.getMutationType()! : schema.getQueryType()!;
  return `${isMutation ? "mutation" : "query"} ${below(root, depth)}`;
}
