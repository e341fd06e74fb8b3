import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  isUnionType,
} from "graphql";

/** A place of the schema that takes a text from outside, and how to put one there. */
export interface TextPlace {
  /** `Organization.children(after)`, `Query.organization(by.slug)` */
  readonly coordinate: string;
  readonly operation: "query" | "mutation";
  /** The scalar that stands there. */
  readonly type: string;
  /** A root field with `value`, a variable or a literal, at this place and something valid at all others. */
  write(value: string): string;
}

/** A literal for an argument or input field of this name; undefined where any value of its type will do. */
export type Sample = (name: string) => string | undefined;

const TEXTUAL = new Set(["String", "ID", "URL", "UUID", "DateTime", "JSON"]);
const MOST_LEVELS = 5;

type Input = Pick<GraphQLArgument | GraphQLInputField, "name" | "type">;
type Text = { readonly path: string; readonly type: string; readonly write: (value: string) => string };

/** Every place below the roots of the schema, found by walking it: what is added to the schema is covered by itself. */
export function textPlaces(schema: GraphQLSchema, sample: Sample): TextPlace[] {
  const valid = validValues(sample);
  const queries = [...waysTo(schema.getQueryType()!, valid)].flatMap(([type, way]) =>
    placesOf(type, valid).map((place) => ({
      ...place,
      operation: "query" as const,
      write: (value: string) => way(place.write(value)),
    })),
  );
  const mutation = schema.getMutationType();
  const changes = mutation
    ? placesOf(mutation, valid).map((place) => ({ ...place, operation: "mutation" as const }))
    : [];
  return [...queries, ...changes];
}

type Way = (inner: string) => string;
type Valid = ReturnType<typeof validValues>;

/** For each object type a shortest way from the root, as a selection around what is asked of it. */
function waysTo(root: GraphQLObjectType, { written }: Valid): Map<GraphQLObjectType, Way> {
  const ways = new Map<GraphQLObjectType, Way>([[root, (inner) => inner]]);
  for (const [type, way] of ways) {
    for (const field of Object.values(type.getFields())) {
      const next = getNamedType(field.type);
      if (!isObjectType(next) || ways.has(next)) continue;
      ways.set(next, (inner) => way(`${field.name}${written(field.args.filter(isRequiredArgument))} { ${inner} }`));
    }
  }
  return ways;
}

function placesOf(type: GraphQLObjectType, valid: Valid) {
  return Object.values(type.getFields()).flatMap((field) =>
    field.args.flatMap((arg) =>
      textsIn(arg, valid, 0).map(({ path, type: scalar, write }) => ({
        coordinate: `${type.name}.${field.name}(${path})`,
        type: scalar,
        write: (value: string) => {
          const others = field.args.filter((other) => other !== arg && isRequiredArgument(other));
          const args = valid.written(others, `${arg.name}: ${write(value)}`);
          return `${field.name}${args}${selectionOf(field, path.split(".").at(-1)!)}`;
        },
      })),
    ),
  );
}

function textsIn({ name, type }: Input, valid: Valid, level: number): Text[] {
  if (isNonNullType(type)) return textsIn({ name, type: type.ofType }, valid, level);
  if (isListType(type)) {
    return textsIn({ name, type: type.ofType }, valid, level).map((text) => ({
      ...text,
      write: (value) => `[${text.write(value)}]`,
    }));
  }
  if (!isInputObjectType(type)) {
    return TEXTUAL.has(type.name) ? [{ path: name, type: type.name, write: (value) => value }] : [];
  }
  if (level > MOST_LEVELS) return [];
  const fields = Object.values(type.getFields());
  return fields.flatMap((field) =>
    textsIn(field, valid, level + 1).map((text) => ({
      ...text,
      path: `${name}.${text.path}`,
      write: (value) => {
        const others = fields.filter((other) => other !== field && isRequiredInputField(other));
        return `{ ${[`${field.name}: ${text.write(value)}`, ...others.map(valid.named)].join(", ")} }`;
      },
    })),
  );
}

/** Writes what is valid without being looked at. */
function validValues(sample: Sample) {
  const value = ({ name, type }: Input): string => {
    const given = sample(name);
    if (isNonNullType(type)) return value({ name, type: type.ofType });
    if (isListType(type)) return `[${value({ name, type: type.ofType })}]`;
    if (isInputObjectType(type)) {
      const fields = Object.values(type.getFields());
      const chosen = type.isOneOf
        ? fields.filter((field) => sample(field.name)).slice(-1)
        : fields.filter(isRequiredInputField);
      return `{ ${chosen.map(named).join(", ")} }`;
    }
    if (isEnumType(type)) return type.getValues()[0]!.name;
    return given ?? ({ Int: "1", Boolean: "true" } as Record<string, string>)[type.name] ?? '"x"';
  };
  const named = (input: Input): string => `${input.name}: ${value(input)}`;
  const written = (inputs: readonly Input[], first?: string): string => {
    const all = [...(first ? [first] : []), ...inputs.map(named)];
    return all.length > 0 ? `(${all.join(", ")})` : "";
  };
  return { named, written };
}

/** What is selected of a field: of a change's payload whatever has the name of the text, as `echo`. */
function selectionOf(field: GraphQLField<unknown, unknown>, name: string): string {
  const type = getNamedType(field.type);
  if (isLeafType(type)) return "";
  if (!isUnionType(type)) return " { __typename }";
  const [payload] = type.getTypes();
  const echoes = Object.values(payload!.getFields()).flatMap((changed) => {
    const inner = getNamedType(changed.type);
    const same = isObjectType(inner) ? inner.getFields()[name] : undefined;
    return same && same.args.length === 0 && isLeafType(getNamedType(same.type))
      ? [`${changed.name} { echo: ${name} }`]
      : [];
  });
  return ` { __typename ... on ${payload!.name} { ${["__typename", ...echoes].join(" ")} } }`;
}
