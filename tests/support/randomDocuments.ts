import type { GeneratorValue } from "fast-check";
import fc from "fast-check";
import {
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInterfaceType,
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
  return documentOf(schema, isMutation ? "mutation" : "query", choice, depth, g);
}

/**
 * A valid document of one kind, with everything that a document can be made of: aliases and fields asked twice, fragments with
 * and without a name, on interfaces and on unions, and directives that leave out and let in, by literals and by variables.
 * @param most how many fields at the root, at most
 */
export function documentOf(
  schema: GraphQLSchema,
  kind: "query" | "mutation",
  choice: Choice,
  depth: number,
  g: GeneratorValue,
  most = MOST_FIELDS,
): string {
  const oneIn = (times: number): boolean => g(fc.nat, { max: times - 1 }) === 0;
  const fragments: { readonly on: string; readonly name: string; readonly text: string }[] = [];
  const mergeable = sameEverywhere(schema);
  let aliases = 0;

  const directive = (): string =>
    oneIn(8) ? choice.one(["@skip(if: false)", "@include(if: $yes)", "@skip(if: $yes)", "@include(if: $no)"]) : "";
  const fieldOf = (field: GraphQLField<unknown, unknown>, left: number): string => {
    const alias = mergeable.has(field.name) && oneIn(3) ? "" : `f${aliases++}: `;
    return `${alias}${call(field, choice)} ${directive()} ${below(getNamedType(field.type), left - 1)}`;
  };
  /** The same selections, behind a fragment of one kind or another. */
  const wrapped = (on: string, selections: string): string => {
    if (oneIn(6)) return `... on ${on} ${directive()} { ${selections} }`;
    if (oneIn(6)) return `... ${directive()} { ${selections} }`;
    if (!oneIn(6)) return selections;
    const name = `Fragment${fragments.length}`;
    fragments.push({ on, name, text: `fragment ${name} on ${on} { ${selections} }` });
    return `...${name} ${directive()}`;
  };
  const behindInterface = (type: GraphQLNamedType): string => {
    const members = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : [];
    const all = members.flatMap((member) => member.getInterfaces());
    if (all.length === 0 || !oneIn(4)) return "";
    const on = choice.one(all);
    return `... on ${on.name} { ${Object.keys(on.getFields()).join(" ")} }`;
  };
  const below = (type: GraphQLNamedType, left: number): string => {
    if (isLeafType(type)) return "";
    if (isAbstractType(type)) {
      const members = schema.getPossibleTypes(type);
      const some = [choice.one(members), choice.one(members)];
      const own = isInterfaceType(type) && oneIn(3) ? Object.keys(type.getFields()).join(" ") : "";
      return `{ __typename ${own} ${behindInterface(type)} ${some.map((member) => `... on ${member.name} ${below(member, left)}`).join(" ")} }`;
    }
    return `{ ${selectionsOf(type, left, 1 + g(fc.nat, { max: MOST_FIELDS - 1 }))} }`;
  };
  const selectionsOf = (type: GraphQLNamedType, left: number, count: number): string => {
    if (!isObjectType(type)) throw new Error(`${type.name} cannot be selected from.`);
    const fields = Object.values(type.getFields()).filter((field) => left > 0 || isLeafType(getNamedType(field.type)));
    if (fields.length === 0) return "__typename";
    const known = fragments.filter(({ on }) => on === type.name);
    const again = known.length > 0 && oneIn(6) ? `...${choice.one(known).name}` : "";
    const selections = Array.from({ length: count }, () => fieldOf(choice.one(fields), left)).join(" ");
    return `${again} ${behindInterface(type)} ${wrapped(type.name, selections)}`;
  };

  const root = kind === "mutation" ? schema.getMutationType()! : schema.getQueryType()!;
  const body = selectionsOf(root, depth, 1 + g(fc.nat, { max: most - 1 }));
  const text = [`{ ${body} }`, ...fragments.map((fragment) => fragment.text)].join("\n");
  const variables = [
    ["$yes", "true"],
    ["$no", "false"],
  ].filter(([name]) => text.includes(`${name})`));
  const declared = variables.map(([name, value]) => `${name}: Boolean = ${value}`).join(", ");
  return `${kind} ${declared && `(${declared})`} ${text}`;
}

/** Names that every type means the same by: two fields of such a name can be merged wherever they meet. */
function sameEverywhere(schema: GraphQLSchema): Set<string> {
  const types = new Map<string, Set<string>>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const { name, args, type: answer } of Object.values(type.getFields()))
      types.set(name, new Set([...(types.get(name) ?? []), args.length > 0 ? type.name : "", String(answer)]));
  }
  return new Set([...types].filter(([, answers]) => answers.size === 2 && answers.has("")).map(([name]) => name));
}
