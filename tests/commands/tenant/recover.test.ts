import { auditOf } from "../../support/audit.js";
import { run } from "../../support/command.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { owningSettings } from "../../support/settings.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
let env: Record<string, string>;
let home: Sql;

beforeAll(async () => {
  gateway = await openGateway();
  env = await owningSettings(gateway.database);
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {} } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        zoe: [{ at: "acme", roles: ["guest"], suspended: true, until: new Date(Date.now() - 1000) }],
      },
      suspended: ["zoe"],
    },
  }));
  home = homeOf(gateway, "acme");
});
afterAll(() => gateway.close());

const recover = (email: string, ...more: string[]) =>
  run(["tenant", "recover", "acme", "--owner", email, "--json", ...more], { env });
const owners = async () =>
  (
    await home(
      `select u.email from users u join memberships m on m.user_id = u.id join grants g on g.membership_id = m.id
       join organizations o on o.id = m.organization_id and o.parent_id is null
       where u.status = 'ACTIVE' and m.status = 'ACTIVE' and m.expires_at is null
         and g.role_key = 'owner' and g.reach = 'SUBTREE' and g.expires_at is null order by 1`,
      [],
    )
  ).map(({ email }) => email);
const MAY = '{ organization(by: { slug: "north" }) { viewerCan(permission: "support:manage") } }';

describe("tenantry tenant recover", () => {
  it("makes somebody new an owner, who signs in at once, and takes nothing from who owns it", async () => {
    const { code, stdout } = await recover("new@acme.test");

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ slug: "acme", owner: "new@acme.test", others: ["ada@acme.test"] });
    expect(await owners()).toEqual(["ada@acme.test", "new@acme.test"]);
    expect(await acme.as("new@acme.test").get(MAY)).toEqual({ organization: { viewerCan: true } });
  });

  it("is written in the tenant's audit, by the operator, without a name or an address", async () => {
    const [event] = await auditOf(gateway.database, acme, "tenant.recovered");

    expect(event).toMatchObject({
      actor_id: null,
      organization_id: acme.organizations.acme,
      changes: { isNew: true, membership: { before: null } },
    });
    expect(JSON.stringify(event)).not.toContain("new@");
  });

  it("lets in whoever has the address, whatever became of them, and counts them once", async () => {
    const both = await Promise.all([recover("zoe@acme.test"), recover("zoe@acme.test")]);

    // The second may be told to wait for the first.
    expect(both.map(({ code }) => code)).toContain(0);
    expect((await recover("zoe@acme.test")).code).toBe(0);
    expect(await owners()).toEqual(["ada@acme.test", "new@acme.test", "zoe@acme.test"]);
    const [row] = await home(
      `select o.member_count = (select count(*) from memberships m where m.organization_id = o.id) as exact,
         (select count(*) from users where email = 'zoe@acme.test') as people
       from organizations o where o.parent_id is null`,
      [],
    );
    expect(row).toMatchObject({ exact: true, people: "1" });
    expect(await acme.as("zoe").get(MAY)).toEqual({ organization: { viewerCan: true } });
  });

  it("gives whoever has the address the sign-in that is named, and notes that", async () => {
    const other = ["--owner-issuer", "https://id.example", "--owner-subject", "zoe-2"];

    expect((await recover("zoe@acme.test", ...other)).code).toBe(0);

    const events = await auditOf(gateway.database, acme, "tenant.recovered");
    expect(events.at(-1)).toMatchObject({ changes: { isNew: false, hasOtherSignIn: true } });
    expect((await acme.as("zoe").ask(MAY)).errors?.[0]?.extensions.code).toBe("TENANT_NOT_FOUND");
  });

  it("says so where the tenant is suspended, and its new owner does not get in yet", async () => {
    await run(["tenant", "suspend", "acme"], { env });
    const { stdout } = await run(["tenant", "recover", "acme", "--owner", "new@acme.test"], { env });
    await run(["tenant", "resume", "acme"], { env });

    expect(stdout).toContain("It is SUSPENDED: nobody gets in before `tenantry tenant resume acme`.");
  });

  it.each([
    [["--owner", "zoe"], 2, "--owner zoe is no e-mail address"],
    [["--owner", "zoe@acme.test", "--owner-issuer", "https://id.example"], 2, "belong together"],
  ] as const)("refuses %j with one clear error", async (options, code, words) => {
    const refused = await run(["tenant", "recover", "acme", ...options], { env });

    expect(refused).toMatchObject({ code, stdout: "" });
    expect(refused.stderr).toContain(words);
  });

  it("refuses a tenant that is not there, and one whose owner nobody could tell by a token", async () => {
    const none = await run(["tenant", "recover", "nothing", "--owner", "zoe@acme.test"], { env });
    const mute = await run(["tenant", "recover", "acme", "--owner", "zoe@acme.test"], {
      env: { ...env, TENANTRY_DEVELOPMENT: "off" },
    });

    expect([none.code, mute.code]).toEqual([2, 2]);
    expect(mute.stderr).toContain("--owner-issuer and --owner-subject");
  });
});
