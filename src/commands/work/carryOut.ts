import type { Settings } from "../../config.js";
import { MAIN } from "../../database/names.js";
import { renameTenantOfPeople } from "../../identity/development.js";
import { openRecord } from "../../tenancy/create.js";
import type { Order, Sealed } from "../../tenancy/jobs/job.js";
import { describe, moveTenant } from "../../tenancy/move/move.js";
import { recoverMoves } from "../../tenancy/move/recover.js";
import type { Owners } from "../../tenancy/owners.js";
import { resumeTenant, suspendTenant } from "../../tenancy/tenants/change.js";
import { eraseTenant } from "../../tenancy/tenants/erase.js";
import { findHomeRow, findTenant, type Tenant } from "../../tenancy/tenants/record.js";
import { RefusedError } from "../explain.js";
import { leftToName, rename } from "../tenant/change.js";
import { developmentSignIn, letDevelopmentKnow, makeTenant } from "../tenant/make.js";
import { placeIn } from "../tenant/place.js";

/** What a job is carried out with. */
export interface Carrying {
  readonly owners: Owners;
  readonly settings: Settings;
  /** What the tenant was called when this was asked for. */
  readonly slug: string;
  /** Whether a worker before this one was interrupted in it. */
  readonly isAgain: boolean;
  readonly tell: (phase: string, done?: number, of?: number) => void;
}

/**
 * Does what is ordered, by what the commands do it with. Whatever of it an interrupted worker has done already is found,
 * and not done twice.
 * @returns what came of it, in words
 */
export async function carryOut({ tenantId, order }: Sealed, carrying: Carrying): Promise<string> {
  const { owners, settings, slug } = carrying;
  const found = await findTenant(await owners.main, tenantId);
  if (order.kind === "CREATE" || order.kind === "SIGN_UP") return make(tenantId, found, order, carrying);
  if (order.kind === "ERASE") return erase(tenantId, found?.slug ?? slug, carrying);
  if (!found) throw new RefusedError(`The tenant ${slug} is gone.`);
  switch (order.kind) {
    case "RENAME": {
      const to = { from: slug, slug: order.slug ?? found.slug, name: order.name ?? undefined };
      const changed = await rename(owners, settings, found, to);
      const said = `It is called ${changed.slug}${order.name === null ? "" : ", and has the name that was asked for"}.`;
      return [said, ...leftToName(settings, slug, changed.slug)].join(" ");
    }
    case "SUSPEND":
      return `It is ${(await suspendTenant(owners, found)).status}.`;
    case "RESUME":
      return `It is ${(await resumeTenant(owners, found)).status}.`;
    case "MOVE":
      return move(found, order, carrying);
  }
}

async function make(
  id: Tenant["id"],
  found: Tenant | null,
  order: Extract<Order, { kind: "CREATE" | "SIGN_UP" }>,
  { owners, settings, slug, tell }: Carrying,
): Promise<string> {
  const done = ({ isolation, database }: Tenant) => `Made ${slug}: ${isolation} in ${database}.`;
  const { name } = order;
  const { email, signIn } = order.owner;
  // Where an operator does not say who the owner is to an issuer, as the command takes it.
  const owner = { ...order.owner, signIn: signIn ?? (await developmentSignIn(settings, email)) };
  if (found?.status === "CREATING") {
    const home = await findHomeRow(await owners.of(found.database), found);
    if (home) await openRecord(await owners.main, id);
    else await eraseTenant(owners, found);
  }
  const there = await findTenant(await owners.main, id);
  if (there) {
    await letDevelopmentKnow(settings, { slug, owner });
    return done(there);
  }
  tell("Making its home");
  const place = await placeIn(owners, order.isolation, order.database);
  return done(await makeTenant(owners, settings, { id, slug, name, owner, place }));
}

async function move(
  tenant: Tenant,
  order: Extract<Order, { kind: "MOVE" }>,
  { owners, isAgain, tell }: Carrying,
): Promise<string> {
  let now = tenant;
  if (isAgain) {
    await recoverMoves(owners, tenant.id);
    now = (await findTenant(await owners.main, tenant.id)) ?? tenant;
    // Which database is meant where none is named: see `placeIn`.
    const wanted = order.database ?? (order.isolation === "DATABASE" ? now.database : MAIN);
    if (now.isolation === order.isolation && now.database === wanted) return `It lives ${describe(now)}.`;
  }
  const place = await placeIn(owners, order.isolation, order.database);
  const moved = await moveTenant(owners, now.slug, place, {
    keepSeconds: order.keepSeconds,
    onStep: ({ step }) => tell(PHASES[step]),
    onRows: (done, of) => tell(PHASES.COPYING, done, of),
  });
  return `It lives ${describe(moved.to)}: ${moved.rows} rows copied, ${moved.changes} changes brought after them; changes waited ${moved.pauseMs} ms.`;
}

const PHASES = {
  COPYING: "Copying rows",
  CATCHING_UP: "Bringing over what was changed meanwhile",
  VERIFIED: "Verified",
  FENCED: "Changes wait",
  LIFTED: "Trying the last step again",
  SWITCHED: "Closing the old home",
} as const;

/** @throws RefusedError when something of the tenant is left */
async function erase(id: Tenant["id"], slug: string, { owners, settings, tell }: Carrying): Promise<string> {
  const { tables, found, away } = await eraseTenant(
    owners,
    { id },
    {
      onRows: (done, of) => tell("Erasing rows", done, of),
      onTables: (done, of) => tell("Searching for what is left", done, of),
    },
  );
  if (settings.TENANTRY_DEVELOPMENT) await renameTenantOfPeople(settings.TENANTRY_DATA_DIR, slug, null);
  const searched = `${tables} tables of the directory and of every home were searched for its id`;
  if (found.length > 0) throw new RefusedError(`${searched}, and something is left: ${found.join(", ")}.`);
  const unsearched = away.length > 0 ? ` These are away, and were not searched: ${away.join(", ")}.` : "";
  return `It is erased: ${searched}, and nothing is left.${unsearched}`;
}
