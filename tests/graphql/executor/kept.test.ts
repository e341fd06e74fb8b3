import { buildSchema, parse } from "graphql";
import { execute } from "../../../src/graphql/executor/execute.js";
import { keptOf } from "../../../src/graphql/executor/kept.js";

const schema = buildSchema(
  "type Query { node: Node } interface Node { id: ID, next: Node } type Shop implements Node { id: ID, next: Node }",
);
const node: object = { __typename: "Shop", id: "1", next: () => node };
const rootValue = { node };

describe("what is kept of a document", () => {
  it("is made once, and not again", () => {
    const document = parse("{ node { id next { id } } }");
    execute({ schema, document, rootValue });
    const { size } = keptOf(schema, document);

    execute({ schema, document, rootValue });

    expect(size).toBe(4);
    expect(keptOf(schema, document).size).toBe(size);
  });

  it("is what the variables include, each apart", () => {
    const document = parse("query ($on: Boolean!) { node { id @include(if: $on) next @skip(if: $on) { id } } }");

    const answers = [true, false, true].map((on) => execute({ schema, document, rootValue, variableValues: { on } }));

    expect(answers.map((answer) => JSON.stringify(answer))).toEqual([
      '{"data":{"node":{"id":"1"}}}',
      '{"data":{"node":{"next":{"id":"1"}}}}',
      '{"data":{"node":{"id":"1"}}}',
    ]);
  });

  it("is told apart by an operation's own variables, not by those of others in the document", () => {
    const document = parse(
      "query A ($a: Boolean!) { node { id @include(if: $a) } } query B ($b: Boolean!) { node { id @include(if: $b) } }",
    );
    const ask = (variableValues: Record<string, boolean>) =>
      execute({ schema, document, rootValue, operationName: "A", variableValues });
    ask({ a: true, b: true });
    const { size } = keptOf(schema, document);

    ask({ a: true, b: false });

    expect(keptOf(schema, document).size).toBe(size);
  });

  it("stays in proportion to what is written, whatever the variables are and however often fragments are spread", () => {
    const variables = Array.from({ length: 7 }, (_, n) => `v${n}`);
    const text = `query (${variables.map((name) => `$${name}: Boolean!`)}) {
      ${variables.map((name) => `${name}: node @include(if: $${name}) { ...A }`).join(" ")}
    } fragment A on Node { a: next { ...B } b: next { ...B } } fragment B on Node { a: next { id } b: next { id } c: id }`;
    const document = parse(`${text} # ${"which is no more of a comment".repeat(100)}`);

    for (let bits = 0; bits < 2 ** variables.length; bits++) {
      const variableValues = Object.fromEntries(variables.map((name, n) => [name, (bits & (1 << n)) > 0]));
      execute({ schema, document, rootValue, variableValues });

      expect(keptOf(schema, document).size).toBeLessThanOrEqual(4 * document.tokenCount!);
    }
  });

  it("counts what leaves out everything, which is kept as well", () => {
    const document = parse(
      "query ($a: Boolean!, $b: Boolean!) { ... @include(if: $a) { ... @include(if: $b) { node { id } } } }",
    );

    for (const [a, b] of [
      [false, false],
      [false, true],
      [true, false],
    ])
      execute({ schema, document, rootValue, variableValues: { a, b } });

    expect(keptOf(schema, document).size).toBe(3);
  });
});
