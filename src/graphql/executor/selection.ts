import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  type InlineFragmentNode,
  isAbstractType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
  TypeNameMetaFieldDef,
} from "graphql";
import type { Asked, Run } from "./run.js";

/**
 * What some selections ask of an object of a type, fragments opened and fields of one key put together, in the order of the
 * answer.
 * @throws GraphQLError for a directive whose variable says neither yes nor no
 */
export function asked(sets: readonly SelectionSetNode[], type: GraphQLObjectType, run: Run): Asked[] {
  const found = new Map<string, FieldNode[]>();
  const opened = new Set<string>();
  const open = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD && opened.has(selection.name.value)) continue;
      if (!isIncluded(selection, run)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value;
        const nodes = found.get(key);
        if (nodes) nodes.push(selection);
        else found.set(key, [selection]);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (isAbout(selection, type, run.schema)) open(selection.selectionSet);
      } else {
        opened.add(selection.name.value);
        const fragment = run.fragments[selection.name.value];
        if (fragment && isAbout(fragment, type, run.schema)) open(fragment.selectionSet);
      }
    }
  };
  for (const set of sets) open(set);
  return [...found].flatMap(([key, nodes]) => {
    const field = fieldOf(type, nodes[0]!.name.value, run.schema);
    return field ? [{ key, parent: type, field, nodes }] : [];
  });
}

function isIncluded(selection: SelectionNode, { variableValues }: Run): boolean {
  if (!selection.directives?.length) return true;
  if (getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.if !== false;
}

function isAbout(
  { typeCondition }: InlineFragmentNode | FragmentDefinitionNode,
  type: GraphQLObjectType,
  schema: GraphQLSchema,
): boolean {
  if (!typeCondition) return true;
  const about = schema.getType(typeCondition.name.value);
  return about === type || (isAbstractType(about) && schema.isSubType(about, type));
}

function fieldOf(
  type: GraphQLObjectType,
  name: string,
  schema: GraphQLSchema,
): GraphQLField<unknown, unknown> | undefined {
  if (name === TypeNameMetaFieldDef.name) return TypeNameMetaFieldDef;
  if (type === schema.getQueryType()) {
    if (name === SchemaMetaFieldDef.name) return SchemaMetaFieldDef;
    if (name === TypeMetaFieldDef.name) return TypeMetaFieldDef;
  }
  return type.getFields()[name];
}
