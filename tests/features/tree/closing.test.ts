import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const DAY_MS = 86_400_000;
const CLOSE = ["organizations:read", "organizations:delete", "organizations:suspend"];

let gateway: TestGateway;
beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(() => gateway.close());

const plant = async (slug: string): Promise<Planted> =>
  (
    await world(gateway, {
      [slug]: {
        tree: { root: { north: { n1: { n1a: {} }, n2: {} }, south: {} } },
        roles: {
          ofNorth: { at: "north", permissions: ["members:read"] },
          ofN1: { at: "n1", permissions: ["members:read"] },
        },
        people: {
          ada: [{ at: "root", roles: ["owner"], reach: "SUBTREE" }],
          ben: [{ at: "north", roles: ["owner"], reach: "SUBTREE" }],
          dora: [{ at: "north", can: CLOSE, reach: "SUBTREE" }],
          emil: [
            { at: "n1", roles: ["member", "ofN1"] },
            { at: "n2", roles: ["ofNorth"] },
          ],
          finn: [{ at: "n1a", roles: ["member"] }],
        },
      },
    })
  )[slug]!;

const close = (tenant: Planted, by: string, mutation: string, slug: string) =>
  change(
    tenant.as(by),
    mutation,
    { organizationId: tenant.id("Organization", slug) },
    "organization { slug status deletesAt }",
  );
const look = async (tenant: Planted, who: string, slug: string) =>
  (await tenant.as(who).get(`{ organization(by: { slug: "${slug}" }) { status viewerPermissions } }`)).organization;
const stateOf = async ({ slug }: Planted, organization: string) =>
  (
    await homeOf(gateway, slug)("select status, deletes_at is not null as going from organizations where slug = $1", [
      organization,
    ])
  )[0];

describe("suspendOrganization", () => {
  it("closes it and all below from the next request on, but to who may resume it from above, who opens it again", async () => {
    const tenant = await plant("suspended");

    expect((await close(tenant, "ben", "suspendOrganization", "n1")).organization).toMatchObject({
      status: "SUSPENDED",
    });
    expect(await Promise.all(["emil", "finn"].map((who) => look(tenant, who, who === "emil" ? "n1" : "n1a")))).toEqual([
      null,
      null,
    ]);
    expect((await look(tenant, "ben", "n1a")).viewerPermissions).toEqual([
      "organizations:read",
      "organizations:suspend",
      "members:read",
      "audit:read",
    ]);

    expect((await close(tenant, "ben", "resumeOrganization", "n1")).organization).toMatchObject({ status: "ACTIVE" });
    expect((await look(tenant, "finn", "n1a")).viewerPermissions).toEqual(["organizations:read", "members:read"]);
  });

  it("shuts out who suspends what they hold nothing above", async () => {
    const tenant = await plant("itself");

    expect(await close(tenant, "ben", "suspendOrganization", "north")).toEqual({
      __typename: "SuspendOrganizationPayload",
      organization: null,
    });
    expect(await close(tenant, "ben", "resumeOrganization", "north")).toMatchObject({ code: "NOT_FOUND" });
    expect((await close(tenant, "ada", "resumeOrganization", "north")).organization.status).toBe("ACTIVE");
  });

  it("notes each once, with what it was", async () => {
    const tenant = await plant("noted");
    for (const mutation of ["suspend", "suspend", "resume", "resume", "archive", "archive", "restore", "restore"])
      await close(tenant, "ada", `${mutation}Organization`, "n1");

    const noted = ["suspended", "resumed", "archived", "restored"].map((what) =>
      auditOf(gateway.database, tenant, `organization.${what}`, tenant.organizations.n1),
    );

    const [active, suspended, archived] = ["ACTIVE", "SUSPENDED", "ARCHIVED"].map((status) => ({ status }));
    expect((await Promise.all(noted)).map((events) => events.map(({ changes }) => changes))).toEqual([
      [{ before: active, after: suspended }],
      [{ before: suspended, after: active }],
      [{ before: active, after: archived }],
      [{ before: archived, after: active }],
    ]);
  });
});

describe("archiveOrganization", () => {
  it("leaves to each what they could read, and to nobody anything else, there and below, until it is restored", async () => {
    const tenant = await plant("archived");
    const before = await look(tenant, "ben", "n1a");

    expect((await close(tenant, "ben", "archiveOrganization", "n1")).organization.status).toBe("ARCHIVED");
    expect((await look(tenant, "finn", "n1a")).viewerPermissions).toEqual(["organizations:read", "members:read"]);
    expect((await look(tenant, "ben", "n1a")).viewerPermissions).toEqual([
      "organizations:read",
      "organizations:delete",
      "members:read",
      "audit:read",
    ]);
    const n1a = tenant.id("Organization", "n1a");
    for (const [mutation, input] of [
      ["createOrganization", { parentId: n1a, name: "New", slug: "new" }],
      ["updateOrganization", { organizationId: n1a, name: "New" }],
      ["removeMembership", { membershipId: tenant.id("Membership", "finn@n1a") }],
      ["moveOrganization", { organizationId: tenant.id("Organization", "n2"), parentId: n1a }],
      ["suspendOrganization", { organizationId: n1a }],
    ] as const)
      expect([mutation, await refused(tenant.as("ada"), mutation, input)]).toEqual([
        mutation,
        { code: "FORBIDDEN", data: null },
      ]);

    await close(tenant, "ben", "restoreOrganization", "n1");
    expect(await look(tenant, "ben", "n1a")).toEqual(before);
  });

  it("lets nothing be created below once it is done, whoever comes first", async () => {
    const tenant = await plant("race");
    const parentId = tenant.id("Organization", "n1a");

    for (let round = 0; round < 5; round++) {
      const input = { parentId, name: "New", slug: `new-${round}` };
      const [created] = await Promise.all([
        tenant
          .as("ada")
          .ask("mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { __typename } }", {
            input,
          }),
        close(tenant, "ada", "archiveOrganization", "n1"),
      ]);
      const [archived] = (await auditOf(gateway.database, tenant, "organization.archived")).slice(-1);
      const [row] = await homeOf(gateway, "race")(
        `select c.at <= a.at as before from audit_events a left join audit_events c on c.changes->>'slug' = $1
         where a.action = 'organization.archived' order by a.at desc limit 1`,
        [`new-${round}`],
      );

      expect(archived).toBeDefined();
      expect(row!.before).toBe(created.errors ? null : true);
      await close(tenant, "ada", "restoreOrganization", "n1");
    }
  });
});

describe("deleteOrganization", () => {
  it("archives it, says when it goes, puts that off for nobody, and can be taken back", async () => {
    const tenant = await plant("deleted");

    const { organization } = await close(tenant, "ben", "deleteOrganization", "n1");

    expect(organization.status).toBe("ARCHIVED");
    const inDays = (Date.parse(organization.deletesAt) - Date.now()) / DAY_MS;
    expect(inDays).toBeGreaterThan(29.9);
    expect(inDays).toBeLessThan(30.1);
    expect((await close(tenant, "ben", "deleteOrganization", "n1")).organization).toEqual(organization);
    expect((await close(tenant, "ben", "archiveOrganization", "n1")).organization).toEqual(organization);
    expect((await close(tenant, "ben", "restoreOrganization", "n1")).organization).toEqual({
      slug: "n1",
      status: "ACTIVE",
      deletesAt: null,
    });
  });

  it("leaves what the last of two who delete and restore at once has made of it", async () => {
    const tenant = await plant("tug");

    for (let round = 0; round < 5; round++) {
      await Promise.all(["delete", "restore"].map((what) => close(tenant, "ada", `${what}Organization`, "n1")));

      const [last] = await homeOf(
        gateway,
        "tug",
      )("select action from audit_events where action like 'organization.%' order by at desc, id desc limit 1");
      const isDeleted = last!.action === "organization.deleted";
      expect(await stateOf(tenant, "n1")).toEqual({ status: isDeleted ? "ARCHIVED" : "ACTIVE", going: isDeleted });
    }
  });
});

describe("the root", () => {
  it.each(["suspend", "archive", "delete"])("cannot be closed, so that its owners stay: %s", async (what) => {
    const tenant = await plant(`root-${what}`);

    const before = await gateway.database.content(tenant.slug);

    expect(await close(tenant, "ada", `${what}Organization`, "root")).toMatchObject({
      __typename: "RootOrganizationFailure",
      code: "ROOT_ORGANIZATION",
      field: ["input", "organizationId"],
    });
    expect(await gateway.database.content(tenant.slug)).toBe(before);
  });
});

describe("Organization.deletionPreview", () => {
  const preview = async (tenant: Planted, who: string, slug: string) =>
    (
      await tenant
        .as(who)
        .get(`{ organization(by: { slug: "${slug}" }) { deletionPreview { organizations roles memberships grants } } }`)
    ).organization.deletionPreview;

  it("counts what would go, in one statement for a level", async () => {
    const tenant = await plant("counted");

    expect(await preview(tenant, "ada", "n1")).toEqual({ organizations: 2, roles: 1, memberships: 2, grants: 3 });
    expect(await preview(tenant, "ada", "north")).toEqual({ organizations: 4, roles: 2, memberships: 5, grants: 6 });
    const counts = await gateway.database.statements(() =>
      tenant.as("ada").get("{ organizations { nodes { deletionPreview { organizations } } } }"),
    );
    expect(ofData(counts)).toHaveLength(2);
  });

  it("counts no members for who may not read them, and nothing that is closed to the viewer", async () => {
    const tenant = await plant("partly");
    const { dora } = { dora: await preview(tenant, "dora", "north") };
    expect(dora).toEqual({ organizations: 4, roles: 2, memberships: null, grants: null });

    await homeOf(gateway, "partly")("update organizations set status = 'SUSPENDED' where slug = 'north'");
    expect(await preview(tenant, "ada", "root")).toMatchObject({ organizations: 6 });
  });
});
