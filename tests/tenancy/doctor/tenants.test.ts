import { homesCheck, tenantsCheck } from "../../../src/tenancy/doctor/tenants.js";
import { Owners } from "../../../src/tenancy/owners.js";
import { suspendTenant } from "../../../src/tenancy/tenants/change.js";
import { findTenant, getTenant, whileHolding } from "../../../src/tenancy/tenants/record.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { type EmptyTenant, emptyTenants } from "../../support/fleet.js";

let database: TestDatabase;
let owners: Owners;
beforeAll(async () => {
  database = await cloneDatabase();
  owners = new Owners(database.owning);
});
afterAll(async () => {
  await owners.close();
  await database.drop();
});

const tenantOf = async (slug: string) => getTenant(await owners.main, slug);
const set = (slug: string, change: string) =>
  database.owner(`update tenantry.tenants set ${change} where slug = $1`, [slug]);
const only = async () => {
  const problems = await tenantsCheck.look(owners, ["main"], () => {});
  expect(problems).toHaveLength(1);
  return problems[0]!;
};

describe("tenantsCheck", () => {
  it("leaves a tenant alone whose making was finished since it was seen", async () => {
    const { slug, schema } = await newTenant();
    const { id } = await tenantOf(slug);
    await set(slug, "status = 'CREATING'");
    await database.owner(`delete from ${schema}.tenant`);
    const { what, fix } = await only();

    await database.owner(
      `insert into ${schema}.tenant (tenant_id, epoch, status, created_at)
       select id, epoch, 'ACTIVE', created_at from tenantry.tenants where id = $1`,
      [id],
    );
    const beforeOpened = await fix!().catch((error: Error) => error.message);
    await set(slug, "status = 'ACTIVE'");
    const fixing = fix!();

    await expect(fixing).rejects.toThrow("Somebody has changed it meanwhile");
    expect(what).toBe(`The making of ${slug} was interrupted.`);
    expect(beforeOpened).toContain("Somebody has changed it meanwhile");
    expect(await findTenant(await owners.main, id)).toMatchObject({ status: "ACTIVE" });
  });

  it("does not have the directory say what its home said earlier", async () => {
    const { slug } = await newTenant();
    await set(slug, "epoch = 7");
    const { what, fix } = await only();

    const suspended = await suspendTenant(owners, await tenantOf(slug));
    const fixing = fix!();

    await expect(fixing).rejects.toThrow("Somebody has changed it meanwhile");
    expect(what).toContain(`The directory says that ${slug} is ACTIVE at epoch 7, and its home ACTIVE at epoch 1.`);
    expect(await tenantOf(slug)).toEqual(suspended);
  });

  it("mends what is as it was seen, and lets go of the tenant", async () => {
    const [{ slug: other }, { slug: half, schema }] = [await newTenant(), await newTenant()];
    await set(other, "epoch = 7");
    await set(half, "status = 'CREATING'");
    await database.owner(`delete from ${schema}.tenant`);
    const { id } = await tenantOf(half);
    const problems = await tenantsCheck.look(owners, ["main"], () => {});

    for (const { fix } of problems) await fix!();

    expect(problems).toHaveLength(2);
    expect(await tenantsCheck.look(owners, ["main"], () => {})).toEqual([]);
    expect([(await tenantOf(other)).epoch, await findTenant(await owners.main, id)]).toEqual([1, null]);
    const another = async (all: Owners) => whileHolding(await all.main, id, async () => "free");
    expect(await database.owners(another)).toBe("free");
  });

  it("says nothing of a tenant that somebody is at", async () => {
    const { slug } = await newTenant();
    await set(slug, "epoch = 7");
    const { id } = await tenantOf(slug);

    const during = await database.owners(async (all) =>
      whileHolding(await all.main, id, () => tenantsCheck.look(owners, ["main"], () => {})),
    );

    expect([during, await tenantsCheck.look(owners, ["main"], () => {})]).toEqual([[], [expect.anything()]]);
    await set(slug, "epoch = 1");
  });
});

describe("homesCheck", () => {
  it("knows a home that was made while it looked", async () => {
    const spare = await database.spare();
    let made: EmptyTenant | undefined;
    /** The other database is asked for when the directory's homes were read. */
    class Meanwhile extends Owners {
      override async of(name: string) {
        if (name === spare) made = await newTenant();
        return super.of(name);
      }
    }
    const all = new Meanwhile(database.owning);

    const problems = await homesCheck.look(all, [spare, "main"], () => {});
    await all.close();

    expect(made).toBeDefined();
    expect(problems).toEqual([]);
  });

  it("names a home that the directory knows nothing of, and nobody's move does", async () => {
    const { slug, schema } = await newTenant();
    await database.owner("delete from tenantry.tenants where slug = $1", [slug]);
    await database.owner("delete from tenantry.homes where schema_name = $1", [schema]);

    expect(await homesCheck.look(owners, ["main"], () => {})).toMatchObject([
      { what: `The directory knows nothing of the home ${schema} in main.` },
    ]);
  });
});

const newTenant = async () => (await emptyTenants(database, 1))[0]!;
