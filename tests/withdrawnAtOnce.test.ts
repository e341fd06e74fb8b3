import { openGateway, type TestGateway } from "./support/gateway.js";
import { homeOf, type Sql } from "./support/home.js";
import { type Planted, world } from "./support/world.js";

const MANAGE = ["organizations:read", "organizations:create", "members:read", "members:manage", "roles:manage"];
const CREATE = "organizations:create";

let gateway: TestGateway;
let acme: Planted;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  const managers = ["revoker", "setter", "editor", "leaver", "suspender"];
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: {} },
      roles: {
        own: { permissions: MANAGE },
        unwanted: { permissions: MANAGE },
        less: { permissions: MANAGE.filter((one) => one !== CREATE) },
      },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        outsider: [{ at: "acme", roles: ["member"] }],
        remover: [{ at: "acme", roles: ["unwanted"], reach: "SUBTREE" }],
        cutOff: [{ at: "acme", roles: ["member"] }],
        visitor: [{ at: "acme", roles: ["member"] }],
        ...Object.fromEntries(managers.map((name) => [name, [{ at: "acme", roles: ["own"], reach: "SUBTREE" }]])),
      },
    },
  }));
  home = homeOf(gateway, "acme");
});
afterAll(() => gateway.close());

describe("a change behind one that takes the viewer's own right", () => {
  const membership = (name: string) => ({ membershipId: acme.id("Membership", `${name}@acme`) });

  // Each in turn: the one who edits the role takes it from the rest.
  it.each([
    ["revoker", "revokeGrant", () => ({ grantId: acme.id("Grant", "revoker@acme") })],
    ["setter", "setGrants", () => ({ ...membership("setter"), grants: [] })],
    ["suspender", "suspendMembership", () => membership("suspender")],
    ["leaver", "removeMembership", () => membership("leaver")],
    [
      "editor",
      "updateRole",
      () => ({ roleId: acme.id("Role", "own"), permissions: MANAGE.filter((one) => one !== CREATE) }),
    ],
    ["remover", "deleteRole", () => ({ roleId: acme.id("Role", "unwanted"), replacement: { key: "less" } })],
  ])("is refused for %s, by %s", async (name, mutation, input) => {
    const title = mutation[0]!.toUpperCase() + mutation.slice(1);

    const { data } = await acme.as(name).ask(
      `mutation($input: ${title}Input!, $parentId: ID!) {
        before: createOrganization(input: { parentId: $parentId, name: "N", slug: "before-${name}" }) { __typename }
        taken: ${mutation}(input: $input) { __typename }
        after: createOrganization(input: { parentId: $parentId, name: "N", slug: "after-${name}" }) { __typename }
      }`,
      { input: input(), parentId: acme.id("Organization", "acme") },
    );

    expect(data).toMatchObject({
      before: { __typename: "CreateOrganizationPayload" },
      taken: { __typename: `${title}Payload` },
    });
    expect(data.after?.__typename ?? null).not.toBe("CreateOrganizationPayload");
    expect(await home("select slug from organizations where slug like $1 order by 1", [`%-${name}`])).toEqual([
      { slug: `before-${name}` },
    ]);
  });
});

describe("a token that is still good", () => {
  const asks = async () => {
    const { data, errors } = await acme
      .as("visitor")
      .ask('{ organization(by: { slug: "acme" }) { slug memberships { nodes { id } } } }');
    return [data?.organization?.slug ?? null, data?.organization?.memberships != null, errors?.[0]?.extensions.code];
  };

  it("opens nothing in an organization that was suspended, and all again when that is over", async () => {
    expect(await asks()).toEqual(["acme", true, undefined]);

    await home("update organizations set status = 'SUSPENDED'");
    const suspended = await asks();
    await home("update organizations set status = 'ACTIVE'");

    expect(suspended).toEqual([null, false, undefined]);
    expect(await asks()).toEqual(["acme", true, undefined]);
  });

  it("opens nothing to who was removed", async () => {
    const membershipId = acme.id("Membership", "visitor@acme");

    await acme
      .as("ada")
      .get(`mutation { removeMembership(input: { membershipId: "${membershipId}" }) { __typename } }`);

    expect(await asks()).toEqual([null, false, undefined]);
  });
});

describe("a gateway whose every session was cut off", () => {
  const cut = () =>
    gateway.database.owner(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and usename in ('tenantry_serve', 'tenantry_door')`,
    );
  const MAY = '{ viewer { organizations(first: 1) { nodes { slug viewerCan(permission: "members:read") } } } }';
  const may = async () => {
    // Whoever has a connection that is gone by now may be told to come again; nobody is shown what was.
    for (;;) {
      const { data, errors } = await acme.as("cutOff").ask(MAY);
      if (errors?.[0]?.extensions.code !== "UNAVAILABLE") return data.viewer.organizations.nodes[0]?.viewerCan ?? null;
    }
  };

  it("has missed nothing: what was withdrawn meanwhile is gone with the first answer, and what was given is there", async () => {
    const answers: unknown[] = [await may()];
    for (const status of ["SUSPENDED", "ACTIVE"]) {
      expect((await cut()).length).toBeGreaterThan(0);
      await home("update memberships set status = $2 where user_id = $1", [acme.users.cutOff, status]);
      answers.push(await may());
    }

    expect(answers).toEqual([true, null, true]);
  });

  it("listens to nobody, so that there is nothing to miss", async () => {
    const statements = await gateway.database.statements(may);

    expect(statements.filter((text) => /^\s*(un)?listen\b|\bnotify\b/i.test(text))).toEqual([]);
    expect(statements.length).toBeGreaterThan(2);
  });
});

describe("what a process remembers of a tenant", () => {
  const answer = async (name: string) => {
    const { data, errors } = await acme.as(name).ask("{ viewer { user { displayName } } }");
    return data?.viewer?.user?.displayName ?? errors?.[0]?.extensions.code;
  };

  it("opens nothing to a person whose identity was taken out of its home", async () => {
    expect(await answer("outsider")).toBe("outsider");

    await home("update users set identity = null where id = $1", [acme.users.outsider]);

    expect(await answer("outsider")).toBe("TENANT_NOT_FOUND");
  });

  it("is asked for again, three times at most, when the home has another epoch", async () => {
    expect(await answer("ada")).toBe("ada");
    await home("update tenant set epoch = epoch + 1");

    const statements = await gateway.database.statements(async () => {
      expect(await answer("ada")).toBe("TENANT_NOT_FOUND");
    });

    expect(statements.filter((text) => text.includes("tenantry.tenants"))).toHaveLength(3);
    await gateway.database.owner("update tenantry.tenants set epoch = epoch + 1 where slug = 'acme'");
    expect(await answer("ada")).toBe("ada");
  });

  it("opens nothing while the home is suspended", async () => {
    expect(await answer("ada")).toBe("ada");

    await home("update tenant set status = 'SUSPENDED'");

    expect(await answer("ada")).toBe("TENANT_NOT_FOUND");
    await home("update tenant set status = 'ACTIVE'");
    expect(await answer("ada")).toBe("ada");
  });
});
