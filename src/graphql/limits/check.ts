import { type DocumentNode, type FragmentDefinitionNode, Kind, type OperationDefinitionNode } from "graphql";
import { type DocumentLimits, hold } from "./bounds.js";
import { type Definitions, definitionsOf, innermostFirst } from "./fragments.js";
import { type Measure, type Measured, measure } from "./measure.js";
import { comparisonsIn } from "./merging.js";

/**
 * Returns when `document`, as `parseWithin` made it, is cheap to validate and within the limits, every operation in it,
 * whichever is going to run. Linear in the document: fragments are multiplied, not expanded. The answer depends on
 * document and limits alone.
 * @throws GraphQLError code `BAD_USER_INPUT`, status 400: a limit
 * @throws GraphQLError code `GRAPHQL_VALIDATION_FAILED`, status 400: a fragment within itself
 */
export function checkDocument(document: DocumentNode, limits: DocumentLimits): void {
  const definitions = definitionsOf(document);
  const { operations, fragments, loose } = definitions;
  hold(limits, "operations", operations.length, (found) => `has ${found} operations`);
  // Namesakes count: each of them is validated.
  const written = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION).length;
  hold(limits, "fragments", written, (found) => `has ${found} fragments`);

  const measured = measureFragments(fragments);
  let selections = 0;
  for (const root of [...operations, ...loose]) {
    const found = measure(root, measured);
    holdMeasure(root, found, limits);
    selections += found.selections;
  }
  hold(limits, "selections", selections, (found) => `selects ${found} fields and fragments`);
  // Last: it walks the expanded document, which only now is known to be small.
  const comparisons = countComparisons(definitions);
  hold(
    limits,
    "comparisons",
    comparisons,
    (found) => `asks for the same fields again; merging needs ${found} comparisons`,
  );
}

/** Each fragment with what it spreads multiplied in, by name. */
export function measureFragments(fragments: Definitions["fragments"]): Measured {
  const measured = new Map<string, Measure>();
  for (const fragment of innermostFirst(fragments)) measured.set(fragment.name.value, measure(fragment, measured));
  return measured;
}

/** Of all operations and unused fragments together. */
export function countComparisons({ operations, loose, fragments }: Definitions): number {
  return [...operations, ...loose].reduce((sum, root) => sum + comparisonsIn(root.selectionSet, fragments), 0);
}

function holdMeasure(
  root: OperationDefinitionNode | FragmentDefinitionNode,
  found: Measure,
  limits: DocumentLimits,
): void {
  hold(limits, "depth", found.depth, (levels) => `is nested ${levels} levels deep`);
  hold(limits, "introspectionDepth", found.introspectionDepth, (levels) => `introspects ${levels} levels deep`);
  hold(limits, "aliases", found.aliases, (count) => `has ${count} aliases and repeated fields`);
  hold(limits, "directives", found.directives, (count) => `has ${count} directives`);
  hold(limits, "inputList", found.inputList, (items) => `has a list of ${items} items`);
  hold(limits, "inputDepth", found.inputDepth, (levels) => `has an argument nested ${levels} levels deep`);
  if (root.kind === Kind.FRAGMENT_DEFINITION) return;
  const isMutation = root.operation === "mutation";
  const says = (count: string) => `has a ${root.operation} of ${count} root fields`;
  hold(limits, isMutation ? "mutationFields" : "queryFields", found.fields, says);
}
