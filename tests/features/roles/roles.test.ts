import { encodeId } from "../../../src/graphql/nodeId.js";
import { newId } from "../../../src/ids.js";
import { auditOf } from "../../support/audit.js";
import { change, refused } from "../../support/change.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { missingId } from "../../support/missing.js";
import { type Planted, world } from "../../support/world.js";

const SOON = new Date(Date.now() + 3_600_000);

let gateway: TestGateway;
let acme: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: { store: {} }, south: {} } },
      roles: {
        keeper: { at: "north", permissions: ["organizations:read", "members:read"] },
        auditor: { permissions: ["organizations:read", "audit:read"] },
        stale: { at: "north", permissions: ["organizations:read", "gone:away"] },
      },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "north", roles: ["admin"], reach: "SUBTREE" }],
        near: [{ at: "north", roles: ["admin"] }],
        interim: [{ at: "north", roles: ["admin"], reach: "SUBTREE", grantsUntil: SOON }],
        kim: [{ at: "store", roles: ["keeper"] }],
        cleo: [{ at: "north", roles: ["member"] }],
        southerner: [{ at: "south", roles: ["member"] }],
        southman: [{ at: "south", roles: ["admin"], reach: "SUBTREE" }],
      },
    },
  }));
});
afterAll(() => gateway.close());

const ROLE = "role { id key name description permissions source organization { slug } }";
const create = (by: string, at: string | null, key: string, permissions: string[], more: object = {}) => {
  const where = at === null ? {} : { organizationId: acme.id("Organization", at) };
  return change(acme.as(by), "createRole", { ...where, key, name: `The ${key}`, permissions, ...more }, ROLE);
};
const update = (by: string, roleId: string, input: object) =>
  change(acme.as(by), "updateRole", { roleId, ...input }, ROLE);

describe("createRole", () => {
  it("defines a role for an organization and those below, with its permissions in the catalogue's order, each once", async () => {
    const created = await create("ben", "north", "greeter", ["members:read", "organizations:read", "members:read"], {
      description: "Says hello.",
    });

    expect(created).toMatchObject({
      __typename: "CreateRolePayload",
      role: {
        key: "greeter",
        name: "The greeter",
        description: "Says hello.",
        permissions: ["organizations:read", "members:read"],
        source: "ORGANIZATION",
        organization: { slug: "north" },
      },
    });
    const usable = async (slug: string) =>
      JSON.stringify(
        await acme
          .as("ada")
          .get("query($slug: String!) { organization(by: { slug: $slug }) { roles { key } } }", { slug }),
      );
    expect(await usable("store")).toContain("greeter");
    expect(await usable("south")).not.toContain("greeter");
    expect(await auditOf(gateway.database, acme, "role.created")).toMatchObject([
      { organization_id: acme.organizations.north },
    ]);
  });

  it("defines one for the whole tenant, for who may do so at the root", async () => {
    expect(await create("ada", null, "reader", ["organizations:read"])).toMatchObject({
      role: { source: "TENANT", organization: null },
    });
    const input = { key: "mine", name: "Mine", permissions: [] };
    expect(await refused(acme.as("ben"), "createRole", input)).toEqual({ code: "FORBIDDEN", data: null });
  });

  it("takes no key that is taken there, or is the catalogue's; the same key elsewhere is another role", async () => {
    const taken = { __typename: "RoleKeyTakenFailure", code: "ROLE_KEY_TAKEN", field: ["input", "key"] };

    expect(await create("ben", "north", "keeper", [])).toMatchObject(taken);
    expect(await create("ada", null, "auditor", [])).toMatchObject(taken);
    expect(await create("ada", "south", "owner", [])).toMatchObject(taken);
    expect(await create("ada", "south", "accountant", [])).toMatchObject(taken);
    expect(await create("ada", "south", "keeper", [])).toMatchObject({ __typename: "CreateRolePayload" });
  });

  it("makes one role of two calls at once", async () => {
    const both = await Promise.all([create("ada", "north", "twice", []), create("ben", "north", "twice", [])]);

    expect(both.map(({ __typename }) => __typename).sort()).toEqual(["CreateRolePayload", "RoleKeyTakenFailure"]);
  });

  it("puts nothing into a role that its maker does not hold there and below", async () => {
    expect(await create("ben", "north", "mighty", ["members:read", "organizations:delete"])).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "permissions"],
      permissions: ["organizations:delete"],
    });
    const input = {
      organizationId: acme.id("Organization", "north"),
      key: "k",
      name: "K",
      permissions: ["members:read"],
    };
    expect(await refused(acme.as("near"), "createRole", input)).toEqual({ code: "FORBIDDEN", data: null });
  });

  it("names the permission that the catalogue does not have", async () => {
    expect(await create("ben", "north", "typo", ["members:read", "members:reed"])).toMatchObject({
      code: "INVALID_INPUT",
      field: ["input", "permissions", "1"],
      message: expect.stringContaining("members:read"),
    });
  });

  it.each(["", "Big", "two words", "9lives", "a".repeat(64)])("takes no key like %j", async (key) => {
    expect(await create("ben", "north", key, [])).toMatchObject({ code: "INVALID_INPUT", field: ["input", "key"] });
  });
});

describe("cloneRole", () => {
  const clone = (by: string, roleId: string, at: string | null, key: string, more: object = {}) => {
    const where = at === null ? {} : { organizationId: acme.id("Organization", at) };
    return change(acme.as(by), "cloneRole", { roleId, ...where, key, ...more }, ROLE);
  };
  const fixed = async (key: string): Promise<string> => {
    const { organization } = await acme.as("ada").get('{ organization(by: { slug: "acme" }) { roles { id key } } }');
    return organization.roles.find((role: { key: string }) => role.key === key).id;
  };

  it("defines a role that allows the same, under a name of its own or the same", async () => {
    const id = acme.id("Role", "auditor");

    const copied = await clone("ada", id, "south", "southern-auditor", { name: "Southern", description: "Looks." });

    expect(copied).toMatchObject({
      __typename: "CloneRolePayload",
      role: {
        key: "southern-auditor",
        name: "Southern",
        description: "Looks.",
        permissions: ["organizations:read", "audit:read"],
        source: "ORGANIZATION",
        organization: { slug: "south" },
      },
    });
    expect(await clone("ada", id, null, "second-auditor")).toMatchObject({
      role: { name: "auditor", description: null, source: "TENANT" },
    });
    const target = Buffer.from(copied.role.id, "base64url").toString().split(":")[1];
    expect(await auditOf(gateway.database, acme, "role.created", target)).toMatchObject([
      {
        organization_id: acme.organizations.south,
        changes: { after: { key: "southern-auditor" }, clonedFrom: acme.roles.auditor },
      },
    ]);
  });

  it("copies a role of the catalogue, which can then be changed", async () => {
    const { role } = await clone("ben", await fixed("admin"), "north", "deputy", { description: null });

    expect(role).toMatchObject({ name: "Admin", description: null, source: "ORGANIZATION" });
    expect(role.permissions).toContain("members:manage");
    expect(await update("ben", role.id, { permissions: ["organizations:read"] })).toMatchObject({
      role: { permissions: ["organizations:read"] },
    });
  });

  it("leaves out what the product does not have any more", async () => {
    expect(await clone("ada", acme.id("Role", "stale"), "north", "fresh")).toMatchObject({
      role: { permissions: ["organizations:read"] },
    });
  });

  it("copies nothing that its maker does not hold there and below", async () => {
    expect(await clone("ben", await fixed("owner"), "north", "second-owner")).toMatchObject({
      __typename: "ExceedsYoursFailure",
      field: ["input", "roleId"],
      permissions: expect.arrayContaining(["organizations:delete"]),
    });
  });

  it("takes no key that is taken there", async () => {
    expect(await clone("ben", acme.id("Role", "auditor"), "north", "keeper")).toMatchObject({
      __typename: "RoleKeyTakenFailure",
      field: ["input", "key"],
    });
  });

  it("copies what the caller sees, wherever it is defined, and nothing else", async () => {
    const missing = encodeId("Role", newId());
    const input = (roleId: string) => ({ roleId, key: "stolen", organizationId: acme.id("Organization", "south") });

    const hidden = await change(acme.as("southman"), "cloneRole", input(acme.id("Role", "keeper")), ROLE);

    expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "roleId"] });
    expect(await change(acme.as("southman"), "cloneRole", input(missing), ROLE)).toEqual(hidden);
    expect(await clone("ada", acme.id("Role", "keeper"), "south", "southern-keeper")).toMatchObject({
      role: { organization: { slug: "south" } },
    });
  });
});

describe("updateRole", () => {
  it("changes a role for everybody who has it, on their next request", async () => {
    const id = acme.id("Role", "keeper");
    const may = async () =>
      (await acme.as("kim").get('{ organization(by: { slug: "store" }) { viewerCan(permission: "members:invite") } }'))
        .organization.viewerCan;
    expect(await may()).toBe(false);

    const permissions = ["organizations:read", "members:read", "members:invite"];
    const grown = await update("ben", id, { permissions, name: "Keeper", description: "Keeps." });

    expect(grown.role).toMatchObject({ name: "Keeper", description: "Keeps.", permissions });
    expect(await may()).toBe(true);
    expect(await update("ben", id, { description: null, permissions: permissions.slice(0, 2) })).toMatchObject({
      role: { name: "Keeper", description: null, permissions: permissions.slice(0, 2) },
    });
    expect(await may()).toBe(false);
    expect(await auditOf(gateway.database, acme, "role.updated", acme.roles.keeper)).toMatchObject([
      { changes: { before: { name: "keeper" }, after: { name: "Keeper" } } },
      { changes: { before: { description: "Keeps." }, after: { description: null } } },
    ]);
  });

  it("neither adds nor takes away what the editor does not hold, or not for ever", async () => {
    const boss = await create("ada", "north", "boss", ["organizations:read", "organizations:delete"]);
    const exceeds = { __typename: "ExceedsYoursFailure", field: ["input", "permissions"] };

    const id = boss.role.id;
    expect(await update("ben", id, { permissions: ["organizations:read"] })).toMatchObject({
      ...exceeds,
      permissions: ["organizations:delete"],
    });
    expect(await update("ben", acme.id("Role", "keeper"), { permissions: ["support:manage"] })).toMatchObject(exceeds);
    expect(
      await update("interim", acme.id("Role", "keeper"), {
        permissions: ["organizations:read", "members:read", "audit:read"],
      }),
    ).toMatchObject({ ...exceeds, latestExpiresAt: SOON.toISOString() });
    // What stays is nobody's to judge.
    expect(await update("ben", id, { name: "Boss" })).toMatchObject({ role: { name: "Boss" } });
  });

  it("keeps both of two edits at once", async () => {
    const { role } = await create("ada", "north", "pair", []);

    await Promise.all([
      update("ben", role.id, { name: "Renamed" }),
      update("ada", role.id, { permissions: ["members:read"] }),
    ]);

    expect(await update("ben", role.id, {})).toMatchObject({
      role: { name: "Renamed", permissions: ["members:read"] },
    });
  });

  it("lets go of what the product does not have any more, whoever edits", async () => {
    const id = acme.id("Role", "stale");

    expect(await update("ben", id, { permissions: ["organizations:read"] })).toMatchObject({
      role: { permissions: ["organizations:read"] },
    });
  });

  it("changes no role of the catalogue", async () => {
    const { organization } = await acme.as("ada").get('{ organization(by: { slug: "acme" }) { roles { id key } } }');
    const fixed = organization.roles.find((role: { key: string }) => role.key === "owner");

    expect(await update("ada", fixed.id, { permissions: [] })).toMatchObject({
      __typename: "FixedRoleFailure",
      code: "FIXED_ROLE",
      field: ["input", "roleId"],
    });
    expect(await refused(acme.as("ben"), "updateRole", { roleId: fixed.id })).toEqual({
      code: "FORBIDDEN",
      data: null,
    });
  });

  it("finds a role only where it is usable in something that the caller sees", async () => {
    const hidden = await update("southerner", acme.id("Role", "keeper"), {});

    expect(hidden).toMatchObject({ __typename: "NotFoundFailure", field: ["input", "roleId"] });
    expect(await update("southerner", missingId("Role"), {})).toEqual(hidden);
    expect(await refused(acme.as("cleo"), "updateRole", { roleId: acme.id("Role", "keeper") })).toMatchObject({
      code: "FORBIDDEN",
    });
  });
});
