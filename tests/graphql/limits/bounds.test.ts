import { DEFAULT_LIMITS, type DocumentLimits } from "../../../src/graphql/limits/bounds.js";
import { checkDocument } from "../../../src/graphql/limits/check.js";
import { parseWithin } from "../../../src/graphql/limits/parse.js";
import { checkVariables } from "../../../src/graphql/limits/variables.js";

const some = (count: number, one: (n: number) => string) => Array.from({ length: count }, (_, n) => one(n)).join(" ");

/** Which limit refuses it; null when none does. */
function refusedBy(work: () => unknown): unknown {
  try {
    work();
    return null;
  } catch (error) {
    return (error as { extensions: { limit?: string; code?: string } }).extensions.limit ?? (error as Error).message;
  }
}

describe("a limit of a document", () => {
  // Each text has exactly as much as the number says.
  it.each<[keyof DocumentLimits, number, (size: number) => string]>([
    ["characters", 500, (size) => `{ ${"a".repeat(100)} }`.padEnd(size)],
    ["lines", 50, (size) => `{a}${"\n".repeat(size - 1)}`],
    ["tokens", 40, (size) => `{ ${some(size - 2, (n) => `f${n}`)} }`],
    ["brackets", 10, (size) => `${"{a".repeat(size)}${"}".repeat(size)}`],
    ["nameCharacters", 20, (size) => `{ ${"n".repeat(size)} }`],
    ["operations", 3, (size) => some(size, (n) => `query Q${n} { a }`)],
    [
      "fragments",
      3,
      (size) => `{ ${some(size, (n) => `...F${n}`)} } ${some(size, (n) => `fragment F${n} on T { a }`)}`,
    ],
    ["depth", 4, (size) => `${"{a".repeat(size)}${"}".repeat(size)}`],
    ["introspectionDepth", 4, (size) => `{ __schema ${"{a".repeat(size - 1)}${"}".repeat(size - 1)} }`],
    ["aliases", 5, (size) => `{ ${some(size, (n) => `x${n}: a`)} }`],
    ["queryFields", 5, (size) => `{ ${some(size, (n) => `f${n}`)} }`],
    ["mutationFields", 5, (size) => `mutation { ${some(size, (n) => `f${n}`)} }`],
    ["directives", 5, (size) => `{ a ${some(size, () => "@d")} }`],
    ["selections", 5, (size) => `{ ${some(size, (n) => `f${n}`)} }`],
    ["comparisons", 6, (size) => `{ ${"a ".repeat((1 + Math.sqrt(1 + 8 * size)) / 2)} }`],
    ["inputList", 5, (size) => `{ a(x: [${some(size, String)}]) }`],
    ["inputDepth", 5, (size) => `{ a(x: ${"[".repeat(size)}${"]".repeat(size)}) }`],
  ])("%s lets pass what reaches it, and refuses what exceeds it", (limit, size, write) => {
    const admit = (allowed: number) => {
      const limits = { ...DEFAULT_LIMITS, [limit]: allowed };
      return refusedBy(() => checkDocument(parseWithin(write(size), limits), limits));
    };

    expect(admit(size)).toBeNull();
    expect(admit(size - 1)).toBe(limit);
  });

  it("lets the largest introspection pass", async () => {
    const { getIntrospectionQuery } = await import("graphql");
    const text = getIntrospectionQuery({ oneOf: true, inputValueDeprecation: true, specifiedByUrl: true });

    expect(refusedBy(() => checkDocument(parseWithin(text, DEFAULT_LIMITS), DEFAULT_LIMITS))).toBeNull();
  });

  it("refuses NUL in strings of both kinds", () => {
    for (const text of ['{ a(x: "\\u0000") }', '{ a(x: "\0") }', '{ a(x: """\0""") }']) {
      expect(refusedBy(() => parseWithin(text, DEFAULT_LIMITS))).toMatch(/no text can hold/);
    }
  });
});

describe("checkVariables", () => {
  const refused = (variables: Record<string, unknown>, limits: Partial<DocumentLimits> = {}) =>
    refusedBy(() => checkVariables(variables, { ...DEFAULT_LIMITS, ...limits }));

  it("counts every value once, whatever it is in", () => {
    const variables = { a: [1, { b: null }], c: "x" };

    expect(refused(variables, { inputValues: 5 })).toBeNull();
    expect(refused(variables, { inputValues: 4 })).toBe("inputValues");
  });

  it("holds lists, levels and names", () => {
    expect([refused({ a: [1, 2] }, { inputList: 2 }), refused({ a: [1, 2] }, { inputList: 1 })]).toEqual([
      null,
      "inputList",
    ]);
    expect([refused({ a: [[]] }, { inputDepth: 2 }), refused({ a: [[]] }, { inputDepth: 1 })]).toEqual([
      null,
      "inputDepth",
    ]);
    expect(refused({ ["n".repeat(201)]: 1 })).toBe("nameCharacters");
  });

  it.each([
    ["NUL", { a: "x\0" }],
    ["half of a pair", { a: ["\ud800"] }],
    ["half of a pair in a key", { a: { "\udc00": 1 } }],
    ["half of a pair in a name", { "\ud800": 1 }],
  ])("refuses %s, which no text can hold", (_what, variables) => {
    expect(refused(variables)).toMatch(/no text can hold/);
  });

  it("lets whole pairs pass", () => {
    expect(refused({ a: "𝄞" })).toBeNull();
  });

  it("refuses a key that would change a prototype, at the top and below", () => {
    expect(refused(JSON.parse('{"__proto__":{}}'))).toMatch(/__proto__/);
    expect(refused(JSON.parse('{"a":[{"__proto__":{}}]}'))).toMatch(/__proto__/);
  });

  it("takes null and undefined for none", () => {
    expect([null, undefined].map((none) => refusedBy(() => checkVariables(none, DEFAULT_LIMITS)))).toEqual([
      null,
      null,
    ]);
  });
});
