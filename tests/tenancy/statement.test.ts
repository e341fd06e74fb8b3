import { eq, sql } from "drizzle-orm";
import type { Leases } from "../../src/database/leases.js";
import { organizations } from "../../src/features/organizations/table.js";
import type { TenantRecord } from "../../src/tenancy/directory/directory.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { statement } from "../../src/tenancy/statement.js";
import { cloneDatabase, type TestDatabase } from "../support/database.js";
import { openLeases, recordOf } from "../support/sessions.js";

let database: TestDatabase;
let leases: Leases;
let northwind: TenantRecord;
let meridian: TenantRecord;
beforeAll(async () => {
  database = await cloneDatabase();
  leases = openLeases(database.url("tenantry_serve"));
  [northwind, meridian] = await Promise.all([recordOf(database, "northwind"), recordOf(database, "meridian")]);
});
afterAll(async () => {
  await leases.close();
  await database.drop();
});

const open = (tenant: TenantRecord) => TenantSession.open(leases, tenant, "read");

const written: string[] = [];
const rootOf = statement((db) => {
  written.push("once");
  return db
    .select()
    .from(organizations)
    .where(
      sql`${eq(organizations.tenantId, sql.placeholder("tenant"))} and ${organizations.parentId} is null and ${organizations.slug} <> ${sql.placeholder("not")}`,
    );
});
const ask = (session: TenantSession) => rootOf(session, { tenant: session.tenantId, not: "nobody" });

describe("a statement", () => {
  it("answers each of many sessions at once from its own tenant, and is written once", async () => {
    const sessions = await Promise.all([northwind, meridian, northwind, meridian].map(open));

    const found = await Promise.all(sessions.map(ask));

    const expected = sessions.map(({ tenantId }) => [tenantId, 1]);
    expect(found.map((rows) => [rows[0]?.tenantId, rows.length])).toEqual(expected);
    expect(written).toEqual(["once"]);
    await Promise.all(sessions.map((session) => session.commit()));
  });

  it("reads rows like drizzle does for a session alone", async () => {
    const session = await open(northwind);

    const [row] = await ask(session);

    const [alone] = await session.db
      .select()
      .from(organizations)
      .where(sql`${organizations.tenantId} = ${session.tenantId} and ${organizations.parentId} is null`);
    expect(row).toEqual(alone);
    expect(row?.createdAt).toBeInstanceOf(Date);
    await session.commit();
  });

  it("sends nothing for a session that has ended", async () => {
    const session = await open(northwind);
    await session.commit();

    await expect(ask(session)).rejects.toMatchObject({ cause: { name: "LeaseOverError" } });
  });

  it("is not kept from the next session by a value that is missing", async () => {
    const session = await open(northwind);

    await expect(rootOf(session, { tenant: session.tenantId })).rejects.toThrow("not");

    expect(await ask(session)).toHaveLength(1);
    await session.commit();
  });
});
