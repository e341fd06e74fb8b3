import { withOwner } from "../../src/database/owner.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { activity } from "../support/sessions.js";
import { until } from "../support/until.js";
import { type Planted, world } from "../support/world.js";

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  // Time enough for a slow machine to get as far as the row.
  const { name, owner } = gateway.database;
  await owner(`alter role tenantry_serve in database ${name} set lock_timeout = '60s'`);
  await owner(`alter role tenantry_serve in database ${name} set statement_timeout = '60s'`);
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        brief: [{ at: "acme", roles: ["admin", "guest"] }],
        passing: [{ at: "acme", can: ["organizations:update"], reach: "SUBTREE" }, { at: "north" }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const document = (slug: string) =>
  `mutation { updateOrganization(input: { organizationId: "${acme.id("Organization", slug)}", name: "Changed" }) {
    __typename ... on UpdateOrganizationPayload { organization { name } } } }`;
const END = "set expires_at = clock_timestamp() + interval '3 s'";
const GRANT = `update grants ${END} where role_key = 'admin' returning expires_at`;

/** Asks for a change whose right ends while it waits for a row. */
async function whileItEnds(who: string, slug = "acme", end = GRANT) {
  const { database } = gateway;
  const sql = homeOf(gateway, "acme");
  const [home] = await sql("select current_schema() as name");
  return withOwner(database.url("tenantry_owner"), async (owner) => {
    await owner.run("begin");
    await owner.run(`select from ${home!.name}.organizations for update`);
    const [{ expires_at: at }] = (await sql(end)) as [{ expires_at: string }];
    const answer = acme.as(who).ask(document(slug));
    await until(async () => (await activity(database, "Lock")) + (await activity(database, "transactionid")) > 0);
    await until(async () => (await sql("select clock_timestamp() > $1::timestamptz as over", [at]))[0]!.over === true);
    await owner.run("rollback");
    return answer;
  });
}

describe("a right that ends while a change that it allowed still waits", () => {
  it("allows it no more: the change is judged anew, and nothing of it is kept", async () => {
    const { data, errors } = await whileItEnds("brief");

    expect(data).toEqual({ updateOrganization: null });
    expect(errors?.map(({ extensions }) => extensions.code)).toEqual(["FORBIDDEN"]);
    expect((await acme.as("ada").get('{ organization(by: { slug: "acme" }) { name } }')).organization.name).toBe(
      "acme",
    );
  });

  it("changes nothing for who holds another one", async () => {
    const { data, errors } = await whileItEnds("ada");

    expect(errors).toBeUndefined();
    expect(data).toEqual({
      updateOrganization: { __typename: "UpdateOrganizationPayload", organization: { name: "Changed" } },
    });
  });

  it("shows what was changed to nobody who saw it by a membership alone that ends", async () => {
    const membership = acme.memberships["passing@north"];
    const { data, errors } = await whileItEnds(
      "passing",
      "north",
      `update memberships ${END} where id = '${membership}' returning expires_at`,
    );

    expect(errors).toBeUndefined();
    expect(data).toEqual({ updateOrganization: { __typename: "NotFoundFailure" } });
    expect((await acme.as("ada").get('{ organization(by: { slug: "north" }) { name } }')).organization.name).toBe(
      "north",
    );
  });
});
