import { and, eq, inArray, or, sql } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { OWNER } from "../../access/catalogue.js";
import { isLive } from "../../access/end.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { idOf } from "../../graphql/nodeId.js";
import type { GrantId, MembershipId } from "../../ids.js";
import { uuids } from "../../tenancy/arrays.js";
import type { Action } from "../audit/actions.js";
import { type Happened, record } from "../audit/record.js";
import { usableRolesOf } from "../roles/loader.js";
import { writeGrants } from "./changeGrants.js";
import { readWanted } from "./grantInput.js";
import { mustKeepOwner, mustNotBeLast, owningMemberships } from "./lastOwner.js";
import { type GrantOfRole, listGrants } from "./loader.js";
import type { ChangeOutcome, MembershipChange } from "./membershipChange.js";
import { type GrantChange, planGrants, planWithdrawal } from "./planGrants.js";
import { remove } from "./remove.js";
import { mustHoldWhole } from "./resumeMembership.js";
import { mustHoldAllNow, type RightOfGrant, rightsOfMemberships } from "./rights.js";
import { setMembershipStatus } from "./suspendMembership.js";
import { grants, type MembershipRow, memberships } from "./table.js";

/** One of many changes, ready to be made. */
interface Planned {
  readonly row: MembershipRow;
  readonly isRemoved?: boolean;
  readonly status?: MembershipRow["status"];
  readonly grants?: GrantChange;
  /** What the audit calls a change of grants. */
  readonly action?: Action;
}

/** The memberships that changes are about, as they are before the first of them. */
interface Before {
  readonly place: Place;
  readonly rows: ReadonlyMap<MembershipId, MembershipRow>;
  readonly grants: ReadonlyMap<MembershipId, readonly GrantOfRole[]>;
  readonly rights: ReadonlyMap<MembershipId, readonly RightOfGrant[]>;
}

/**
 * Makes many changes of memberships of one organization, each of another one. All are judged by what there was before, and
 * then made together: in about twenty statements at most, however many there are. The tenant's lock is held alone.
 * @returns what became of each; one that is refused keeps no other from being made
 */
export async function changeAll(
  ctx: Context,
  place: Place,
  changes: readonly MembershipChange[],
): Promise<ChangeOutcome[]> {
  const before = await readBefore(ctx, place, changes);
  const isRoot = place.path.length === 0;
  let owners = isRoot ? await owningMemberships(ctx) : null;
  const planned = new Map<MembershipId, Planned>();
  const outcomes: ChangeOutcome[] = [];
  for (const [index, change] of changes.entries()) {
    const [kind, field] = [kindOf(change), ["input", "changes", String(index), kindOf(change)]];
    const named = [...field, kind === "revokeGrant" ? "grantId" : "membershipId"];
    try {
      const row = rowOf(before, change);
      if (!row)
        throw new NotFoundFailure(`There is no such ${kind === "revokeGrant" ? "grant" : "membership"} here.`, named);
      if (planned.has(row.id))
        throw new InvalidInputFailure("This membership is there twice. Send its second change afterwards.", named);
      const plan = (await planOf(ctx, before, row, change, field, named)) ?? { row };
      if (owners?.has(row.id) && endsOwner(plan)) {
        const left = new Set([...owners].filter((id) => id !== row.id));
        mustNotBeLast(left, named);
        owners = left;
      }
      planned.set(row.id, plan);
      outcomes.push({ id: row.id });
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      outcomes.push({ failure });
    }
  }
  await make(ctx, [...planned.values()]);
  if (isRoot) await mustKeepOwner(ctx);
  return outcomes;
}

const kindOf = (change: MembershipChange): keyof MembershipChange =>
  (Object.keys(change) as (keyof MembershipChange)[]).find((kind) => change[kind] != null)!;

const membershipIdOf = ({ revokeGrant: _, ...change }: MembershipChange): MembershipId | null => {
  const [named] = Object.values(change).filter((one) => one != null);
  return named ? idOf<MembershipId>("Membership", named.membershipId) : null;
};
const grantIdOf = ({ revokeGrant }: MembershipChange): GrantId | null =>
  revokeGrant ? idOf<GrantId>("Grant", revokeGrant.grantId) : null;

const rolesIn = ({ setGrants, grantRole }: MembershipChange) =>
  [...(setGrants?.grants ?? []), ...(grantRole ? [grantRole] : [])].map(({ role }) => role);

/** Found in this organization only, whatever else an id names. */
async function readBefore(ctx: Context, place: Place, changes: readonly MembershipChange[]): Promise<Before> {
  const scope = scopeOf(ctx);
  const { db, tenantId } = scope.session;
  // All at once, so that none of them is read by itself.
  await usableRolesOf(scope, ctx.catalogue, place, changes.flatMap(rolesIn));
  const named = changes.map(membershipIdOf).filter((id) => id !== null);
  const grantIds = changes.map(grantIdOf).filter((id) => id !== null);
  const ofGrants = db
    .select({ id: grants.membershipId })
    .from(grants)
    .where(and(eq(grants.tenantId, tenantId), sql`${grants.id} = any(${uuids(grantIds)})`));
  const found = await db
    .select()
    .from(memberships)
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.organizationId, place.id),
        or(sql`${memberships.id} = any(${uuids(named)})`, inArray(memberships.id, ofGrants)),
      ),
    );
  const held = await Promise.all(
    found.map(async ({ id }) => [id, await listGrants(scope, ctx.catalogue, id)] as const),
  );
  const rights = new Map<MembershipId, RightOfGrant[]>();
  const ids = found.map(({ id }) => id);
  for (const right of await rightsOfMemberships(ctx, ids))
    rights.set(right.membershipId, [...(rights.get(right.membershipId) ?? []), right]);
  return { place, rows: new Map(found.map((row) => [row.id, row])), grants: new Map(held), rights };
}

function rowOf({ rows, grants }: Before, change: MembershipChange): MembershipRow | undefined {
  const grantId = grantIdOf(change);
  const [owner] = [...grants].find(([, all]) => all.some(({ id }) => id === grantId)) ?? [];
  return rows.get((change.revokeGrant ? owner : membershipIdOf(change))!);
}

/**
 * Judges one change as its own mutation would.
 * @returns null where nothing is to be done
 */
async function planOf(
  ctx: Context,
  { place, grants, rights }: Before,
  row: MembershipRow,
  change: MembershipChange,
  field: readonly string[],
  named: readonly string[],
): Promise<Planned | null> {
  const { access, now } = scopeOf(ctx);
  const [held, given] = [grants.get(row.id)!, rights.get(row.id) ?? []];
  const changing = { id: row.id, place, expiresAt: row.expiresAt };
  const wanted = (inputs: Parameters<typeof readWanted>[2], fieldOf: (n: number) => readonly string[]) => {
    if (isLive(row.expiresAt, now)) return readWanted(ctx, place, inputs, fieldOf);
    throw new InvalidInputFailure("This membership has ended. Add the person again with addMembership.", named);
  };
  const { setGrants, grantRole, revokeGrant, suspendMembership, resumeMembership } = change;
  if (setGrants) {
    const all = await wanted(setGrants.grants, (n) => [...field, "grants", String(n)]);
    const plan = planGrants(ctx, changing, held, all, { replace: true, field });
    return plan && { row, grants: plan, action: "grants.set" };
  }
  if (grantRole) {
    const plan = planGrants(ctx, changing, held, await wanted([grantRole], () => field), { replace: false });
    return plan && { row, grants: plan, action: "grant.given" };
  }
  if (revokeGrant) {
    const grant = held.find(({ id }) => id === grantIdOf(change))!;
    return { row, grants: planWithdrawal(ctx, changing, grant, named), action: "grant.revoked" };
  }
  if (resumeMembership) {
    if (row.status === "ACTIVE") return null;
    mustHoldWhole(ctx, place, row, given, named);
    return { row, status: "ACTIVE" };
  }
  if (suspendMembership && row.status === "SUSPENDED") return null;
  mustHoldAllNow(access, given, named);
  return suspendMembership ? { row, status: "SUSPENDED" } : { row, isRemoved: true };
}

/** Whether the membership, which makes an owner, makes none any more. */
const endsOwner = ({ isRemoved, status, grants }: Planned): boolean =>
  isRemoved === true ||
  status === "SUSPENDED" ||
  (grants?.steps ?? []).some(
    ({ role, reach, from, to }) =>
      role.source === "BUILT_IN" && role.key === OWNER && reach === "SUBTREE" && from === null && to !== null,
  );

async function make(ctx: Context, planned: readonly Planned[]): Promise<void> {
  await remove(
    ctx,
    planned.filter(({ isRemoved }) => isRemoved).map(({ row }) => row),
  );
  for (const wanted of ["SUSPENDED", "ACTIVE"] as const)
    await setMembershipStatus(
      ctx,
      planned.filter(({ status }) => status === wanted).map(({ row }) => row),
      wanted,
    );
  const changed = planned.filter(({ grants }) => grants);
  writeGrants(
    ctx,
    changed.map(({ grants }) => grants!),
  );
  record(
    ctx,
    ...changed.map(
      ({ row, grants, action }): Happened => ({
        action: action!,
        organizationId: row.organizationId,
        targetType: "Membership",
        targetId: row.id,
        changes: grants!.told,
      }),
    ),
  );
}
