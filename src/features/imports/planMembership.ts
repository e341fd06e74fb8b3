import { isLive } from "../../access/end.js";
import { type GrantId, type MembershipId, newId, type UserId } from "../../ids.js";
import { type Role, roleOf, whichRole } from "../roles/role.js";
import { about, type Batch } from "./batch.js";
import type { ImportRow, WantedRole } from "./row.js";
import { grantKey, type ImportState, type KnownMembership, type KnownOrganization } from "./state.js";

/** What a row says of a person in an organization, both of which are there by now. */
interface Belonging {
  readonly row: ImportRow;
  readonly at: KnownOrganization;
  readonly userId: UserId;
  /** As it is before the row. */
  readonly membership: KnownMembership | null;
  readonly given: readonly (readonly [WantedRole, Role])[];
  readonly now: Date;
}

/**
 * Plans what a row makes of a membership. One that has ended begins anew, as with addMembership: active, and with the roles of
 * the row alone. One that gets a later end keeps its other roles for as long as it would have had them.
 */
export function planMembership(state: ImportState, batch: Batch, belonging: Belonging, did: string[]): void {
  const { row, at, userId, membership, now } = belonging;
  const isEnded = membership !== null && !isLive(membership.expiresAt, now);
  // A row whose own end is past as well tells of what was, and begins nothing.
  const isBegun = membership === null || (isEnded && isLive(row.expiresAt, now));
  const known = isBegun ? begin(batch, belonging, did) : changeEnd(batch, membership, row.expiresAt, did);
  state.memberships.set(`${at.id} ${userId}`, known);

  const former = isBegun ? null : membership.expiresAt;
  const isLonger = former !== null && known.expiresAt !== null && known.expiresAt > former;
  const withdrawn = isLonger ? endAsBefore(state, batch, belonging, { known, former }, did) : [];
  const given = give(batch, belonging, known, did);
  const { id, expiresAt } = known;
  if (isBegun) {
    batch.events.push(about("membership.added", at.id, "Membership", id, { userId, expiresAt, given }));
    return;
  }
  const hasNewEnd = former?.getTime() !== expiresAt?.getTime();
  if (!hasNewEnd && given.length === 0) return;
  const before = hasNewEnd && { before: { expiresAt: former } };
  const changes = { userId, expiresAt, ...before, given, ...(withdrawn.length > 0 && { withdrawn }) };
  batch.events.push(about("membership.changed", at.id, "Membership", id, changes));
}

function begin(batch: Batch, { row, at, userId, membership }: Belonging, did: string[]): KnownMembership {
  const { expiresAt } = row;
  if (membership) {
    batch.beginAnew(membership.id, expiresAt);
    did.push("membership begun anew", ...ends(expiresAt));
    return { ...membership, expiresAt, held: new Map() };
  }
  const id = newId<MembershipId>();
  batch.memberships.push({ id, organizationId: at.id, userId, expiresAt });
  did.push(`member of ${at.slug}`);
  return { id, expiresAt, held: new Map() };
}

function changeEnd(batch: Batch, known: KnownMembership, expiresAt: Date | null, did: string[]): KnownMembership {
  if (expiresAt === null || expiresAt.getTime() === known.expiresAt?.getTime()) return known;
  batch.ends.set(known.id, expiresAt);
  did.push(...ends(expiresAt));
  return { ...known, expiresAt };
}

const ends = (at: Date | null): string[] => (at ? [`membership ends ${at.toISOString()}`] : []);

/** Lets the roles that the row does not name end when the membership would have: nobody gave them for longer. */
function endAsBefore(
  state: ImportState,
  batch: Batch,
  { given }: Belonging,
  { known, former }: { readonly known: KnownMembership; readonly former: Date },
  did: string[],
): object[] {
  const named = new Set(given.map(([{ reach }, role]) => grantKey({ ...whichRole(role), reach })));
  return [...known.held].flatMap(([key, grant]) => {
    if (named.has(key) || (grant.expiresAt && grant.expiresAt <= former)) return [];
    known.held.set(key, { ...grant, expiresAt: former });
    batch.grantEnds.set(grant.id, former);
    const { roleKey, roleId, reach } = grant;
    // The product may have dropped the role, and may have it again some day.
    const role = roleOf(state.roles, grant) ?? { key: roleKey, id: roleId };
    did.push(`${role.key}${far(reach)} ends ${former.toISOString()}, as before`);
    return { role: role.key, roleId: role.id, reach, from: grant.expiresAt, to: former };
  });
}

/**
 * Gives the roles of the row. Where that says until when, one that is held lasts as long: each of several rows may name one of
 * the roles of a membership, and the first of them has let the others end.
 */
function give(
  batch: Batch,
  { row, given, now }: Belonging,
  { id: membershipId, held }: KnownMembership,
  did: string[],
) {
  const gained: object[] = [];
  for (const [{ reach }, role] of given) {
    const which = { ...whichRole(role), reach };
    const key = grantKey(which);
    const before = held.get(key);
    if (before && lasts(before.expiresAt, row.expiresAt, now)) continue;
    const id = before?.id ?? newId<GrantId>();
    if (before) batch.grantEnds.set(id, null);
    else batch.grants.push({ id, membershipId, ...which });
    held.set(key, { id, expiresAt: null, ...which });
    gained.push({ role: role.key, roleId: role.id, reach, ...(before && { from: before.expiresAt }), to: null });
    did.push(`given ${role.key}${far(reach)}`);
  }
  return gained;
}

const lasts = (end: Date | null, wanted: Date | null, now: Date): boolean =>
  end === null || (wanted ? end >= wanted : isLive(end, now));

const far = (reach: string): string => (reach === "SUBTREE" ? ":subtree" : "");
