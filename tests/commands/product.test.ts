import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pino from "pino";
import { createCatalogue, type Product } from "../../src/access/catalogue.js";
import { applyProduct } from "../../src/commands/product/apply.js";
import { checkProduct } from "../../src/commands/product/check.js";
import { planOf } from "../../src/commands/product/plan.js";
import type { Found } from "../../src/commands/product/survey.js";
import { MAIN } from "../../src/database/names.js";
import { newId, type TenantId } from "../../src/ids.js";
import { createTenant } from "../../src/tenancy/create.js";
import { eraseTenant } from "../../src/tenancy/tenants/erase.js";
import { readFacts } from "../oracle/facts.js";
import { command, run, stopCommands } from "../support/command.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { recordOf, whileLocked } from "../support/sessions.js";
import { anySketch } from "../support/sketches.js";
import { until } from "../support/until.js";
import { type Planted, plant, type TenantSketch, toRows, world } from "../support/world.js";

const READ = { key: "invoices:read", description: "See invoices." };
const APPROVE = { key: "invoices:approve", description: "Approve invoices for payment." };
const SEND = { key: "invoices:send", description: "Send invoices." };
const ACCOUNTANT = {
  key: "accountant",
  name: "Accountant",
  description: "Reads and approves invoices.",
  permissions: ["invoices:read", "invoices:approve"],
};
/** What the checkout's own file says, and every database here begins with. */
const NOW: Product = { permissions: [READ, APPROVE], roles: [ACCOUNTANT] };
const NARROWER: Product = {
  permissions: [{ ...READ, description: "Look at invoices." }, SEND],
  roles: [{ ...ACCOUNTANT, permissions: ["invoices:read", "invoices:send"] }],
};
const WITHOUT: Product = { permissions: [READ], roles: [] };

const MILL: TenantSketch = {
  tree: { mill: { east: {} } },
  roles: {
    payer: { permissions: ["members:read", "invoices:approve"] },
    local: { at: "east", permissions: ["invoices:approve"] },
    reader: { permissions: ["invoices:read"] },
  },
  people: {
    olga: [{ at: "mill", roles: ["owner"], reach: "SUBTREE" }],
    paul: [{ at: "east", roles: ["payer", "accountant"] }],
    ana: [
      { at: "mill", roles: ["accountant"], until: new Date("2126-01-01T00:00:00Z") },
      { at: "east", roles: ["accountant"], suspended: true },
    ],
    old: [{ at: "east", roles: ["accountant"], grantsUntil: new Date("2026-01-01T00:00:00Z") }],
    rita: [{ at: "east", roles: ["reader"] }],
  },
};

const folder = mkdtempSync(join(tmpdir(), "products-"));
const path = join(folder, "product.json");
let gateway: TestGateway;
/** A tenant that has everything that can be taken away; another one for each test that takes it. */
let mill: Planted;
let mills = 0;

beforeAll(async () => {
  gateway = await openGateway();
  mill = await sow("mill");
});
afterEach(stopCommands);
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const sow = async (slug: string) => (await world(gateway, { [slug]: MILL }))[slug]!;

const apply = (product: Product, force = false) =>
  gateway.database.owners((owners) => applyProduct(owners, createCatalogue(product), force));

/** What a plan says of each change: of one tenant, and of all. */
async function plan(product: Product) {
  const ofTenants: (Found & { readonly tenant: string })[] = [];
  const { planned } = await gateway.database.owners((owners) =>
    planOf(owners, createCatalogue(product), ({ slug }, found) => {
      ofTenants.push(...found.map((one) => ({ ...one, tenant: slug })));
    }),
  );
  return { ofTenants, planned };
}

/** The settings of an owner's command, with a product's file that says this. */
function owning(product: Product): Record<string, string> {
  writeFileSync(path, JSON.stringify(product));
  const { database } = gateway;
  return {
    TENANTRY_KEY: readFileSync(join(FOLDER, "key"), "utf8").trimEnd(),
    TENANTRY_PRODUCT: path,
    ...database.settings(),
  };
}
const tenantry = (product: Product, ...args: string[]) => run(["product", ...args], { env: owning(product) });

/** Everything that a run of the command could change. */
const state = async () => [
  await gateway.database.content(),
  await gateway.database.owner("select * from tenantry.product order by 1, 2"),
];

const schemaOf = async ({ slug }: Pick<Planted, "slug">) =>
  (await gateway.database.owner("select schema_name from tenantry.tenants where slug = $1", [slug]))[0]!.schema_name;

describe("tenantry product plan", () => {
  it("finds nothing to do where the file is what was applied", async () => {
    expect(await tenantry(NOW, "plan")).toEqual({
      code: 0,
      stdout: "Nothing to do: what the file says is what is applied.\n",
      stderr: "",
    });
  });

  it("says what would change and whom it concerns, and changes nothing", async () => {
    const before = await state();

    const { code, stdout } = await tenantry(NARROWER, "plan");

    expect(code).toBe(0);
    expect(stdout.split("\n").map((line) => line.replace(/: \d.*people/, ": … people"))).toEqual([
      expect.stringMatching(/^- permission invoices:approve: … people lose it, .* In use\.$/),
      "~ permission invoices:read: other words, for nobody a difference.",
      expect.stringMatching(
        /^\+ permission invoices:send: … people gain it, by \d+ grants, named by 0 roles .*tenants\.$/,
      ),
      expect.stringMatching(
        /^~ role template accountant gains invoices:send and loses invoices:approve: … people concerned, .* In use\.$/,
      ),
      "Nothing is changed yet. `tenantry product apply --force` does it.",
      "",
    ]);
    expect(await state()).toEqual(before);
  });

  it("counts roles, grants and people in each tenant, and leaves out what has ended", async () => {
    const { code, stdout } = await tenantry(NARROWER, "plan", "--json");

    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const none = { gained: [], lost: [] };
    expect(code).toBe(0);
    expect(lines.filter(({ tenant }) => tenant === mill.slug)).toEqual(
      [
        {
          kind: "PERMISSION",
          key: "invoices:approve",
          what: "REMOVED",
          ...none,
          roles: 2,
          grants: 5,
          people: 3,
          offers: 0,
          inUse: true,
        },
        {
          kind: "PERMISSION",
          key: "invoices:send",
          what: "ADDED",
          ...none,
          roles: 0,
          grants: 4,
          people: 3,
          offers: 0,
          inUse: false,
        },
        {
          ...{ kind: "ROLE", key: "accountant", what: "CHANGED" },
          ...{ gained: ["invoices:send"], lost: ["invoices:approve"] },
          ...{ roles: 0, grants: 3, people: 2, offers: 0, inUse: true },
        },
      ].map((line) => ({ tenant: mill.slug, ...line })),
    );
    expect(lines.slice(-4).map(({ key, tenants }) => [key, tenants > 0])).toEqual([
      ["invoices:approve", true],
      ["invoices:read", false],
      ["invoices:send", true],
      ["accountant", true],
    ]);
  });

  it("agrees with who goes through the rows of every tenant by hand", async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
    const sketches = fc.sample(anySketch, { numRuns: 8, seed });
    await world(gateway, Object.fromEntries(sketches.map((sketch, n) => [`any-${n}`, sketch])));

    const { ofTenants, planned } = await plan(WITHOUT);

    const expected = [];
    for (const { slug } of await gateway.database.owner("select slug from tenantry.tenants order by slug")) {
      const facts = await readFacts(homeOf(gateway, String(slug)), String(slug));
      for (const key of ["invoices:approve", "accountant"]) {
        const isPermission = key !== "accountant";
        const own = facts.roles.filter(({ permissions }) => isPermission && permissions.includes(key));
        const grants = facts.grants.filter(({ membershipId, roleKey, roleId, ended }) => {
          const isBy =
            roleKey === "accountant" || (isPermission && roleKey === "owner") || own.some(({ id }) => id === roleId);
          return isBy && !ended && !facts.memberships.find(({ id }) => id === membershipId)!.ended;
        });
        const people = new Set(
          grants.map(({ membershipId }) => facts.memberships.find(({ id }) => id === membershipId)!.userId),
        );
        if (own.length + grants.length > 0)
          expected.push({
            seed,
            tenant: slug,
            key,
            roles: own.length,
            grants: grants.length,
            people: people.size,
            offers: 0,
          });
      }
    }
    expect(ofTenants.map(({ tenant, change: { key }, concerned }) => ({ seed, tenant, key, ...concerned }))).toEqual(
      expected,
    );
    expect(expected.length).toBeGreaterThan(4);
    for (const { change, tenants, people } of planned) {
      const some = expected.filter(({ key }) => key === change.key);
      expect([tenants, people]).toEqual([some.length, some.reduce((sum, one) => sum + one.people, 0)]);
    }
  });

  it("shows also what is in use and was lost before it was ever applied", async () => {
    const schema = await schemaOf(mill);
    await gateway.database.owner(`update ${schema}.roles set permissions = '{long:gone}' where key = 'reader'`);
    await gateway.database.owner(`update ${schema}.grants set role_key = 'ghost' where role_key = 'accountant'`);

    const { ofTenants } = await plan(NOW);

    expect(ofTenants).toEqual([
      {
        tenant: mill.slug,
        change: { kind: "PERMISSION", key: "long:gone", what: "REMOVED", gained: [], lost: [] },
        concerned: { roles: 1, grants: 2, people: 2, offers: 0 },
      },
      {
        tenant: mill.slug,
        change: { kind: "ROLE", key: "ghost", what: "REMOVED", gained: [], lost: [] },
        concerned: { roles: 0, grants: 3, people: 2, offers: 0 },
      },
    ]);
  });

  it("asks for `migrate` first where the directory is older", async () => {
    await gateway.database.owner("alter table tenantry.product rename to later");

    await expect(plan(NOW)).rejects.toThrow("The database is at an older version. Run `tenantry migrate` first.");

    await gateway.database.owner("alter table tenantry.later rename to product");
  });
});

describe("tenantry product apply", () => {
  beforeEach(async () => {
    await apply(NOW, true);
    mill = await sow(`mill-${mills++}`);
  });

  it("does at once what nobody can lose by", async () => {
    const more = { ...NOW, permissions: [...NOW.permissions, SEND] };
    const content = await gateway.database.content();

    expect(await tenantry(more, "apply")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\+ permission invoices:send: .*\nApplied\.\n$/),
    });

    expect((await plan(more)).planned).toEqual([]);
    expect(await gateway.database.content()).toBe(content);
    expect(await tenantry(more, "apply")).toEqual({
      code: 0,
      stdout: "Nothing to do: it is applied already.\n",
      stderr: "",
    });
  });

  it("refuses to take away what is in use, with 3, and changes nothing", async () => {
    const before = await state();

    const { code, stdout, stderr } = await tenantry({ ...NOW, roles: [] }, "apply");

    expect([code, stdout]).toEqual([3, ""]);
    expect(stderr).toMatch(
      /^tenantry: Nothing was changed, for something that would go is in use:\n- role template accountant: \d+ people lose it, by \d+ grants, .*\n.*--force/,
    );
    expect(await state()).toEqual(before);
  });

  it.each([
    [
      "a permission of a tenant's own role",
      { permissions: [READ], roles: [{ ...ACCOUNTANT, permissions: ["invoices:read"] }] },
      /invoices:approve: .* named by [1-9]\d* roles of tenants' own/,
    ],
    [
      "a part of a template that was given",
      { ...NOW, roles: [{ ...ACCOUNTANT, permissions: ["invoices:read"] }] },
      /accountant loses invoices:approve: /,
    ],
  ])("takes %s for in use", async (_, product, words) => {
    await expect(apply(product)).rejects.toThrow(words);
  });

  it("takes for in use what an invitation offers, and what whoever joins is given", async () => {
    const { nursery } = await world(gateway, {
      nursery: {
        tree: { nursery: {} },
        people: { olga: [{ at: "nursery", roles: ["owner"], reach: "SUBTREE" }] },
        invited: { nursery: ["ina"] },
      },
    });
    const spare = { ...NOW, roles: [ACCOUNTANT, { ...ACCOUNTANT, key: "spare" }] };
    await apply(spare);
    const sql = homeOf(gateway, nursery!.slug);
    await sql("update offered_grants set role_key = 'spare', role_id = null");
    await sql(
      `insert into join_policies (tenant_id, organization_id, mode, grants, set_by, updated_at)
       select o.tenant_id, o.id, 'AUTOMATIC', '[{"roleKey": "spare", "roleId": null, "reach": "ORGANIZATION"}]', u.id, now()
       from organizations o, users u where u.email like 'olga@%'`,
    );

    const { ofTenants } = await plan(NOW);

    expect(ofTenants.map(({ change, concerned }) => [change.key, concerned])).toEqual([
      ["spare", { roles: 0, grants: 0, people: 0, offers: 2 }],
    ]);
    await expect(apply(NOW)).rejects.toThrow(
      /spare: 0 people lose it, .* offered by 2 open invitations and join policies/,
    );

    await sql("update invitations set status = 'WITHDRAWN'");
    await sql("update join_policies set mode = 'OFF'");
    await apply(NOW);
    expect((await plan(NOW)).planned).toEqual([]);
  });

  it("takes away what nobody was given", async () => {
    const spare = [ACCOUNTANT, { ...ACCOUNTANT, key: "spare" }];
    await apply({ permissions: [...NOW.permissions, SEND], roles: spare });

    await apply(NOW);

    expect((await plan(NOW)).planned).toEqual([]);
  });

  it("with --force takes it out of roles, ends the grants, and writes both down", async () => {
    await apply(WITHOUT, true);

    const schema = await schemaOf(mill);
    const roles = await gateway.database.owner(`select key, permissions from ${schema}.roles order by key`);
    expect(roles).toEqual([
      { key: "local", permissions: [] },
      { key: "payer", permissions: ["members:read"] },
      { key: "reader", permissions: ["invoices:read"] },
    ]);
    const told = "auditEvents(first: 20) { nodes { action actor { __typename } targetId changes requestId } }";
    const { a, b } = await mill
      .as("olga")
      .get(`{ a: organization(by: { slug: "mill" }) { ${told} } b: organization(by: { slug: "east" }) { ${told} } }`);
    const events = [...a.auditEvents.nodes, ...b.auditEvents.nodes];
    expect(events.map(({ action, actor, targetId }) => [action, actor, targetId]).sort()).toEqual(
      [
        ["grant.revoked", null, mill.id("Membership", "ana@east")],
        ["grant.revoked", null, mill.id("Membership", "ana@mill")],
        ["grant.revoked", null, mill.id("Membership", "paul@east")],
        ["role.updated", null, mill.id("Role", "local")],
        ["role.updated", null, mill.id("Role", "payer")],
      ].sort(),
    );
    expect(events.find(({ targetId }) => targetId === mill.id("Role", "payer")).changes).toEqual({
      before: { permissions: ["members:read", "invoices:approve"] },
      after: { permissions: ["members:read"] },
    });
    expect(new Set(events.map(({ requestId }) => requestId)).size).toBe(1);
    expect((await plan(WITHOUT)).planned).toEqual([]);
  });

  it("changes nothing in a home that is closed for a move, and does it when it is open again", async () => {
    const schema = await schemaOf(mill);
    await gateway.database.owner(`update ${schema}.tenant set status = 'FENCED'`);

    await expect(apply(WITHOUT, true)).rejects.toThrow(`The tenant ${mill.slug} is being moved or erased`);

    expect(await outcome(mill)).toEqual({ events: 0, grants: 3, entries: 3 });
    await gateway.database.owner(`update ${schema}.tenant set status = 'ACTIVE'`);
    await apply(WITHOUT, true);
    expect(await outcome(mill)).toEqual({ events: 5, grants: 0, entries: 1 });
  });

  it("passes over a tenant that is being erased", async () => {
    const schema = await schemaOf(mill);
    const [{ id }] = (await gateway.database.owner(
      "update tenantry.tenants set status = 'ERASING' where slug = $1 returning id",
      [mill.slug],
    )) as unknown as [{ id: TenantId }];
    await gateway.database.owner(`drop schema ${schema} cascade`);

    await apply(WITHOUT, true);

    expect((await plan(WITHOUT)).planned).toEqual([]);
    await gateway.database.owners((owners) => eraseTenant(owners, { id }));
  });

  it("leaves a role that can be given and edited again", async () => {
    await apply(WITHOUT, true);
    const { database } = gateway;
    const after = await openGateway({ database, catalogue: createCatalogue(WITHOUT) });
    const olga = after.as(`olga@${mill.slug}.test`, mill.slug);
    const [membership, role] = [mill.id("Membership", "rita@east"), mill.id("Role", "payer")];

    const given = await olga.ask(
      `mutation { grantRole(input: { membershipId: "${membership}", role: { key: "payer" } }) { __typename } }`,
    );
    const edited = await olga.ask(
      `mutation { updateRole(input: { roleId: "${role}", permissions: ["members:read", "invoices:read"] }) { __typename } }`,
    );

    expect([given.data, edited.data]).toEqual([
      { grantRole: { __typename: "GrantRolePayload" } },
      { updateRole: { __typename: "UpdateRolePayload" } },
    ]);
    await after.close();
  });

  const locksAwaited = (type: string, count: number) =>
    until(async () => {
      const [row] = await gateway.database.owner(
        `select count(*)::int as waiting from pg_locks where not granted and locktype = $1
           and database = (select oid from pg_database where datname = current_database())`,
        [type],
      );
      return row!.waiting === count;
    });

  /** How often the tenant's audit was written, what is left to do, and what is noted. */
  async function outcome(tenant: Pick<Planted, "slug">) {
    const schema = await schemaOf(tenant);
    const [row] = await gateway.database.owner(
      `select (select count(*)::int from ${schema}.audit_events) as events,
         (select count(*)::int from ${schema}.grants where role_key = 'accountant' and coalesce(expires_at > now(), true)) as grants,
         (select count(*)::int from tenantry.product) as entries`,
    );
    return row;
  }

  it("can be killed, and the next run goes on where it was", async () => {
    // Tenants come in the order of their names.
    const early = await sow(`early-${mills}`);
    await whileLocked(gateway.database, await recordOf(gateway.database, mill.slug), async () => {
      const killed = command(["product", "apply", "--force"], { env: owning(WITHOUT) });
      await locksAwaited("advisory", 1);
      killed.child.kill("SIGKILL");
      await killed.ended;
    });
    expect(await outcome(early)).toEqual({ events: 5, grants: 0, entries: 3 });
    expect(await outcome(mill)).toEqual({ events: 0, grants: 3, entries: 3 });

    await apply(WITHOUT, true);

    expect(await outcome(early)).toEqual({ events: 5, grants: 0, entries: 1 });
    expect(await outcome(mill)).toEqual({ events: 5, grants: 0, entries: 1 });
  });

  it("twice at once, does it once", async () => {
    const both: ReturnType<typeof apply>[] = [];
    await whileLocked(gateway.database, await recordOf(gateway.database, mill.slug), async () => {
      both.push(apply(WITHOUT, true));
      await locksAwaited("advisory", 1);
      both.push(apply(WITHOUT, true));
      await locksAwaited("advisory", 2);
    });

    const [first, second] = await Promise.all(both);
    expect([first!.planned.length, second!.planned.length]).toEqual([2, 0]);
    expect(await outcome(mill)).toEqual({ events: 5, grants: 0, entries: 1 });
  });

  it.each([
    ["refuses for", false, { events: 0, grants: 3, entries: 3 }],
    ["changes", true, { events: 3, grants: 0, entries: 2 }],
  ])("%s a tenant that is made meanwhile", async (_, force, then) => {
    const place = { isolation: "SCHEMA", database: MAIN } as const;
    const late = { id: newId<TenantId>(), slug: `late-${mills}`, ...place, createdAt: new Date(), identities: [] };
    const rows = toRows(late.id, late.slug, MILL, (email) => Buffer.from(email));
    // Nobody has it but those of the tenant to come.
    await apply({ ...NOW, roles: [] }, true);
    await apply(NOW);
    let applying: Promise<unknown> | undefined;
    await gateway.database.owners((owners) =>
      createTenant(owners, late, async (db) => {
        await plant(db, rows);
        applying = apply({ ...NOW, roles: [] }, force).then(
          () => true,
          () => false,
        );
        await locksAwaited("relation", 1);
      }),
    );

    expect(await applying).toBe(force);
    expect(await outcome(late)).toEqual(then);
  });
});

describe("tenantry serve", () => {
  beforeAll(() => apply(NOW, true));

  it("refuses to take away by a mere restart what is applied", async () => {
    const { DATABASE_OWNER_URL, TENANTRY_DATABASE_OWNERS, ...serving } = owning({
      permissions: [READ],
      roles: [{ ...ACCOUNTANT, permissions: ["invoices:read"] }],
    });

    const { code, stdout, stderr } = await run(["serve"], { env: { ...serving, PORT: "0" } });

    expect([code, stdout, stderr]).toEqual([
      3,
      "",
      "tenantry: The product's file takes away what is applied: the permission invoices:approve; invoices:approve of the role template accountant. `tenantry product plan` shows whose it is, and `tenantry product apply` does it.\n",
    ]);
    await expect(checkProduct(gateway.door, createCatalogue({ ...NOW, roles: [] }), pino())).rejects.toThrow(
      "takes away what is applied: the role template accountant.",
    );
  });

  it("takes what the file adds or words anew, and says so in its log", async () => {
    const logged: string[] = [];
    const log = pino({ base: null }, { write: (line: string) => void logged.push(line) });
    const [same, more] = [
      NOW,
      { permissions: [{ ...READ, description: "Look." }, APPROVE, SEND], roles: [ACCOUNTANT] },
    ];

    await checkProduct(gateway.door, createCatalogue(same), log);
    expect(logged).toEqual([]);
    await checkProduct(gateway.door, createCatalogue(more), log);

    expect(logged.map((line) => JSON.parse(line).changes)).toEqual([
      [
        { kind: "PERMISSION", key: "invoices:read", what: "REWORDED", gained: [] },
        { kind: "PERMISSION", key: "invoices:send", what: "ADDED", gained: [] },
      ],
    ]);
  });
});
