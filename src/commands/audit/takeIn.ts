import { readSettings } from "../../config.js";
import { takeInEvents } from "../../features/audit/takeIn.js";
import type { Owners } from "../../tenancy/owners.js";
import { lockOf } from "../../tenancy/session.js";
import { inHome } from "../../tenancy/tenants/inHome.js";
import { findTenant, getTenant, listTenants, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { EXIT } from "../explain.js";
import { say } from "../tenant/shown.js";

/** `tenantry audit take-in`: what gateways of an older version wrote, of one tenant or of all. */
export async function auditTakeIn({ tenant: slug, json }: { readonly tenant?: string; readonly json?: boolean }) {
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const main = await owners.main;
    const tenants = slug === undefined ? await listTenants(main) : [await getTenant(main, slug)];
    let all = 0;
    for (const tenant of tenants) {
      try {
        const events = await takeIn(owners, tenant);
        all += events;
        if (events > 0)
          say(json, [`Took in ${events} events of ${tenant.slug}: they are sealed next.`], {
            tenant: tenant.slug,
            events,
          });
      } catch (error) {
        if (slug !== undefined) throw error;
        // One that cannot be had must not keep the others' waiting.
        process.stderr.write(`${tenant.slug} was left out: ${(error as Error).message}\n`);
        process.exitCode = EXIT.partly;
      }
    }
    if (all === 0 && !json) say(false, ["Nothing was written by an older version."], {});
  });
}

async function takeIn(owners: Owners, { id }: Tenant): Promise<number> {
  const main = await owners.main;
  return whileHolding(main, id, async () => {
    const tenant = await findTenant(main, id);
    if (tenant?.status !== "ACTIVE" && tenant?.status !== "SUSPENDED") return 0;
    const place = await owners.of(tenant.database);
    return inHome(place, tenant, async () => {
      // Nobody is erased meanwhile.
      await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(id)]);
      return takeInEvents((text, params) => place.run(text, params), id);
    });
  });
}
