import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { jest } from "@jest/globals";
import { buildSchema, type DocumentNode, type GraphQLError, getOperationAST } from "graphql";
import { admission } from "../../src/graphql/admission.js";
import { Documents } from "../../src/graphql/documents.js";
import { execute } from "../../src/graphql/executor/execute.js";
import { bytesCompiled } from "../../src/graphql/executor/kept.js";
import { DEFAULT_LIMITS } from "../../src/graphql/limits.js";
import { bytesPlanned, planOf } from "../../src/graphql/plans.js";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
const heap = (): number => {
  collect();
  return process.memoryUsage().heapUsed;
};

const FIELDS = Array.from({ length: 40 }, (_, n) => `f${n}`);
const schema = buildSchema(`
  type Query { shop: Shop, node: Node, any(of: [String]): String }
  interface Node { id: ID, next: Node }
  type Shop implements Node { id: ID, next: Node, ${FIELDS.map((name) => `${name}(as: Int = 1): String`).join(" ")} }
`);
const shop: Record<string, unknown> = { __typename: "Shop", id: "1", next: () => shop };
const rootValue = { shop, node: shop, any: "any" };

/** Takes a document the way of a request, as far as it gets, without its execution. */
function asking(documents: Documents) {
  const { onParams, onParse, onValidate } = admission(DEFAULT_LIMITS, documents) as unknown as Record<
    "onParams" | "onParse" | "onValidate",
    (given: object) => void
  >;
  return (
    query: string,
    operationName?: string,
  ): { readonly document: DocumentNode; readonly problems: readonly GraphQLError[] } => {
    let parseFn!: () => DocumentNode;
    let problems!: readonly GraphQLError[];
    onParams({ params: { query, operationName }, request: { method: "POST" } });
    onParse({
      params: { source: query },
      setParseFn: (fn: typeof parseFn) => {
        parseFn = fn;
      },
    });
    const document = parseFn();
    onValidate({
      params: { documentAST: document, schema },
      setResult: (found: typeof problems) => {
        problems = found;
      },
    });
    return { document, problems };
  };
}

/** What an execution makes of a document, and counts. */
function make(documents: Documents, document: DocumentNode): void {
  planOf(schema, document, getOperationAST(document)!);
  execute({ schema, document, rootValue });
  documents.count(document, bytesPlanned(document) + bytesCompiled(schema, document));
}

const DENSE: readonly (readonly [what: string, text: string])[] = [
  ["many fields", `{ shop { ${FIELDS.join(" ")} } }`],
  ["fields behind an interface", `{ ${FIELDS.map((key) => `${key}: node { id }`).join(" ")} }`],
  ["fields in one another", `{ shop ${"{ next ".repeat(15)} { id } ${"}".repeat(15)} }`],
  ["escapes", `{ any(of: "${"x\\n".repeat(2000)}") }`],
  ["lists", `{ any(of: [${"null ".repeat(400)}]) }`],
  ["comments", `{ shop { ${"id\n#\n".repeat(40)} } }${"#\n".repeat(200)}`],
  ["next to nothing", "{ any }"],
];

describe("the documents that are kept", () => {
  it.each(DENSE)("take no more memory than they are counted as: %s", (_what, text) => {
    const documents = new Documents(DEFAULT_LIMITS);
    const ask = asking(documents);
    const askAll = (from: number) => {
      for (let n = from; n < from + 100; n++) {
        const { document, problems } = ask(`${text}#${n}`);
        expect(problems).toEqual([]);
        make(documents, document);
      }
    };
    askAll(0);
    const [before, counted] = [heap(), documents.bytes];

    askAll(100);

    expect(heap() - before).toBeLessThan((documents.bytes - counted) * 1.2);
    expect(documents.bytes).toBeLessThan(64_000_000);
  });

  it("make room for others, however many are sent", () => {
    const documents = new Documents(DEFAULT_LIMITS, 1_000_000);
    const ask = asking(documents);

    for (let n = 0; n < 200; n++) make(documents, ask(`{ shop { ${FIELDS.join(" ")} } }#${n}`).document);

    expect(documents.bytes).toBeGreaterThan(800_000);
    expect(documents.bytes).toBeLessThanOrEqual(1_000_000);
  });

  it("hold nothing of the URL that their texts were cut out of", () => {
    const documents = new Documents(DEFAULT_LIMITS);
    const sent = (n: number) => new URLSearchParams(`query={shop{id,x${n}:id}}&variables=${"x".repeat(14_000)}`);
    documents.of(sent(0).get("query")!);
    const before = heap();

    for (let n = 1; n <= 200; n++) documents.of(sent(n).get("query")!);

    expect(heap() - before).toBeLessThan(documents.bytes);
  });

  it("are none that were refused, or are invalid", () => {
    const documents = new Documents(DEFAULT_LIMITS);
    const ask = asking(documents);

    expect(ask("{ a b c }").problems).toHaveLength(3);
    expect(() => ask("{aaa")).toThrow("Syntax Error");
    expect(() => ask(`{ ${"id ".repeat(100)} }`)).toThrow("aliases");

    expect(() => ask("{ a b c }", "x")).toThrow("operationName");

    expect(documents.bytes).toBe(0);
    expect(ask("{ a b c }").problems).toHaveLength(3);
  });

  it("stay where they are valid, whatever somebody else sends with them", () => {
    const documents = new Documents(DEFAULT_LIMITS);
    const ask = asking(documents);
    const { document } = ask("{ shop { id } }");

    expect(() => ask("{ shop { id } }", "x")).toThrow("operationName");

    expect(ask("{ shop { id } }").document).toBe(document);
  });

  it("are parsed, validated and planned once, also when they were counted and others refused", () => {
    const documents = new Documents(DEFAULT_LIMITS);
    const ask = asking(documents);
    const text = "query Shown { shop { id next { id } } }";
    const first = ask(text).document;
    const operation = getOperationAST(first)!;
    const plan = planOf(schema, first, operation);
    make(documents, first);
    ask("{ a b c }");
    const looked = jest.spyOn(schema, "getRootType");

    const { document, problems } = ask(text);

    expect(document).toBe(first);
    expect(problems).toEqual([]);
    expect(planOf(schema, document, operation)).toBe(plan);
    expect(looked).not.toHaveBeenCalled();
    looked.mockRestore();
  });
});
