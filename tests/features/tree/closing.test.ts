import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, type TenantSketch, world } from "../../support/world.js";

const DAY_MS = 86_400_000;
const CLOSE = ["organizations:read", "organizations:delete", "organizations:suspend"];

let gateway: TestGateway;
let tenant: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme: tenant } = await world(gateway, { acme: SKETCH }));
  sql = homeOf(gateway, "acme");
});
afterAll(() => gateway.close());

const SKETCH: TenantSketch = {
  tree: { acme: { north: { n1: { n1a: {} }, n2: {} }, lab: { bench: {} } } },
  roles: {
    ofNorth: { at: "north", permissions: ["members:read"] },
    ofN1: { at: "n1", permissions: ["members:read"] },
  },
  people: {
    ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
    ben: [{ at: "north", roles: ["owner"], reach: "SUBTREE" }],
    dora: [{ at: "north", can: CLOSE, reach: "SUBTREE" }],
    // May not look into what is suspended.
    gil: [{ at: "north", can: CLOSE.slice(0, 2), reach: "SUBTREE" }],
    emil: [
      { at: "n1", roles: ["member", "ofN1"] },
      { at: "n2", roles: ["ofNorth"] },
    ],
    finn: [{ at: "n1a", roles: ["member"] }],
  },
  invited: { north: ["ivo"], n1a: ["ian"], lab: ["leo"] },
  claims: { n2: ["n2.test"], lab: ["lab.test"] },
  asking: { n1: ["jo"] },
};

const close = (by: string, mutation: string, slug: string) =>
  change(
    tenant.as(by),
    mutation,
    { organizationId: tenant.id("Organization", slug) },
    "organization { slug status deletesAt }",
  );
const look = async (who: string, slug: string) =>
  (await tenant.as(who).get(`{ organization(by: { slug: "${slug}" }) { status viewerPermissions } }`)).organization;
const stateOf = async (slug: string) =>
  (await sql("select status, deletes_at is not null as going from organizations where slug = $1", [slug]))[0];

describe("suspendOrganization", () => {
  it("closes it and all below from the next request on, but to who may resume it from above, who opens it again", async () => {
    expect((await close("ben", "suspendOrganization", "n1")).organization).toMatchObject({
      status: "SUSPENDED",
    });
    expect(await Promise.all(["emil", "finn"].map((who) => look(who, who === "emil" ? "n1" : "n1a")))).toEqual([
      null,
      null,
    ]);
    expect((await look("ben", "n1a")).viewerPermissions).toEqual([
      "organizations:read",
      "organizations:suspend",
      "members:read",
      "audit:read",
    ]);

    expect((await close("ben", "resumeOrganization", "n1")).organization).toMatchObject({ status: "ACTIVE" });
    expect((await look("finn", "n1a")).viewerPermissions).toEqual(["organizations:read", "members:read"]);
  });

  it("shuts out who suspends what they hold nothing above", async () => {
    expect(await close("ben", "suspendOrganization", "north")).toEqual({
      __typename: "SuspendOrganizationPayload",
      organization: null,
    });
    expect(await close("ben", "resumeOrganization", "north")).toMatchObject({ code: "NOT_FOUND" });
    expect((await close("ada", "resumeOrganization", "north")).organization.status).toBe("ACTIVE");
  });

  it("notes each once, with what it was", async () => {
    for (const mutation of ["suspend", "suspend", "resume", "resume", "archive", "archive", "restore", "restore"])
      await close("ada", `${mutation}Organization`, "n2");

    const noted = ["suspended", "resumed", "archived", "restored"].map((what) =>
      auditOf(gateway.database, tenant, `organization.${what}`, tenant.organizations.n2),
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
    const before = await look("ben", "n1a");

    expect((await close("ben", "archiveOrganization", "n1")).organization.status).toBe("ARCHIVED");
    expect((await look("finn", "n1a")).viewerPermissions).toEqual(["organizations:read", "members:read"]);
    expect((await look("ben", "n1a")).viewerPermissions).toEqual([
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

    await close("ben", "restoreOrganization", "n1");
    expect(await look("ben", "n1a")).toEqual(before);
  });

  it("lets nothing be created below once it is done, whoever comes first", async () => {
    const parentId = tenant.id("Organization", "bench");

    for (let round = 0; round < 5; round++) {
      const input = { parentId, name: "New", slug: `new-${round}` };
      const [created] = await Promise.all([
        tenant
          .as("ada")
          .ask("mutation($input: CreateOrganizationInput!) { createOrganization(input: $input) { __typename } }", {
            input,
          }),
        close("ada", "archiveOrganization", "lab"),
      ]);
      const [row] = await sql(
        `select c.at <= a.at as before from audit_events a left join audit_events c on c.changes->>'slug' = $1
         where a.action = 'organization.archived' order by a.at desc limit 1`,
        [`new-${round}`],
      );

      expect(row!.before).toBe(created.errors ? null : true);
      await close("ada", "restoreOrganization", "lab");
    }
  });
});

describe("deleteOrganization", () => {
  it("archives it, says when it goes, puts that off for nobody, and can be taken back", async () => {
    const { organization } = await close("ben", "deleteOrganization", "n1");

    expect(organization.status).toBe("ARCHIVED");
    const inDays = (Date.parse(organization.deletesAt) - Date.now()) / DAY_MS;
    expect(inDays).toBeGreaterThan(29.9);
    expect(inDays).toBeLessThan(30.1);
    expect((await close("ben", "deleteOrganization", "n1")).organization).toEqual(organization);
    expect((await close("ben", "archiveOrganization", "n1")).organization).toEqual(organization);
    expect((await close("ben", "restoreOrganization", "n1")).organization).toEqual({
      slug: "n1",
      status: "ACTIVE",
      deletesAt: null,
    });
  });

  it("leaves what the last of two who delete and restore at once has made of it", async () => {
    for (let round = 0; round < 5; round++) {
      await Promise.all(["delete", "restore"].map((what) => close("ada", `${what}Organization`, "lab")));

      const [last] = await sql(
        "select action from audit_events where target_id = $1 order by at desc, id desc limit 1",
        [tenant.organizations.lab],
      );
      const isDeleted = last!.action === "organization.deleted";
      expect(await stateOf("lab")).toEqual({ status: isDeleted ? "ARCHIVED" : "ACTIVE", going: isDeleted });
    }
  });
});

describe("Organization.isOpen", () => {
  const listed = async (who: string, filter: string) => {
    const { viewer, organizations } = await tenant
      .as(who)
      .get(
        `{ viewer { organizations(filter: ${filter}) { nodes { slug } } } organizations(filter: ${filter}, orderBy: NAME_DESC) { nodes { slug isOpen } } }`,
      );
    const slugs = organizations.nodes.map(({ slug }: { slug: string }) => slug).sort();
    expect(viewer.organizations.nodes.map(({ slug }: { slug: string }) => slug).sort()).toEqual(slugs);
    return slugs;
  };
  const isOpen = async (who: string, slug: string) =>
    (await tenant.as(who).get(`{ organization(by: { slug: "${slug}" }) { isOpen status } }`)).organization;

  it.each(["archive", "suspend", "delete"])(
    "is false there and below as long as something is closed by %s, whatever the status of each itself",
    async (what) => {
      expect(await isOpen("ada", "n1a")).toEqual({ status: "ACTIVE", isOpen: true });
      // Of two who closed and opened something else at once, either may have been the last.
      const before = await listed("ada", "{ isOpen: false }");

      await close("ada", `${what}Organization`, "n1");

      expect(await isOpen("ada", "n1a")).toEqual({ status: "ACTIVE", isOpen: false });
      expect(await isOpen("ada", "n1")).toMatchObject({ isOpen: false });
      expect(await isOpen("ada", "n2")).toMatchObject({ isOpen: true });
      expect(await listed("ada", "{ isOpen: false }")).toEqual([...before, "n1", "n1a"].sort());
      expect(await listed("ada", '{ search: "n", isOpen: true }')).not.toContain("n1a");
      expect(await listed("ada", "{ status: [ACTIVE] }")).toContain("n1a");
      expect(await listed("ada", "{ status: [ACTIVE], isOpen: true }")).not.toContain("n1a");
      await close("ada", what === "suspend" ? "resumeOrganization" : "restoreOrganization", "n1");
      expect(await listed("ada", "{ isOpen: false }")).toEqual(before);
    },
  );

  it("is known to who sees nothing of what is closed above them, and costs no statement", async () => {
    await close("ada", "archiveOrganization", "north");

    const sent = await gateway.database.statements(async () =>
      expect(await isOpen("finn", "n1a")).toEqual({ status: "ACTIVE", isOpen: false }),
    );

    expect(ofData(sent)).toHaveLength(1);
    expect(await listed("finn", "{ isOpen: false }")).toEqual(["n1a"]);
    await close("ada", "restoreOrganization", "north");
  });
});

describe("the root", () => {
  it.each(["suspend", "archive", "delete"])("cannot be closed, so that its owners stay: %s", async (what) => {
    const before = await gateway.database.content("acme");

    expect(await close("ada", `${what}Organization`, "acme")).toMatchObject({
      __typename: "RootOrganizationFailure",
      code: "ROOT_ORGANIZATION",
      field: ["input", "organizationId"],
    });
    expect(await gateway.database.content("acme")).toBe(before);
  });
});

describe("Organization.deletionPreview", () => {
  const preview = async (who: string, slug: string) =>
    (
      await tenant
        .as(who)
        .get(`{ organization(by: { slug: "${slug}" }) { deletionPreview { organizations roles memberships grants } } }`)
    ).organization.deletionPreview;

  it("counts what would go, in one statement for a level", async () => {
    expect(await preview("ada", "n1")).toEqual({ organizations: 2, roles: 1, memberships: 2, grants: 3 });
    expect(await preview("ada", "north")).toEqual({ organizations: 4, roles: 2, memberships: 6, grants: 7 });
    const counts = await gateway.database.statements(() =>
      tenant.as("ada").get("{ organizations { nodes { deletionPreview { organizations } } } }"),
    );
    expect(ofData(counts)).toHaveLength(2);
  });

  it("counts invitations, domains and requests to join for who has a say about them", async () => {
    const fields = "{ deletionPreview { invitations domains joinRequests } }";
    const seenBy = async (who: string) =>
      (await tenant.as(who).get(`{ organization(by: { slug: "north" }) ${fields} }`)).organization.deletionPreview;

    expect(await seenBy("ada")).toEqual({ invitations: 2, domains: 1, joinRequests: 1 });
    expect(await seenBy("dora")).toEqual({ invitations: null, domains: null, joinRequests: null });
  });

  it("counts no members for who may not read them, and nothing that is closed to the viewer", async () => {
    expect(await preview("dora", "north")).toEqual({ organizations: 4, roles: 2, memberships: null, grants: null });

    await close("ada", "suspendOrganization", "n1");
    expect(await preview("dora", "north")).toMatchObject({ organizations: 4, roles: 2 });
    expect(await preview("gil", "north")).toMatchObject({ organizations: 2, roles: 1 });
  });
});
