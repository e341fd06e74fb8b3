import { MAIN } from "../../database/names.js";
import type { Owners } from "../owners.js";
import { holdTenant, TenantBusyError } from "../tenants/record.js";
import { type Effort, Mover, type Telling } from "./mover.js";
import { beginMove, readMoves, readTenant } from "./record.js";
import { recoverMoves, recoverTenant, removeOld } from "./recover.js";
import { MovedPartlyError, MoveRefusedError, type Place, type Route } from "./route.js";
import { openWorker, type Worker } from "./worker.js";

export interface MoveOptions extends Telling {
  /** For how long the old home is kept after the move, closed. */
  readonly keepSeconds: number;
}

/** Where to: what kind of home, and in which database. */
export type Destination = Pick<Place, "database" | "isolation">;

/** A move that was made. */
export interface Moved extends Effort, Pick<Route, "slug" | "from" | "to"> {}

/**
 * Moves a tenant to another home while it is in use: readers notice nothing, and changes wait for less than a second.
 * Whatever interrupts it, this process or the next finds the tenant in exactly one home (see `recoverMoves`).
 * @throws TenantBusyError when somebody else is at it
 * @throws MoveRefusedError when it cannot be moved, or the copy differs; it stays where it is
 * @throws MovedPartlyError when it is in its new home, and something is left to do
 * @throws HomeTakenError when the database is somebody else's
 */
export async function moveTenant(
  owners: Owners,
  slug: string,
  destination: Destination,
  options: MoveOptions,
): Promise<Moved> {
  owners.get(destination.database);
  const { tenant } = await readTenant(await owners.main, slug);
  const desk = await openWorker(owners, MAIN, tenant, "desk");
  let begun: Route | null = null;
  try {
    if (!(await holdTenant(desk.lease, tenant))) throw new TenantBusyError();
    await recoverTenant(owners, desk, tenant);
    const now = await readTenant(desk.lease, slug);
    if (isSame(now.from, destination))
      throw new MoveRefusedError(`The tenant ${slug} is there already: ${describe(now.from)}.`);
    await makeWay(owners, desk, now.tenant, destination);
    begun = await beginMove(desk.lease, now, destination, options.keepSeconds);
    const effort = await Mover.run(owners, desk, begun, options);
    // The old home, where it is not kept at all.
    await recoverTenant(owners, desk, tenant);
    return { ...effort, slug, from: begun.from, to: begun.to };
  } catch (error) {
    await desk.close();
    await recoverMoves(owners, tenant).catch(() => []);
    const shortfall = begun && (await shortfallOf(owners, begun).catch(() => null));
    throw shortfall ? new MovedPartlyError(`The tenant ${slug} was moved, but ${shortfall}`, { cause: error }) : error;
  } finally {
    await desk.close();
  }
}

/** What there is to say of a move that failed and found the tenant in its new home all the same; null when it is in the old one. */
async function shortfallOf(owners: Owners, { id, slug, tenant, to }: Route): Promise<string | null> {
  const main = await owners.main;
  const { from: now } = await readTenant(main, slug);
  if (now.database !== to.database || now.schemaName !== to.schemaName) return null;
  const left = (await readMoves(main, tenant)).find((move) => move.id === id);
  if (left?.step === "SWITCHED") return "not brought to its end: `tenantry doctor --fix` does that.";
  return left?.isDue
    ? "its old home could not be removed: `tenantry doctor --fix` removes it."
    : "not without a failure.";
}

const isSame = (one: Destination, other: Destination): boolean =>
  one.isolation === other.isolation && one.database === other.database;

/** A place in words, for a person. */
export const describe = ({ isolation, database }: Destination): string =>
  `${isolation === "SHARED" ? "shared" : isolation === "SCHEMA" ? "a schema" : "alone"} in the database ${database}`;

/** A home that the tenant left, and that is still kept, is in its own way when it comes back to a place of which there is one. */
async function makeWay(owners: Owners, desk: Worker, tenant: Route["tenant"], destination: Destination): Promise<void> {
  if (destination.isolation === "SCHEMA") return;
  for (const move of await readMoves(desk.lease, tenant))
    if (isSame(move.from, destination)) await removeOld(owners, desk, move);
}
