import { buildSchema, parse } from "graphql";
import { execute } from "../../../src/graphql/executor/execute.js";

const schema = buildSchema(
  "type Query { node: Node, other: Node, never: Node } type Node { id: ID, ids: [ID!], all: [Node!]!, later: [Node] }",
);
const all = () => Array.from({ length: 10 }, () => node);
const node: object = { id: "1", ids: () => ["1", "2", "3"], all, later: async () => all() };
const rootValue = { node, other: node, never: null };

/** What is answered, where so many objects may be in it. */
const answered = async (text: string, most: number) => {
  const { data, errors } = await execute({ schema, document: parse(text), rootValue, mostObjects: most });
  return {
    data: JSON.parse(JSON.stringify(data)),
    errors: errors?.map(({ path, extensions }) => [path?.[0], extensions.code]),
  };
};
const TOO_LARGE = "COST_EXCEEDED";

describe("an answer of more objects than it may hold", () => {
  it.each([
    ["{ node { all { id } } }", 11],
    ["{ node { later { id } } }", 11],
    ["{ node { all { later { id } } } }", 111],
    ["{ node { all { ids } } }", 41],
    ["{ a: node { id } b: node { all { id } } }", 12],
  ])("is refused of %s, and answered where all are allowed", async (text, objects) => {
    expect((await answered(text, objects)).errors).toBeUndefined();
    expect((await answered(text, objects - 1)).errors).toContainEqual([expect.any(String), TOO_LARGE]);
  });

  it("is null where it begins, however much of it may be null, and the roots before it are answered", async () => {
    expect(await answered("{ other { id } never { id } node { later { later { id } } } }", 50)).toEqual({
      data: { other: { id: "1" }, never: null, node: null },
      errors: [["node", TOO_LARGE]],
    });
  });

  it("is not put together: no more of it is asked for than there may be", async () => {
    let asked = 0;
    const item = () => {
      asked++;
      return many;
    };
    const many: object = { id: "1", all: () => Array.from({ length: 100 }, item) };
    const document = parse("{ node { all { all { all { all { all { id } } } } } } }");

    const { data } = await execute({ schema, document, rootValue: { node: many }, mostObjects: 1000 });

    expect(data).toEqual(expect.objectContaining({ node: null }));
    expect(asked).toBeLessThan(2000);
  });
});
