import type { TestGateway } from "../../support/gateway.js";
import { openGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { ofData } from "../../support/statements.js";
import { type Planted, world } from "../../support/world.js";

const past = new Date(Date.now() - 3_600_000);
const soon = new Date(Date.now() + 3_600_000);

let gateway: TestGateway;
let port: Planted;
let sql: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  ({ port } = await world(gateway, {
    port: {
      tree: { port: { quay: { crane: {} }, dock: {} } },
      roles: { clerk: { at: "quay", permissions: ["invoices:read"] } },
      people: {
        olga: [{ at: "port", roles: ["owner"], reach: "SUBTREE" }],
        kim: [{ at: "quay", roles: ["admin"], reach: "SUBTREE" }],
        mona: [{ at: "crane", roles: ["member"] }],
        // Manages quay, and nothing below it.
        near: [{ at: "quay", roles: ["admin"] }],
        // Allowed at crane by a grant that kim may not know of.
        both: [
          { at: "port", can: ["audit:read"], reach: "SUBTREE" },
          { at: "crane", roles: ["guest"] },
        ],
        tim: [
          { at: "quay", roles: ["member", "clerk"], until: soon },
          { at: "crane", roles: ["clerk"], grantsUntil: past },
        ],
        late: [{ at: "crane", roles: ["admin"], until: past }],
        halt: [{ at: "crane", roles: ["admin"], suspended: true }],
        bare: [{ at: "crane" }],
        stop: [{ at: "crane", roles: ["admin"] }],
        far: [{ at: "dock", roles: ["member"] }],
      },
      suspended: ["stop"],
    },
  }));
  sql = homeOf(gateway, "port");
});
afterAll(() => gateway.close());

describe("Query.permissions", () => {
  it("is the catalogue of the product, and empty for who is not signed in", async () => {
    const document = "{ permissions { key description builtIn } }";
    const { permissions } = await port.as("mona").get(document);

    expect(permissions).toContainEqual({ key: "members:read", description: expect.any(String), builtIn: true });
    expect(permissions).toContainEqual({ key: "invoices:read", description: expect.any(String), builtIn: false });
    expect((await gateway.anonymous.get(document)).permissions).toEqual([]);
  });
});

describe("Query.permissionChecks", () => {
  const document =
    "query($subject: SubjectBy, $checks: [PermissionCheckInput!]!) { permissionChecks(subject: $subject, checks: $checks) { organizationId permission reach allowed } }";
  const check = (slug: string, permission: string) => ({ organizationId: port.id("Organization", slug), permission });
  const missing = Buffer.from("Organization:0195b3f2-0000-7000-8000-000000000000").toString("base64url");
  const ask = (who: string, checks: object[], about?: string) =>
    port.as(who).ask(document, { checks, ...(about && { subject: { userId: port.id("User", about) } }) });
  const allowed = async (who: string, checks: object[], about?: string) =>
    (await ask(who, checks, about)).data.permissionChecks?.map((one: { allowed: boolean }) => one.allowed) ?? null;

  it("answers about the viewer, in order, as viewerCan does", async () => {
    const checks = [
      check("crane", "members:manage"),
      check("quay", "organizations:delete"),
      check("dock", "members:read"),
    ];

    expect((await ask("kim", checks)).data.permissionChecks).toEqual([
      { ...checks[0], reach: "ORGANIZATION", allowed: true },
      { ...checks[1], reach: "ORGANIZATION", allowed: false },
      { ...checks[2], reach: "ORGANIZATION", allowed: false },
    ]);
  });

  it("tells what is allowed there alone from what is allowed below, too", async () => {
    const checks = ["ORGANIZATION", "SUBTREE", null].map((reach) => ({ ...check("quay", "members:manage"), reach }));

    expect(await allowed("near", checks)).toEqual([true, false, true]);
    expect(await allowed("kim", checks)).toEqual([true, true, true]);
    expect(await allowed("kim", checks, "near")).toEqual([true, false, true]);
    expect((await ask("near", checks)).data.permissionChecks.map((one: { reach: string }) => one.reach)).toEqual([
      "ORGANIZATION",
      "SUBTREE",
      "ORGANIZATION",
    ]);
  });

  it("says no where an organization is hidden as where it is missing", async () => {
    expect(
      await allowed("mona", [check("dock", "members:read"), { organizationId: missing, permission: "members:read" }]),
    ).toEqual([false, false]);
  });

  it("answers about somebody else where the viewer may read members", async () => {
    const checks = [check("crane", "members:read"), check("quay", "members:read"), check("quay", "invoices:read")];

    expect(await allowed("kim", checks, "mona")).toEqual([true, false, false]);
    expect(await allowed("kim", checks, "tim")).toEqual([false, true, true]);
    expect(await allowed("kim", [check("crane", "members:read")], "stop")).toEqual([false]);
    expect(await allowed("kim", [check("crane", "members:read")], "late")).toEqual([false]);
    expect(await allowed("kim", [check("crane", "members:read")], "halt")).toEqual([false]);
  });

  it("refuses to answer about somebody else where the viewer may not", async () => {
    const { data, errors } = await ask("both", [check("port", "members:read")], "mona");
    expect(data.permissionChecks).toBeNull();
    expect(errors).toBeUndefined();

    const other = await ask("mona", [check("crane", "members:read"), check("quay", "members:read")], "tim");
    // To mona quay is as good as missing, and so not refused but answered with no.
    expect(other.data.permissionChecks.map((one: { allowed: boolean }) => one.allowed)).toEqual([false, false]);

    const guest = await ask("both", [check("crane", "members:read")], "both");
    expect(guest.data.permissionChecks[0].allowed).toBe(false);
  });

  it("is null about who is hidden as about who is missing, by the same statements", async () => {
    const checks = [check("crane", "members:read")];
    const unknown = Buffer.from("User:0195b3f2-0000-7000-8000-000000000000").toString("base64url");
    const sent = async (userId: string) =>
      ofData(await gateway.database.statements(() => port.as("mona").ask(document, { checks, subject: { userId } })));

    expect(await allowed("mona", checks, "far")).toBeNull();
    expect((await port.as("mona").ask(document, { checks, subject: { userId: unknown } })).data).toEqual({
      permissionChecks: null,
    });
    expect(await sent(unknown)).toEqual(await sent(port.id("User", "far")));
  });

  it("refuses a permission that is not known, and ids of something else", async () => {
    const code = async (one: object) =>
      (await ask("kim", [check("quay", "members:read"), one])).errors?.[0]?.extensions;

    expect(await code(check("quay", "members:raed"))).toMatchObject({
      code: "BAD_USER_INPUT",
      field: ["checks", "1", "permission"],
    });
    expect(await code({ organizationId: "x", permission: "members:read" })).toMatchObject({
      code: "BAD_USER_INPUT",
      field: ["checks", "1", "organizationId"],
    });
  });

  it("reads all in one statement, about the viewer and about somebody else", async () => {
    const checks = Array.from({ length: 100 }, (_, n) => check(["quay", "crane"][n % 2]!, "members:read"));
    const count = async (about?: string) =>
      ofData(await gateway.database.statements(() => ask("kim", checks, about))).length;

    expect([await count(), await count("mona")]).toEqual([1, 1]);
  });
});

describe("Organization.explainAccess", () => {
  const document =
    "query($slug: String!, $subject: SubjectBy!, $permission: String!) { organization(by: { slug: $slug }) { explainAccess(subject: $subject, permission: $permission) { allowed paths { allowed reason organization { slug } role { key } reach expiresAt } } } }";
  const ask = (who: string, slug: string, about: string, permission: string) =>
    port.as(who).ask(document, { slug, permission, subject: { userId: port.id("User", about) } });
  const explain = async (who: string, slug: string, about: string, permission: string) =>
    (await ask(who, slug, about, permission)).data.organization.explainAccess;
  const tried = async (who: string, slug: string, about: string, permission: string) =>
    (await explain(who, slug, about, permission)).paths.map(
      ({
        allowed,
        reason,
        organization,
        role,
      }: {
        allowed: boolean;
        reason: string;
        organization: { slug: string } | null;
        role: { key: string } | null;
      }) => [allowed, reason, organization?.slug ?? null, role?.key ?? null],
    );

  it("names what allows it", async () => {
    expect(await explain("olga", "crane", "kim", "members:manage")).toEqual({
      allowed: true,
      paths: [
        {
          allowed: true,
          reason: "Granted further up, with reach SUBTREE.",
          organization: { slug: "quay" },
          role: { key: "admin" },
          reach: "SUBTREE",
          expiresAt: null,
        },
      ],
    });
    expect(await tried("kim", "crane", "mona", "members:read")).toEqual([[true, "Granted here.", "crane", "member"]]);
    expect((await explain("kim", "quay", "tim", "members:read")).paths[0].expiresAt).toBe(soon.toISOString());
  });

  it("names for each path the first reason why it does not lead there, from here up", async () => {
    const [here, ...above] = await tried("olga", "crane", "tim", "invoices:read");
    expect(here).toEqual([false, "The grant has ended.", "crane", "clerk"]);
    expect(above.sort()).toEqual([
      [false, "The grant does not reach below its organization.", "quay", "clerk"],
      [false, "The role does not have the permission.", "quay", "member"],
    ]);
    expect(await tried("kim", "crane", "late", "members:read")).toEqual([
      [false, "The membership has ended.", "crane", "admin"],
    ]);
    expect(await tried("kim", "crane", "halt", "members:read")).toEqual([
      [false, "The membership is suspended.", "crane", "admin"],
    ]);
    expect(await tried("kim", "crane", "stop", "members:read")).toEqual([
      [false, "The person is suspended.", "crane", "admin"],
    ]);
    expect(await tried("kim", "crane", "bare", "members:read")).toEqual([
      [false, "The membership has no roles.", "crane", null],
    ]);
    expect(await explain("olga", "crane", "far", "members:read")).toEqual({ allowed: false, paths: [] });
  });

  it("owns up to a yes whose ground the asker may not know, and to nothing more of it", async () => {
    expect(await explain("kim", "crane", "both", "audit:read")).toEqual({
      allowed: true,
      paths: [
        {
          allowed: false,
          reason: "The role does not have the permission.",
          organization: { slug: "crane" },
          role: { key: "guest" },
          reach: "ORGANIZATION",
          expiresAt: null,
        },
        {
          allowed: true,
          reason: "Allowed by a grant further up, where you may not read members.",
          organization: null,
          role: null,
          reach: null,
          expiresAt: null,
        },
      ],
    });
    // Of what does not lead there and is hidden, not a word.
    expect(await tried("kim", "crane", "both", "members:manage")).toHaveLength(1);
  });

  it("says why something is not allowed below, and explains each reach for itself", async () => {
    const about = `subject: { userId: "${port.id("User", "near")}" }, permission: "members:manage"`;
    const fields = "{ allowed paths { reason } remedy { reach organization { slug } } }";

    const { organization } = await port
      .as("near")
      .get(
        `{ organization(by: { slug: "quay" }) { here: explainAccess(${about}) ${fields} below: explainAccess(${about}, reach: SUBTREE) ${fields} } }`,
      );

    expect(organization).toEqual({
      here: { allowed: true, paths: [{ reason: "Granted here." }], remedy: null },
      below: {
        allowed: false,
        paths: [{ reason: "The grant is for the organization alone, and this needs reach SUBTREE." }],
        remedy: { reach: "SUBTREE", organization: { slug: "quay" } },
      },
    });
  });

  it("is for who manages members there, and for everybody about themselves", async () => {
    expect((await explain("mona", "crane", "mona", "members:read")).allowed).toBe(true);

    const { data, errors } = await ask("mona", "crane", "kim", "members:read");
    expect(data.organization.explainAccess).toBeNull();
    expect(errors?.[0]?.extensions).toMatchObject({ code: "FORBIDDEN", permission: "members:manage" });
  });

  it("is null about who is hidden, and refuses a permission that is not known", async () => {
    expect(await explain("kim", "crane", "far", "members:read")).toBeNull();
    expect((await ask("kim", "crane", "mona", "a:b")).errors?.[0]?.extensions.code).toBe("BAD_USER_INPUT");
  });

  it("says that the organization is suspended", async () => {
    await sql("update organizations set status = 'SUSPENDED' where slug = 'dock'");

    expect(await tried("olga", "dock", "olga", "members:manage")).toEqual([
      [false, "The organization, or one above it, is suspended or archived.", "port", "owner"],
    ]);
    await sql("update organizations set status = 'ACTIVE' where slug = 'dock'");
  });

  it("agrees with what the subject is told themselves", async () => {
    const { organizations } = await port.as("olga").get("{ organizations { nodes { slug } } }");
    for (const about of Object.keys(port.users).filter((name) => name !== "stop"))
      for (const { slug } of organizations.nodes as { slug: string }[]) {
        const own = (
          await port
            .as(about)
            .get(`{ organization(by: { slug: "${slug}" }) { viewerCan(permission: "members:read") } }`)
        ).organization;

        if (own) expect((await explain("olga", slug, about, "members:read")).allowed).toBe(own.viewerCan);
      }
  });

  it("reads everybody of a level in one statement", async () => {
    const people = ["mona", "tim", "both", "late", "bare"];
    const fields = people.map(
      (name, n) =>
        `e${n}: explainAccess(subject: { userId: "${port.id("User", name)}" }, permission: "members:read") { paths { organization { slug } } }`,
    );

    const statements = await gateway.database.statements(() =>
      port.as("olga").get(`{ organizations { nodes { ${fields.join(" ")} } } }`),
    );

    expect(ofData(statements)).toHaveLength(3);
  });
});
