import { type Answer, openGateway, type TestGateway } from "../support/gateway.js";
import { activity, recordOf } from "../support/sessions.js";
import { until } from "../support/until.js";
import { type Planted, world } from "../support/world.js";

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: {} },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        closed: [{ at: "acme", roles: ["member"], suspended: true }],
      },
    },
  }));
});
afterAll(() => gateway.close());

// Passes without a trace.
const suspendClosed = () =>
  `suspended: suspendMembership(input: { membershipId: "${acme.id("Membership", "closed@acme")}" }) {
     ... on SuspendMembershipPayload { membership { status } } }`;
const create = (slug: string) =>
  `created: createOrganization(input: { parentId: "${acme.id("Organization", "acme")}", name: "N", slug: "${slug}" }) {
     __typename }`;

/** Asks while nobody can write into a table, and kills the session that waits for it. */
async function losing(document: string, table = "slugs"): Promise<Answer> {
  const { database } = gateway;
  const { home } = await recordOf(database, "acme");
  return database.owners(async (owners) => {
    const owner = await owners.of(home.database);
    await owner.run("begin");
    await owner.run(`lock table ${home.schemaName}.${table} in exclusive mode`);
    const answer = acme.as("ada").ask(document);
    await until(async () => (await activity(database, "relation")) === 1);
    await owner.run(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename ~ '^tenantry_serve' and datname = current_database() and wait_event = 'relation'`,
    );
    await owner.run("rollback");
    return answer;
  });
}
const told = ({ status, headers, errors }: Answer) => ({
  status,
  retryAfter: headers.get("retry-after"),
  errors: errors?.map(({ path, extensions }) => [path?.join("."), extensions.code]),
});

describe("a session that is lost in a change", () => {
  it("says that nothing was changed where nothing was, and asks for another try", async () => {
    const answer = await losing(`mutation { ${create("lost")} }`);

    expect(told(answer)).toEqual({ status: 503, retryAfter: "1", errors: [["created", "UNAVAILABLE"]] });
    expect(answer.errors![0]!.message).toContain("nothing was changed");
  });

  it("says so of the one behind another, and asks nobody to send both again", async () => {
    const answer = await losing(`mutation { ${suspendClosed()} ${create("second")} }`);

    expect(answer.data).toEqual({ suspended: { membership: { status: "SUSPENDED" } }, created: null });
    expect(told(answer)).toEqual({ status: 200, retryAfter: null, errors: [["created", "UNAVAILABLE"]] });
  });

  it("says that nobody knows, and asks for a look, where the commit had been sent", async () => {
    const answer = await losing(`mutation { ${create("third")} }`, "audit_events");

    expect(told(answer)).toEqual({ status: 200, retryAfter: null, errors: [["created", "OUTCOME_UNKNOWN"]] });
    expect(answer.errors![0]!.message).toContain("Look before you try again.");
  });
});

describe("what cannot be meant", () => {
  const rename = (name: string, asked: string) =>
    `mutation { renamed: updateOrganization(input: { organizationId: "${acme.id("Organization", "acme")}", name: "${name}" }) {
       ... on UpdateOrganizationPayload { organization { name ${asked} } } } }`;

  it("below a change that was made does not make it a refused request", async () => {
    const answer = await acme.as("ada").ask(rename("Made", `memberships(after: "no cursor") { nodes { id } }`));

    expect(answer.data).toEqual({ renamed: { organization: { name: "Made", memberships: null } } });
    expect(told(answer)).toMatchObject({
      status: 200,
      errors: [["renamed.organization.memberships", "BAD_USER_INPUT"]],
    });
  });

  it("is a refused request where nothing was answered", async () => {
    const answer = await acme
      .as("ada")
      .ask(`{ permissionChecks(checks: [{ organizationId: "none", permission: "a:b" }]) { allowed } }`);

    expect(told(answer)).toMatchObject({ status: 400, errors: [["permissionChecks", "BAD_USER_INPUT"]] });
  });
});

describe("who shuts themselves out", () => {
  it("is told that it was done, and finds no tenant where the answer would be", async () => {
    const ben = acme.as("ben");

    const answer = await ben.ask(
      `mutation { suspendUser(input: { userId: "${acme.id("User", "ben")}" }) {
         __typename ... on SuspendUserPayload { user { status } } } ${create("after")} }`,
    );

    expect(answer.data).toEqual({
      suspendUser: { __typename: "SuspendUserPayload", user: null },
      created: null,
    });
    expect(told(answer)).toEqual({
      status: 200,
      retryAfter: null,
      errors: [
        ["suspendUser.user", "TENANT_NOT_FOUND"],
        ["created", "TENANT_NOT_FOUND"],
      ],
    });
    expect(told(await ben.ask("{ viewer { id } }"))).toMatchObject({
      status: 400,
      errors: [[undefined, "TENANT_NOT_FOUND"]],
    });
  });
});
