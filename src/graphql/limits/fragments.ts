import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from "graphql";

/** The executable definitions of a document, as validation sees them. */
export type Definitions = {
  /** By name; the last of two with one name, as in graphql-js. */
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  operations: readonly OperationDefinitionNode[];
  /** Fragments that nothing spreads or that a namesake hides: never executed, but validated all the same. */
  loose: readonly FragmentDefinitionNode[];
};

/** Sorts the definitions of a document; definitions of types are left to validation. Linear in the document. */
export function definitionsOf(document: DocumentNode): Definitions {
  const operations = document.definitions.filter((definition) => definition.kind === Kind.OPERATION_DEFINITION);
  const written = document.definitions.filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION);
  const fragments = new Map(written.map((fragment) => [fragment.name.value, fragment]));
  const spread = new Set(
    [...operations, ...written].flatMap(({ selectionSet }) => spreadsIn(selectionSet).map(({ name }) => name.value)),
  );
  const loose = written.filter((node) => !spread.has(node.name.value) || fragments.get(node.name.value) !== node);
  return { fragments, operations, loose };
}

type Step = { fragment: FragmentDefinitionNode; spreads: readonly FragmentSpreadNode[]; next: number };

/**
 * Every fragment after all those that it spreads. Linear, and not recursive: a chain can be as long as the document.
 * @throws GraphQLError a fragment within itself, as validation would say it; there, every way round has its price
 */
export function innermostFirst(fragments: Definitions["fragments"]): FragmentDefinitionNode[] {
  const ordered: FragmentDefinitionNode[] = [];
  const met = new Set<string>();
  const path: Step[] = [];
  // Depth in `path` of the fragments that are on it.
  const open = new Map<string, number>();
  const enter = (fragment: FragmentDefinitionNode) => {
    met.add(fragment.name.value);
    open.set(fragment.name.value, path.length);
    path.push({ fragment, spreads: spreadsIn(fragment.selectionSet), next: 0 });
  };

  for (const first of fragments.values()) {
    if (!met.has(first.name.value)) enter(first);
    for (let step = path.at(-1); step; step = path.at(-1)) {
      const name = step.spreads[step.next]?.name.value;
      if (name === undefined) {
        ordered.push(step.fragment);
        open.delete(step.fragment.name.value);
        path.pop();
        continue;
      }
      const within = open.get(name);
      if (within !== undefined) throw withinItself(path.slice(within));
      step.next += 1;
      const fragment = fragments.get(name);
      if (fragment && !met.has(name)) enter(fragment);
    }
  }
  return ordered;
}

function withinItself(path: readonly Step[]): GraphQLError {
  // All steps but the last have moved on from the spread that led to the next one.
  const nodes = path.map((step, at) => step.spreads[at === path.length - 1 ? step.next : step.next - 1]!);
  const via = nodes.slice(0, -1).map((node) => `"${node.name.value}"`);
  const message = `Cannot spread fragment "${nodes.at(-1)!.name.value}" within itself`;
  return new GraphQLError(`${message}${via.length > 0 ? ` via ${via.join(", ")}` : ""}.`, {
    nodes,
    extensions: { code: "GRAPHQL_VALIDATION_FAILED", http: { status: 400, spec: true } },
  });
}

/** In the order of the text, inline fragments and sub-selections included. */
function spreadsIn(root: SelectionSetNode): FragmentSpreadNode[] {
  const spreads: FragmentSpreadNode[] = [];
  const pending = [...root.selections].reverse();
  for (let selection = pending.pop(); selection; selection = pending.pop()) {
    if (selection.kind === Kind.FRAGMENT_SPREAD) spreads.push(selection);
    else if (selection.selectionSet) pending.push(...[...selection.selectionSet.selections].reverse());
  }
  return spreads;
}
