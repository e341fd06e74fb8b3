import { DEFAULT_LIMITS } from "../../src/graphql/limits.js";
import { openGateway, type TestGateway } from "../support/gateway.js";

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway({ limits: { ...DEFAULT_LIMITS, answerObjects: 300 } });
});
afterAll(() => gateway.close());

/** Members of members of members: each page multiplies those before. */
const within = (levels: number): string =>
  levels === 0 ? "id" : `memberships(first: 100) { nodes { organization { ${within(levels - 1)} } } }`;
const codes = (errors: readonly { path?: (string | number)[]; extensions: Record<string, unknown> }[] | undefined) =>
  errors?.map(({ path, extensions }) => [path?.[0], extensions.code, extensions.limit]);

describe("a document that multiplies what there is", () => {
  it("is refused with 400, and says which limit it is", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { status, data, errors } = await cleo.ask(`{ organization(by: { slug: "north-1" }) { ${within(6)} } }`);

    expect([status, data]).toEqual([400, { organization: null }]);
    expect(codes(errors)).toEqual([["organization", "COST_EXCEEDED", "answerObjects"]]);
  });

  it("is null beside what else is asked for", async () => {
    const cleo = gateway.as("cleo@northwind.test", "northwind");

    const { status, data } = await cleo.ask(
      `{ viewer { user { email } } organization(by: { slug: "north-1" }) { ${within(6)} } }`,
    );

    expect([status, data]).toEqual([400, { viewer: { user: { email: "cleo@northwind.test" } }, organization: null }]);
  });

  it("in the answer of a change undoes nothing, and says so", async () => {
    const ada = gateway.as("ada@northwind.test", "northwind");
    const { organization } = await ada.get(`{ organization(by: { slug: "north-1" }) { id } }`);

    const { status, errors } = await ada.ask(
      `mutation { updateOrganization(input: { organizationId: "${organization.id}", name: "Made" }) {
         ... on UpdateOrganizationPayload { organization { ${within(4)} } } } }`,
    );

    expect([status, codes(errors)]).toEqual([200, [["updateOrganization", "OUTCOME_UNKNOWN", undefined]]]);
    expect(await ada.get(`{ organization(by: { slug: "north-1" }) { name } }`)).toEqual({
      organization: { name: "Made" },
    });
  });
});
