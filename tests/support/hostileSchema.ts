import {
  buildSchema,
  GraphQLError,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  isAbstractType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
} from "graphql";
import { seeded } from "./random.js";

const SDL = `
  type Query { ${"FIELDS"} }
  type Mutation { ${"FIELDS"} }
  interface Node { id: ID!, rank: Int }
  interface Named implements Node { id: ID!, rank: Int, name: String! }
  type Shop implements Node & Named { id: ID!, rank: Int, name: String!, next: Node, all(first: Int = 2, like: Like): [Node!], kind: Kind, open: Boolean!, any: Any, grid: [[Int!]]! }
  type Person implements Node & Named { id: ID!, rank: Int, name: String!, next: Node, shop: Shop!, shops(first: Int = 2): [Shop]!, rate: Float, more: JSON }
  type Robot implements Node { id: ID!, rank: Int, next: Named!, any: [Any!], kinds: [Kind!]!, old: Robot! }
  union Any = Shop | Robot
  enum Kind { RED GREEN }
  scalar JSON
  input Like { name: String!, kinds: [Kind!] = [RED], or: [Like!], more: JSON }
`.replaceAll(
  "FIELDS",
  "node(id: ID!): Node, must: Named!, some(like: Like!, of: [Int] = [1, 2]): [Any!]!, shop: Shop, robots: [[Robot!]!], text(a: Int, b: String = null): String, count: Int!",
);

/** No text: errors show what has one. */
export const HEARD = Symbol("heard");

/** The context of an execution: what decides about everything that resolvers do, and what they were called with. */
export interface Whims {
  readonly seed: number;
  /** One of so many things goes wrong. */
  readonly wrongs: number;
  /** One of so many answers is waited for; none where it is 0. */
  readonly waits: number;
  /** Whether somebody hears of each item of a list that fails, also where who was given the list does not. */
  readonly [HEARD]?: boolean;
  readonly calls: string[];
}

type Draw = (most: number) => number;

/** The same for the same place of the same seed, whoever executes. */
function drawAt({ seed }: Whims, place: string): Draw {
  let mixed = seed;
  for (let n = 0; n < place.length; n++) mixed = Math.imul(mixed ^ place.charCodeAt(n), 0x01000193);
  const draw = seeded(mixed);
  return (most) => Math.floor(draw() * most);
}

const placeOf = (path: GraphQLResolveInfo["path"] | undefined): string =>
  path ? `${placeOf(path.prev)}/${path.key}` : "";

class Thing {
  constructor(
    readonly __typename: unknown,
    readonly place: string,
    readonly whims: Whims,
  ) {}

  // Fields that no resolver stands for: a property, a method, and one that throws.
  get name(): unknown {
    const draw = drawAt(this.whims, `${this.place}/name`);
    if (draw(this.whims.wrongs) === 0) throw new Error(`No name at ${this.place}.`);
    return ["Ada", null, 7, Promise.resolve("later"), new Error("as a value")][draw(this.whims.wrongs)] ?? "Bob";
  }

  open(args: unknown, whims: Whims, info: GraphQLResolveInfo): unknown {
    whims.calls.push(`method ${told(info)} ${JSON.stringify(args)}`);
    return true;
  }
}

/** What a resolver is told of where it is, as text. */
const told = (info: GraphQLResolveInfo): string =>
  [
    info.path.typename,
    placeOf(info.path),
    `${info.parentType}.${info.fieldName}: ${info.returnType}`,
    info.fieldNodes.map(({ loc }) => loc?.start).join("+"),
    info.operation.operation,
    Object.keys(info.fragments).join("+"),
    JSON.stringify(info.variableValues),
    JSON.stringify(info.rootValue),
    info.schema.getQueryType()?.name,
  ].join(" ");

function thrownBy(draw: Draw, place: string): unknown {
  const extensions = { code: "SAID" };
  return [
    new Error(`Wrong at ${place}.`),
    new GraphQLError(`Told at ${place}.`, { extensions }),
    new GraphQLError("Of elsewhere.", { path: ["else", 1] }),
    `text ${place}`,
    null,
    { message: "No error." },
  ][draw(6)];
}

/** Anything that a resolver could answer for a type. */
function anyOf(type: GraphQLOutputType, place: string, whims: Whims, schema: GraphQLSchema): unknown {
  const draw = drawAt(whims, place);
  const isWrong = draw(whims.wrongs) === 0;
  const value = (): unknown => {
    if (!isWrong) return rightOf(type, place, whims, schema, draw);
    const wrong = draw(7);
    if (wrong === 0) return null;
    if (wrong === 1) return undefined;
    if (wrong === 2) return new Error(`Answered at ${place}.`);
    if (wrong === 3) return { not: "of the type" };
    if (wrong === 4) return Number.NaN;
    throw thrownBy(draw, place);
  };
  if (whims.waits === 0 || draw(whims.waits) > 0) return value();
  const ticks = draw(4);
  return (async () => {
    for (let tick = 0; tick < ticks; tick++) await null;
    return value();
  })();
}

function rightOf(type: GraphQLOutputType, place: string, whims: Whims, schema: GraphQLSchema, draw: Draw): unknown {
  if (isNonNullType(type)) return rightOf(type.ofType, place, whims, schema, draw);
  if (isListType(type)) {
    const items = () => Array.from({ length: draw(3) }, (_, n) => anyItem(type.ofType, `${place}/${n}`, whims, schema));
    const made = items();
    const lists = [made, made, made, new Set(made), endless(made, draw(whims.wrongs) === 0), "no list"];
    const list = lists[draw(5 + Number(draw(whims.wrongs) === 0))];
    // Whoever is given a list has all its items; of one that gives them in turn, those that it gave.
    if (whims[HEARD] || !(Array.isArray(list) || list instanceof Set)) hearAll(made);
    return list;
  }
  if (isLeafType(type)) return type.name === "Kind" ? ["RED", "GREEN"][draw(2)] : leafOf(type.name, draw);
  const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
  const name = possible[draw(possible.length)]!.name;
  const isOdd = isAbstractType(type) && draw(whims.wrongs) === 0;
  return new Thing(
    isOdd ? ["Nothing", "Kind", "Query", undefined, 7, schema.getType(name)][draw(6)] : name,
    place,
    whims,
  );
}

/** Lets no failure of these, or in these, be anybody's. */
function hearAll(value: unknown): void {
  if (value instanceof Promise) value.then(hearAll, () => {});
  else if (Array.isArray(value) || value instanceof Set) for (const item of value) hearAll(item);
}

/** An item: what would be thrown for it is a promise that fails. */
function anyItem(type: GraphQLOutputType, place: string, whims: Whims, schema: GraphQLSchema): unknown {
  try {
    return anyOf(type, place, whims, schema);
  } catch (error) {
    const failed = Promise.reject(error);
    failed.catch(() => {});
    return failed;
  }
}

function* endless(items: readonly unknown[], breaks: boolean) {
  yield* items;
  if (breaks) throw new Error("The list broke.");
}

function leafOf(name: string, draw: Draw): unknown {
  if (name === "Int") return [1, 2, "3", 1.5, true][draw(5)];
  if (name === "Float") return [1.5, 2, "x"][draw(3)];
  if (name === "Boolean") return [true, false, 1, "yes"][draw(4)];
  if (name === "JSON") return [{ a: [1] }, "text", 0][draw(3)];
  return ["text", "more", 7, true][draw(4)];
}

/** A schema whose resolvers do anything at all, by the whims that are their context. */
export function hostileSchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith("__")) continue;
    for (const field of Object.values(type.getFields())) {
      if (field.name === "name" || field.name === "open") continue;
      field.resolve = (_source, args, whims: Whims, info) => {
        whims.calls.push(`${told(info)} ${JSON.stringify(args)}`);
        return anyOf(info.returnType, placeOf(info.path), whims, info.schema);
      };
    }
  }
  // One type of three knows its own, at once or later, and is not always sure.
  const robot = schema.getType("Robot");
  if (isObjectType(robot))
    robot.isTypeOf = (value: unknown, whims: Whims, info) => {
      const place = value instanceof Thing ? value.place : "";
      whims.calls.push(`isTypeOf ${place} ${told(info)}`);
      const draw = drawAt(whims, `${place} is`);
      const is = value instanceof Thing && value.__typename === "Robot" && draw(whims.wrongs) > 0;
      if (draw(whims.wrongs) === 0) throw new Error("Unsure.");
      return whims.waits > 0 && draw(3) === 0 ? Promise.resolve(is) : is;
    };
  // And one abstract type of three says what something is, maybe later.
  const any = schema.getType("Any");
  if (isAbstractType(any))
    any.resolveType = (value: unknown, whims: Whims) => {
      const name = (value as { __typename?: string }).__typename;
      const draw = drawAt(whims, `${value instanceof Thing ? value.place : ""} type`);
      return whims.waits > 0 && draw(3) === 0 ? Promise.resolve(name) : name;
    };
  const json = schema.getType("JSON");
  if (isScalarType(json))
    json.serialize = (value) => {
      if (value === 0) return undefined;
      return value;
    };
  return schema;
}
