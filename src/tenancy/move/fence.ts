import { isPassing } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import { tableIn } from "../homeTables.js";
import { lockOf } from "../tenantLock.js";
import { changedMeanwhile } from "./record.js";
import { awaiting, fenced, type Route, type Standing } from "./route.js";
import { withShortLocks } from "./worker.js";

/**
 * Closes the old home to changes: whatever was under way has ended when this returns, and whatever comes finds the home row
 * fenced in the statement after its lock, and waits.
 * @returns false when what is under way takes too long: those who queue behind the lock must not wait for it
 * @throws MoveRefusedError when the home row is not the one that this move began with
 */
export async function fence(from: Lease, route: Route): Promise<boolean> {
  try {
    await withShortLocks(
      from,
      async () => {
        await from.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(route.tenant)]);
        if (!(await setHomeRow(from, route, route, fenced(route)))) throw changedMeanwhile(route);
      },
      0,
    );
    return true;
  } catch (error) {
    if (isPassing(error)) return false;
    throw error;
  }
}

/** Opens the old home again. Nothing happens where it is not fenced. */
export async function lift(from: Lease, route: Route): Promise<void> {
  await setHomeRow(from, route, fenced(route), route);
}

/** Closes the old home for good: from here on it refuses everybody who still believes in it. */
export async function closeOld(from: Lease, { tenant, from: { schemaName }, epoch }: Route): Promise<void> {
  await from.run(
    `update ${tableIn(schemaName, "tenant")} set epoch = $3, status = 'FENCED' where tenant_id = $1 and epoch = $2`,
    [tenant, epoch, epoch + 1],
  );
}

/** Opens the new home to changes. The old one must be closed. Nothing happens where it is open already. */
export async function openNew(to: Lease, route: Route): Promise<void> {
  await to.run(
    `update ${tableIn(route.to.schemaName, "tenant")} set status = $3 where tenant_id = $1 and epoch = $2 and status = $4`,
    [route.tenant, awaiting(route).epoch, route.status, awaiting(route).status],
  );
}

/** Puts the tenant's row into its new home: with the next epoch, and closed to changes. */
export async function writeHomeRow({ from, to }: { from: Lease; to: Lease }, route: Route): Promise<void> {
  const [row] = await from.run(
    `select created_at::text as made from ${tableIn(route.from.schemaName, "tenant")}
     where tenant_id = $1 and epoch = $2 and status = $3`,
    [route.tenant, route.epoch, route.status],
  );
  if (!row) throw changedMeanwhile(route);
  await to.run(
    `insert into ${tableIn(route.to.schemaName, "tenant")} (tenant_id, epoch, status, created_at)
     values ($1, $2, $3, $4::text::timestamptz)`,
    [route.tenant, awaiting(route).epoch, awaiting(route).status, row.made],
  );
}

async function setHomeRow(from: Lease, { tenant, from: place }: Route, was: Standing, will: Standing) {
  const { count } = await from.run(
    `update ${tableIn(place.schemaName, "tenant")} set epoch = $4, status = $5
     where tenant_id = $1 and epoch = $2 and status = $3`,
    [tenant, was.epoch, was.status, will.epoch, will.status],
  );
  return count === 1;
}
