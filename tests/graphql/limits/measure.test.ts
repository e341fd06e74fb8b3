import fc from "fast-check";
import { type FragmentDefinitionNode, Kind, parse, type SelectionSetNode } from "graphql";
import { countComparisons, measureFragments } from "../../../src/graphql/limits/check.js";
import { definitionsOf, innermostFirst } from "../../../src/graphql/limits/fragments.js";
import { measure } from "../../../src/graphql/limits/measure.js";

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;
/** A field of the document as it is after every fragment was written out. */
interface Field {
  readonly key: string;
  readonly name: string;
  readonly below: readonly Field[] | null;
}

/** Writes every fragment out, as nothing that has to be safe may do. */
function expand(set: SelectionSetNode, fragments: Fragments): Field[] {
  return set.selections.flatMap((node): Field[] => {
    if (node.kind === Kind.INLINE_FRAGMENT) return expand(node.selectionSet, fragments);
    if (node.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = fragments.get(node.name.value);
      return fragment ? expand(fragment.selectionSet, fragments) : [];
    }
    const name = node.name.value;
    return [
      { key: node.alias?.value ?? name, name, below: node.selectionSet ? expand(node.selectionSet, fragments) : null },
    ];
  });
}

const depthOf = (fields: readonly Field[]): number =>
  Math.max(0, ...fields.map(({ below }) => 1 + depthOf(below ?? [])));

/** Fields, spreads and inline fragments, each as often as it is reached. */
function selectionsOf(set: SelectionSetNode, fragments: Fragments): number {
  return set.selections.reduce((sum, node) => {
    const inner = node.kind === Kind.FRAGMENT_SPREAD ? fragments.get(node.name.value)?.selectionSet : node.selectionSet;
    return sum + 1 + (inner ? selectionsOf(inner, fragments) : 0);
  }, 0);
}

/** Pairs of fields with one response path. */
function pairsOf(fields: readonly Field[]): number {
  let pairs = 0;
  for (const key of new Set(fields.map((field) => field.key))) {
    const same = fields.filter((field) => field.key === key);
    pairs += (same.length * (same.length - 1)) / 2 + pairsOf(same.flatMap(({ below }) => below ?? []));
  }
  return pairs;
}

const FRAGMENTS = 4;
/** A selection set that spreads only fragments further on, so that none is within itself. */
const selectionSet = (from: number): fc.Arbitrary<string> =>
  fc.letrec<{ set: string; selection: string }>((tie) => ({
    set: fc.array(tie("selection"), { minLength: 1, maxLength: 4 }).map((all) => `{ ${all.join(" ")} }`),
    selection: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      fc.constantFrom("a", "b", "x: a"),
      ...(from < FRAGMENTS ? [fc.integer({ min: from, max: FRAGMENTS - 1 }).map((n) => `...F${n}`)] : []),
      tie("set").map((set) => `... ${set}`),
      fc.tuple(fc.constantFrom("a", "b", "y: b"), tie("set")).map(([field, set]) => `${field} ${set}`),
    ),
  })).set;
const document = fc
  .tuple(selectionSet(0), ...Array.from({ length: FRAGMENTS }, (_, n) => selectionSet(n + 1)))
  .map(([query, ...fragments]) => [query, ...fragments.map((set, n) => `fragment F${n} on T ${set}`)].join("\n"));

describe("measure", () => {
  it("says what a document amounts to with its fragments written out", () => {
    fc.assert(
      fc.property(document, (text) => {
        const { operations, fragments } = definitionsOf(parse(text));
        const [query] = operations;
        const expanded = expand(query!.selectionSet, fragments);

        const found = measure(query!, measureFragments(fragments));

        expect(found.depth).toBe(depthOf(expanded));
        expect(found.fields).toBe(expanded.length);
        expect(found.selections).toBe(selectionsOf(query!.selectionSet, fragments));
      }),
      { numRuns: 500 },
    );
  });

  it("counts thirty doublings without writing them out", () => {
    const doubled = Array.from({ length: 30 }, (_, n) => `fragment F${n} on T { ...F${n + 1} ... { ...F${n + 1} } }`);
    const { operations, fragments } = definitionsOf(parse(`{ ...F0 } ${doubled.join(" ")} fragment F30 on T { a }`));

    expect(measure(operations[0]!, measureFragments(fragments)).fields).toBe(2 ** 30);
  });

  it("takes introspection for a leaf, and counts its own depth", () => {
    const { operations, fragments } = definitionsOf(parse("{ a { b } __schema { types { fields { name } } } }"));

    expect(measure(operations[0]!, measureFragments(fragments))).toMatchObject({ depth: 2, introspectionDepth: 4 });
  });
});

describe("countComparisons", () => {
  it("counts at least every pair of fields that share a response path", () => {
    fc.assert(
      fc.property(document, (text) => {
        const definitions = definitionsOf(parse(text));
        const pairs = [...definitions.operations, ...definitions.loose]
          .map(({ selectionSet: set }) => pairsOf(expand(set, definitions.fragments)))
          .reduce((sum, one) => sum + one, 0);

        expect(countComparisons(definitions)).toBeGreaterThanOrEqual(pairs);
      }),
      { numRuns: 500 },
    );
  });
});

describe("innermostFirst", () => {
  const orderOf = (text: string) => innermostFirst(definitionsOf(parse(text)).fragments).map(({ name }) => name.value);

  it("puts each fragment after those that it spreads", () => {
    expect(orderOf("{ ...A } fragment A on T { ...B ...C } fragment B on T { ...C } fragment C on T { a }")).toEqual([
      "C",
      "B",
      "A",
    ]);
  });

  it("refuses a fragment within itself, and says the way round", () => {
    expect(() => orderOf("{ ...A } fragment A on T { ...B } fragment B on T { x { ...A } }")).toThrow(
      'Cannot spread fragment "A" within itself via "B".',
    );
  });

  it("follows a chain of ten thousand", () => {
    const chain = Array.from({ length: 10_000 }, (_, n) => `fragment F${n} on T { ...F${n + 1} }`).join(" ");

    expect(orderOf(`{ ...F0 } ${chain} fragment F10000 on T { a }`)).toHaveLength(10_001);
  });
});
