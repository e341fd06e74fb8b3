import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from "graphql";

/** How a document that is made from the schema is decided where it could be one thing or another. */
export interface Choice {
  /** One of these, which are never none. */
  one<T>(of: readonly T[]): T;
  /** Whether something optional is there, an argument or a field of an input. */
  has(name: string): boolean;
  /** The value of a scalar, for an argument of this name, or a field of this name of an input of this type. */
  scalar(type: string, name: string, input: string): unknown;
  /** How many items a list has; one when left out. */
  items?(): number;
}

/** The first of everything, and nothing that may be left out. */
export const plain = (scalar: Choice["scalar"]): Choice => ({ one: ([first]) => first!, has: () => false, scalar });

/** A value of an input type, as a document writes it. */
export function literal(type: GraphQLInputType, name: string, choice: Choice, input = ""): string {
  if (isNonNullType(type)) return literal(type.ofType, name, choice, input);
  if (isListType(type)) {
    const items = Array.from({ length: choice.items?.() ?? 1 }, () => literal(type.ofType, name, choice, input));
    return `[${items.join(", ")}]`;
  }
  if (isEnumType(type)) return choice.one(type.getValues()).name;
  if (!isInputObjectType(type)) return written(choice.scalar(type.name, name, input));
  const fields = Object.values(type.getFields());
  const given = type.isOneOf
    ? [choice.one(fields)]
    : fields.filter((field) => isRequiredInputField(field) || choice.has(field.name));
  return `{ ${given.map((field) => `${field.name}: ${literal(field.type, field.name, choice, type.name)}`).join(", ")} }`;
}

/** An input as a document writes it; for those without enums. */
export function written(value: unknown): string {
  if (value instanceof String) return value.valueOf();
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${key}: ${written(one)}`)
    .join(", ")} }`;
}

/** A field with its arguments, without its selection: `organization(by: { id: "…" })`. */
export function call(field: GraphQLField<unknown, unknown>, choice: Choice): string {
  const given = field.args.filter((arg) => isRequiredArgument(arg) || choice.has(arg.name));
  const args = given.map((arg) => `${arg.name}: ${literal(arg.type, arg.name, choice)}`).join(", ");
  return args === "" ? field.name : `${field.name}(${args})`;
}

/** Pages of a list and their edges: what stands between a field and the rows it leads to. */
export const isConnection = (type: GraphQLNamedType): type is GraphQLObjectType =>
  isObjectType(type) && ["edges", "nodes", "pageInfo"].every((name) => name in type.getFields());

/**
 * Selects every object that can be reached from a type over so many fields: by pages and by their edges, behind interfaces
 * and unions, each with its `__typename` and, where it has one, its `id`.
 * @param leaves whether to select all that the objects hold, too
 */
export function everythingBelow(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  fields: number,
  choice: Choice,
  leaves = false,
): string {
  if (isLeafType(type)) return "";
  if (isConnection(type)) {
    const row = getNamedType(type.getFields().nodes!.type);
    const below = everythingBelow(schema, row, fields, choice, leaves);
    const ends = leaves ? "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }" : "";
    return `{ __typename ${ends} edges { __typename ${leaves ? "cursor" : ""} node ${below} } nodes { __typename ${idOf(row)} } }`;
  }
  if (isAbstractType(type)) {
    const members = schema
      .getPossibleTypes(type)
      .map((member) => `... on ${member.name} ${select(schema, member, fields, choice, leaves, `${member.name}_`)}`);
    return `{ __typename ${members.join(" ")} }`;
  }
  return select(schema, type as GraphQLNamedType as GraphQLObjectType, fields, choice, leaves, "");
}

/** Under names of their own, because fields of two types behind one interface may not differ in what they answer. */
function select(
  schema: GraphQLSchema,
  type: GraphQLObjectType,
  fields: number,
  choice: Choice,
  leaves: boolean,
  prefix: string,
): string {
  const selected = Object.values(type.getFields()).flatMap((field) => {
    const to = getNamedType(field.type);
    if (isLeafType(to) ? !leaves : fields === 0) return [];
    if (field.name === "id") return [];
    const alias = prefix === "" ? "" : `${prefix}${field.name}: `;
    return [`${alias}${call(field, choice)} ${everythingBelow(schema, to, fields - 1, choice, leaves)}`];
  });
  return `{ __typename ${idOf(type)} ${selected.join(" ")} }`;
}

const idOf = (type: GraphQLNamedType): string => (isObjectType(type) && "id" in type.getFields() ? "id" : "");

/** An object in an answer that has an id, and where it stands. */
export interface Found {
  readonly type: string;
  readonly id: string;
  readonly at: string;
  readonly object: Readonly<Record<string, unknown>>;
}

/** Every object with an id in an answer, however deep. */
export function objectsIn(answer: unknown, at = ""): Found[] {
  if (Array.isArray(answer)) return answer.flatMap((item, n) => objectsIn(item, `${at}.${n}`));
  if (typeof answer !== "object" || answer === null) return [];
  const object = answer as Record<string, unknown>;
  const below = Object.entries(object).flatMap(([key, value]) => objectsIn(value, at === "" ? key : `${at}.${key}`));
  const { __typename: type, id } = object;
  return typeof type === "string" && typeof id === "string" ? [{ type, id, at, object }, ...below] : below;
}
