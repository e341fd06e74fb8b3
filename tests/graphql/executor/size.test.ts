import { buildSchema, parse } from "graphql";
import { execute } from "../../../src/graphql/executor/execute.js";
import { Size } from "../../../src/graphql/executor/size.js";

const schema = buildSchema(
  "type Query { node: Node, other: Node, never: Node } type Node { id: ID, ids: [ID!], all: [Node!]!, later: [Node] }",
);
const all = () => Array.from({ length: 10 }, () => node);
const node: object = { id: "1", ids: () => ["1", "2", "3"], all, later: async () => all() };
const rootValue = { node, other: node, never: null };

/** What is answered, where so many objects may be in it. */
const answered = async (text: string, most: number) => {
  const { data, errors } = await execute({
    schema,
    document: parse(text),
    rootValue,
    size: new Size({ answerObjects: most, answerCharacters: 1e9 }),
  });
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

    const { data } = await execute({
      schema,
      document,
      rootValue: { node: many },
      size: new Size({ answerObjects: 1000, answerCharacters: 1e9 }),
    });

    expect(data).toEqual(expect.objectContaining({ node: null }));
    expect(asked).toBeLessThan(2000);
  });
});

describe("an answer of more text than it may hold", () => {
  const told = buildSchema(
    "type Query { text: String, made: Note, note: Note } type Note { json: JSON, id: ID, no: ID } scalar JSON",
  );
  const json = { a: "x".repeat(100) };
  const no = () => {
    throw new Error("No.");
  };
  const codes = async (text: string, answerCharacters: number, answerObjects = 1e9) => {
    const { errors } = await execute({
      schema: told,
      document: parse(text),
      rootValue: { text: "x".repeat(100), note: { json, id: "1", no }, made: { json } },
      size: new Size({ answerObjects, answerCharacters }),
    });
    return errors?.map(({ extensions, message }) => extensions.code ?? message);
  };

  it.each([
    ["{ text }", 100 + 4 + 6],
    ["{ note { json } made { json } }", 2 * (108 + 4 + 6) + 2 * (4 + 6)],
    [`{ note { ${"k".repeat(50)}: id } }`, 1 + 50 + 6 + 4 + 6],
  ])("is refused of %s", async (text, characters) => {
    expect(await codes(text, characters)).toBeUndefined();
    expect(await codes(text, characters - 1)).toEqual([TOO_LARGE]);
  });

  it("is refused for its errors, too, each of which is more than an object", async () => {
    expect(await codes("{ note { a: no b: no } }", 1e9, 21)).toEqual(["No.", "No."]);
    expect(await codes("{ note { a: no b: no } }", 1e9, 20)).toEqual([TOO_LARGE]);
  });
});

describe("the characters of an answer", () => {
  const typed = buildSchema("type Query { all: [Organization] } type Organization { n: Float }");
  const many = { all: Array.from({ length: 100 }, () => ({ n: 1.2345678901234567e-100 })) };

  it.each([
    ["names of types", "__typename"],
    ["numbers", "n"],
  ])("are counted of %s, too", async (_what, field) => {
    const document = parse(`{ all { a: ${field} b: ${field} c: ${field} } }`);
    const ask = (most: number) =>
      execute({
        schema: typed,
        document,
        rootValue: many,
        size: new Size({ answerObjects: 1e9, answerCharacters: most }),
      });
    const { length } = JSON.stringify((await ask(1e9)).data);

    expect((await ask(length * 1.5)).errors).toBeUndefined();
    expect((await ask(length * 0.8)).errors).toMatchObject([{ extensions: { code: TOO_LARGE } }]);
  });
});

describe("the answer to one of several changes", () => {
  it("is as large as it may be, whatever the one before was", async () => {
    const changing = buildSchema(
      "type Query { x: ID } type Mutation { one: All, two: Node } type All { all: [Node] } type Node { id: ID }",
    );
    const rootValue = { one: { all: all() }, two: { id: "2" } };

    const { data, errors } = await execute({
      schema: changing,
      document: parse("mutation { one { all { id } } two { id } }"),
      rootValue,
      size: new Size({ answerObjects: 5, answerCharacters: 1e9 }),
    });

    expect(data).toEqual({ one: null, two: { id: "2" } });
    expect(errors).toMatchObject([{ path: ["one"], extensions: { code: TOO_LARGE } }]);
  });
});
