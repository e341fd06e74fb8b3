import { openGateway, type TestGateway } from "../support/gateway.js";
import { ownerInHome, servingOf } from "../support/home.js";

let gateway: TestGateway;
let parentId: string;
beforeAll(async () => {
  gateway = await openGateway();
  const { login, database } = await servingOf(gateway, "northwind");
  await gateway.database.owner(`alter role ${login} in database ${database} set statement_timeout = '250ms'`);
  // Writing an event is as quick as ever; reading one takes longer than a statement may.
  await ownerInHome(gateway, "northwind", (sql) =>
    sql(
      "create policy slow on audit_events as restrictive for select using (pg_catalog.pg_sleep(1)::text is not null)",
    ),
  );
  const { organization } = await gateway
    .as("ada@northwind.test", "northwind")
    .get('{ organization(by: { slug: "north" }) { id } }');
  parentId = organization.id;
});
afterAll(() => gateway.close());

const create = (alias: string, slug: string, below: string) =>
  `${alias}: createOrganization(input: { parentId: "${parentId}", name: "N", slug: "${slug}" }) {
    ... on CreateOrganizationPayload { organization { slug ${below} } }
  }`;
const EVENTS = "auditEvents { nodes { id } }";

describe("a fault in reading what a change made", () => {
  it("says that the change was made, and does not invite to make it again", async () => {
    const ada = gateway.as("ada@northwind.test", "northwind");

    const { status, headers, data, errors } = await ada.ask(`mutation { ${create("a", "made-a", EVENTS)} }`);

    expect([status, headers.get("retry-after")]).toEqual([200, null]);
    expect(data).toEqual({ a: { organization: { slug: "made-a", auditEvents: null } } });
    expect(errors?.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [["a", "organization", "auditEvents"], "OUTCOME_UNKNOWN"],
    ]);
    expect(errors?.[0]?.message).toBe(
      "The change was made, but its answer could not be read. Look at what it made, and do not repeat it.",
    );
  });

  it("hides no other change of the document", async () => {
    const { status, data } = await gateway
      .as("ada@northwind.test", "northwind")
      .ask(`mutation { ${create("a", "made-b", EVENTS)} ${create("b", "made-c", "")} }`);

    expect([status, data.b]).toEqual([200, { organization: { slug: "made-c" } }]);
  });

  it("is the same as ever in a query, which changes nothing", async () => {
    const { status, headers, errors } = await gateway
      .as("ada@northwind.test", "northwind")
      .ask(`query { organization(by: { slug: "made-a" }) { ${EVENTS} } }`);

    expect([status, headers.get("retry-after"), errors?.[0]?.extensions.code]).toEqual([200, null, "UNAVAILABLE"]);
  });
});
