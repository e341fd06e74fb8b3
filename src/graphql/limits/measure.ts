import {
  type DirectiveNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from "graphql";
import { holdKey } from "./bounds.js";

/** What one definition amounts to with its fragments expanded. All but the first three and the last two add up. */
export type Measure = {
  /** Fields inside fields, `__schema` and `__type` being leaves. */
  depth: number;
  /** Fields inside fields from the outermost `__schema` or `__type` down; 0 without one. */
  introspectionDepth: number;
  /** Fields inside fields, whatever their names. */
  fullDepth: number;
  /** Fields at the top, the same one as often as it is written. */
  fields: number;
  aliases: number;
  directives: number;
  selections: number;
  /** Items of the longest list literal. */
  inputList: number;
  /** Lists and objects inside one another in the deepest literal. */
  inputDepth: number;
};

/** The measures of all fragments that are spread in what is measured; a missing one counts as empty. */
export type Measured = ReadonlyMap<string, Measure>;

/**
 * Linear in the written definition, however often its fragments are spread. Recursive in its own brackets only.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400: an object with a key `__proto__`
 */
export function measure(definition: OperationDefinitionNode | FragmentDefinitionNode, fragments: Measured): Measure {
  const sum = nothing();
  addSelections(sum, definition.selectionSet, fragments);
  addDirectives(sum, definition.directives);
  for (const variable of definition.variableDefinitions ?? []) {
    addDirectives(sum, variable.directives);
    if (variable.defaultValue) addValue(sum, variable.defaultValue, 0);
  }
  return sum;
}

function nothing(): Measure {
  return {
    depth: 0,
    introspectionDepth: 0,
    fullDepth: 0,
    fields: 0,
    aliases: 0,
    directives: 0,
    selections: 0,
    inputList: 0,
    inputDepth: 0,
  };
}

function addSelections(sum: Measure, set: SelectionSetNode, fragments: Measured): void {
  const keys = new Set<string>();
  const spreads = new Set<string>();
  for (const selection of set.selections) {
    sum.selections += 1;
    addDirectives(sum, selection.directives);
    if (selection.kind === Kind.FIELD) {
      const name = selection.name.value;
      const key = selection.alias?.value ?? name;
      // A second use of a key costs what an alias costs: both are compared with the first.
      if (selection.alias || keys.has(key)) sum.aliases += 1;
      keys.add(key);
      sum.fields += 1;
      for (const argument of selection.arguments ?? []) addValue(sum, argument.value, 0);
      addBelow(sum, name, selection.selectionSet, fragments);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      addSelections(sum, selection.selectionSet, fragments);
    } else {
      if (spreads.has(selection.name.value)) sum.aliases += 1;
      spreads.add(selection.name.value);
      addFragment(sum, fragments.get(selection.name.value));
    }
  }
}

/** The field `name` and what it selects; `fields` counts the top only. */
function addBelow(sum: Measure, name: string, set: SelectionSetNode | undefined, fragments: Measured): void {
  const below = nothing();
  if (set) addSelections(below, set, fragments);
  const introspects = name === "__schema" || name === "__type";
  raise(sum, {
    ...below,
    depth: introspects ? 1 : below.depth + 1,
    introspectionDepth: introspects ? below.fullDepth + 1 : below.introspectionDepth,
    fullDepth: below.fullDepth + 1,
  });
  addCounts(sum, below);
}

function addFragment(sum: Measure, fragment: Measure | undefined): void {
  if (!fragment) return;
  sum.fields += fragment.fields;
  raise(sum, fragment);
  addCounts(sum, fragment);
}

function raise(sum: Measure, by: Measure): void {
  sum.depth = Math.max(sum.depth, by.depth);
  sum.introspectionDepth = Math.max(sum.introspectionDepth, by.introspectionDepth);
  sum.fullDepth = Math.max(sum.fullDepth, by.fullDepth);
  sum.inputList = Math.max(sum.inputList, by.inputList);
  sum.inputDepth = Math.max(sum.inputDepth, by.inputDepth);
}

function addCounts(sum: Measure, by: Measure): void {
  sum.aliases += by.aliases;
  sum.directives += by.directives;
  sum.selections += by.selections;
}

function addDirectives(sum: Measure, directives: readonly DirectiveNode[] | undefined): void {
  for (const directive of directives ?? []) {
    sum.directives += 1;
    for (const argument of directive.arguments ?? []) addValue(sum, argument.value, 0);
  }
}

function addValue(sum: Measure, value: ValueNode, above: number): void {
  if (value.kind !== Kind.LIST && value.kind !== Kind.OBJECT) return;
  sum.inputDepth = Math.max(sum.inputDepth, above + 1);
  if (value.kind === Kind.LIST) {
    sum.inputList = Math.max(sum.inputList, value.values.length);
    for (const item of value.values) addValue(sum, item, above + 1);
  } else {
    for (const field of value.fields) {
      holdKey("An object of the document", field.name.value);
      addValue(sum, field.value, above + 1);
    }
  }
}
