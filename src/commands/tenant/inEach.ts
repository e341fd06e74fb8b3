import type { Owners } from "../../tenancy/owners.js";
import { findTenant, getTenant, listTenants, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";
import { EXIT } from "../explain.js";
import { clearProgress, progress } from "../progress.js";
import { inLocked, type Locked } from "./locked.js";

/**
 * Runs `work` in the home of one tenant, or of each in turn, with the tenant's lock; passes over what is being made or erased.
 * Of one that cannot be had among all, stderr says why, the others have their turn, and the exit code is 4.
 * @param onDone is told what came of it once it is committed
 * @throws Error when it is the only one
 */
export async function inEach<T>(
  owners: Owners,
  slug: string | undefined,
  work: (locked: Locked) => Promise<T>,
  onDone: (tenant: Tenant, result: T) => void | Promise<void>,
): Promise<void> {
  const tell = progress("Tenants looked at");
  const main = await owners.main;
  const tenants = slug === undefined ? await listTenants(main) : [await getTenant(main, slug)];
  for (const [at, { id, slug: name }] of tenants.entries()) {
    tell(at, tenants.length);
    try {
      await whileHolding(main, id, async () => {
        // Where it is while nobody moves it.
        const tenant = await findTenant(main, id);
        if (tenant?.status !== "ACTIVE" && tenant?.status !== "SUSPENDED") return;
        await onDone(tenant, await inLocked(owners, tenant, work));
      });
    } catch (error) {
      if (slug !== undefined) throw error;
      clearProgress();
      process.stderr.write(`${name} was left out: ${(error as Error).message}\n`);
      process.exitCode = EXIT.partly;
    }
  }
  clearProgress();
}
