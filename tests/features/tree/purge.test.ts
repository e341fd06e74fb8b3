import { sealNow, verifyIn } from "../../support/audit.js";
import { change } from "../../support/change.js";
import { jsonLines, run } from "../../support/command.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, ownerInHome } from "../../support/home.js";
import { owningSettings } from "../../support/settings.js";
import { CROOKED } from "../../support/tree.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
let env: Record<string, string>;
beforeAll(async () => {
  gateway = await openGateway();
  env = await owningSettings(
    gateway.database,
    ...Object.keys(gateway.database.databases).filter((name) => name !== "main"),
  );
  ({ acme } = await world(gateway, {
    acme: {
      tree: { root: { north: { n1: { n1a: {} }, n2: {} }, south: {} } },
      formerly: { n1: ["n-one"] },
      roles: { local: { at: "n1", permissions: ["organizations:read"] } },
      people: {
        ada: [{ at: "root", roles: ["owner"], reach: "SUBTREE" }],
        emil: [{ at: "n1a", roles: ["member", "local"] }],
      },
      events: { n1a: 1 },
      asking: { n1a: ["jo"], south: ["jo"] },
      claims: { n1a: ["n1a.test"], south: ["south.test"] },
      invited: { n1a: ["ivo"], south: ["iva"] },
    },
  }));
});
afterAll(() => gateway.close());

const remove = (slug: string) =>
  change(acme.as("ada"), "deleteOrganization", { organizationId: acme.id("Organization", slug) }, "__typename");
const purge = (...more: string[]) => run(["tenant", "purge", "--json", ...more], { env });
const rows = async () =>
  (
    await homeOf(
      gateway,
      "acme",
    )(
      `select (select string_agg(slug, ' ' order by slug) from organizations) as organizations,
         (select count(*)::int from memberships) as memberships, (select count(*)::int from grants) as grants,
         (select string_agg(i.email || ' ' || i.status, ', ') from invitations i) as invitations,
         (select count(*)::int from join_requests) as requests, (select string_agg(domain, ' ') from organization_domains) as domains,
         (select count(*)::int from join_policies) as policies, (select count(*)::int from offered_grants) as offered, (select count(*)::int from roles) as roles, (select count(*)::int from users) as users`,
    )
  )[0];

describe("tenantry tenant purge", () => {
  it("leaves alone what is in use, and what can still be restored", async () => {
    const policy = { organizationId: acme.id("Organization", "n1a"), mode: "ASK" };
    await change(acme.as("ada"), "setJoinPolicy", policy, "__typename");
    await remove("n1");
    const before = await rows();

    expect(await purge("acme")).toMatchObject({ code: 0, stdout: "" });
    expect(await rows()).toEqual(before);
  });

  it("removes what is due with everything below, notes it where it was, and keeps people and slugs", async () => {
    await homeOf(
      gateway,
      "acme",
    )("update organizations set deletes_at = now() - interval '1 s' where slug in ('n1', 'n1a')");
    // Offered where it was usable once.
    await homeOf(gateway, "acme")("update offered_grants set role_key = null, role_id = $1 where invitation_id = $2", [
      acme.roles.local,
      acme.invitations["iva@south"],
    ]);

    const { code, stdout } = await purge();

    expect([code, jsonLines(stdout)]).toEqual([
      0,
      [expect.objectContaining({ tenant: "acme", slug: "n1", organizations: 2 })],
    ]);
    expect(await rows()).toEqual({
      organizations: "n2 north root south",
      memberships: 1,
      grants: 1,
      invitations: "iva@acme.test WITHDRAWN",
      offered: 0,
      requests: 1,
      domains: "south.test",
      policies: 0,
      roles: 0,
      users: 2,
    });
    expect(await homeOf(gateway, "acme")(CROOKED)).toEqual([]);
    const { organization } = await acme
      .as("ada")
      .get(
        '{ organization(by: { slug: "north" }) { auditEvents(filter: { actions: ["organization.purged"] }) { nodes { actor { __typename } target { id } targetId changes } } } }',
      );
    expect(organization.auditEvents.nodes).toEqual([
      {
        actor: null,
        target: null,
        targetId: acme.id("Organization", "n1"),
        changes: { slug: "n1", name: "n1", organizations: 2 },
      },
    ]);
  });

  it.each(["n1", "n-one", "n1a"])("leaves the slug to nobody, and leading nowhere: %s", async (slug) => {
    const input = { organizationId: acme.id("Organization", "south"), slug };

    expect(await change(acme.as("ada"), "updateOrganization", input, "__typename")).toMatchObject({
      code: "SLUG_UNAVAILABLE",
    });
    expect(await acme.as("ada").get(`{ organization(by: { slug: "${slug}" }) { id } }`)).toEqual({
      organization: null,
    });
  });

  it("shows nothing of it any more by any id, but what happened there", async () => {
    const ids = [
      acme.id("Organization", "n1"),
      acme.id("Organization", "n1a"),
      acme.id("Membership", "emil@n1a"),
      acme.id("Role", "local"),
      acme.id("Invitation", "ivo@n1a"),
      acme.id("JoinRequest", "jo@n1a"),
    ];
    const event = acme.id("AuditEvent", "n1a");

    const { nodes } = await acme
      .as("ada")
      .get("query($ids: [ID!]!) { nodes(ids: $ids) { id ... on AuditEvent { organization { id } target { id } } } }", {
        ids: [...ids, event],
      });

    expect(nodes).toEqual([...ids.map(() => null), { id: event, organization: null, target: null }]);
  });

  it("leaves an audit that is what was written", async () => {
    await sealNow(gateway, "acme");

    const verified = await ownerInHome(gateway, "acme", (sql) => verifyIn(sql, acme.tenantId));

    expect(verified).toMatchObject({ unsealed: 0, broken: null });
  });
});
