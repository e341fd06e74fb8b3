import { randomUUID } from "node:crypto";
import { readSettings } from "../../config.js";
import { type Purged, purgeDeleted } from "../../features/tree/purge.js";
import type { Owners } from "../../tenancy/owners.js";
import { lockOf } from "../../tenancy/session.js";
import { inHome } from "../../tenancy/tenants/inHome.js";
import { findTenant, getTenant, listTenants, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { EXIT } from "../explain.js";
import { say } from "./shown.js";

/** `tenantry tenant purge`: organizations that were deleted and whose time is up, of one tenant or of all. */
export async function purgeCommand(slug: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const main = await owners.main;
    const tenants = slug === undefined ? await listTenants(main) : [await getTenant(main, slug)];
    let count = 0;
    for (const tenant of tenants) {
      try {
        for (const one of await purge(owners, tenant)) {
          count += 1;
          const all = one.organizations === 1 ? "" : `, and ${one.organizations - 1} below it`;
          say(json, [`Removed ${one.slug} of ${tenant.slug}${all}.`], { tenant: tenant.slug, ...one });
        }
      } catch (error) {
        if (slug !== undefined) throw error;
        // One that cannot be had must not keep the others' waiting.
        process.stderr.write(`${tenant.slug} was left out: ${(error as Error).message}\n`);
        process.exitCode = EXIT.partly;
      }
    }
    if (count === 0 && !json) say(false, ["Nothing is due."], {});
  });
}

async function purge(owners: Owners, { id }: Tenant): Promise<Purged[]> {
  const main = await owners.main;
  return whileHolding(main, id, async () => {
    const tenant = await findTenant(main, id);
    // What is being made or erased has nothing to purge.
    if (tenant?.status !== "ACTIVE" && tenant?.status !== "SUSPENDED") return [];
    const place = await owners.of(tenant.database);
    return inHome(place, tenant, async (db) => {
      await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(id)]);
      const [clock] = await place.run("select clock_timestamp() as now");
      return purgeDeleted(db, id, { id: randomUUID(), now: new Date(clock!.now as string) });
    });
  });
}
