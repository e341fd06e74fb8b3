import fc from "fast-check";
import { execute as executeByReference } from "graphql";
import { execute } from "../../../src/graphql/executor/execute.js";
import { buildSchema } from "../../../src/schema.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { randomDocument, type Words } from "../../support/randomDocuments.js";

const DOCUMENTS = Number(process.env.TENANTRY_EXECUTIONS ?? 40);
const { schema } = buildSchema();

interface Found {
  readonly id: string;
  readonly uuid: string;
  readonly slug: string;
  readonly memberships: { nodes: { id: string }[]; pageInfo: { endCursor: string | null } } | null;
}

let own: TestGateway;
let reference: TestGateway;
let words: Words;

beforeAll(async () => {
  own = await openGateway({ execute });
  reference = await openGateway({ execute: executeByReference, database: own.database });
  const { organizations, users } = await own
    .as("ada@northwind.test", "northwind")
    .get(
      "{ organizations { nodes { id uuid slug memberships { nodes { id } pageInfo { endCursor } } } } users { nodes { id } } }",
    );
  const found: Found[] = organizations.nodes;
  const cursors = found.flatMap(({ memberships }) => memberships?.pageInfo.endCursor ?? []);
  words = {
    ids: [
      ...[...found, ...users.nodes, ...found.flatMap((one) => one.memberships?.nodes ?? [])].map(({ id }) => id),
      "garbage",
    ],
    uuids: found.map(({ uuid }) => uuid),
    names: [...found.map(({ slug }) => slug), "nothing"],
    cursors: [...cursors, "garbage"],
    permissions: ["members:read", "members:invite", "no:such"],
    texts: ["word"],
  };
});

afterAll(async () => {
  await reference.close();
  await own.close();
});

describe("a gateway with the executor", () => {
  it("answers a query as with graphql-js, whoever asks", async () => {
    let answered = 0;
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        const document = randomDocument(schema, words, 4, g);
        fc.pre(document.startsWith("query"));
        const email = ["ada@northwind.test", "gus@lumen.test"][g(fc.nat, { max: 1 })]!;

        const [one, other] = [
          await own.as(email, "northwind").ask(document),
          await reference.as(email, "northwind").ask(document),
        ];

        const shown = ({ status, data, errors }: typeof one) =>
          JSON.stringify({ status, data, errors }).replaceAll(/"requestId":"[^"]*"/g, "");
        expect(shown(one)).toEqual(shown(other));
        if (one.data) answered++;
      }),
      { numRuns: DOCUMENTS, endOnFailure: true },
    );

    expect(answered).toBeGreaterThan(DOCUMENTS / 4);
  });
});
