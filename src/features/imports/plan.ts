import { OWNER } from "../../access/catalogue.js";
import { isLive } from "../../access/end.js";
import { newId, type UserId } from "../../ids.js";
import { MOST_ABOVE } from "../organizations/form.js";
import type { Role } from "../roles/role.js";
import { pickRole } from "../roles/roleRef.js";
import { about, type Batch } from "./batch.js";
import { planMembership } from "./planMembership.js";
import { type ImportRow, RowRefused, type WantedRole } from "./row.js";
import type { ImportState, KnownMembership, KnownOrganization, KnownPerson } from "./state.js";

/**
 * Plans one row, in the light of what there is and of the rows before it. Nothing is ever taken away: a role that the row does
 * not name stays for as long as it was given, an organization stays where it is, and an empty cell changes nothing. What had
 * ended stays so.
 * @returns what is done, in words; `[]` where all is so already
 * @throws RowRefused before anything of the row is planned
 */
export function planRow(state: ImportState, batch: Batch, row: ImportRow, now: Date): string[] {
  const wanted = row.organization ? placeOf(state, row) : null;
  const at = wanted?.known ?? wanted?.made ?? null;
  const given = at ? row.roles.map((role) => [role, roleAt(state, at, role)] as const) : [];
  const person = row.person && personOf(state, row.person);
  const membership = at && person?.known && state.memberships.get(`${at.id} ${person.known.id}`);
  if (at && membership && row.expiresAt && isLive(membership.expiresAt, now)) mustNotEndOwner(state, at, membership);
  if (at && given.some(([{ reach }, role]) => ownsBy(state, at, role, reach)) && row.expiresAt)
    throw new RowRefused("expires_at: an owner of the tenant has no end.");

  const did: string[] = [];
  if (wanted) did.push(...planOrganization(state, batch, row, wanted));
  const id = row.person && planPerson(state, batch, row.person, person!.known, did);
  if (at && id) planMembership(state, batch, { row, at, userId: id, membership: membership ?? null, given, now }, did);
  return did;
}

interface WantedPlace {
  readonly known: KnownOrganization | null;
  readonly made: KnownOrganization | null;
}

const PUT_AWAY = "is archived or deleted, or one above it is. Restore it first.";

function placeOf(state: ImportState, { organization }: ImportRow): WantedPlace {
  const { called, name, slug, parent } = organization!;
  const above = parent === null ? null : state.find(parent);
  if (parent !== null && !above)
    throw new RowRefused(`parent: there is no organization ${parent}, and none in a row before.`);
  const known = state.find(called) ?? null;
  if (known) {
    if (state.isPutAway(known)) throw new RowRefused(`organization: ${called} ${PUT_AWAY}`);
    if (above && known.path.at(-1) !== above.id)
      throw new RowRefused(`parent: ${called} is elsewhere. Move it with moveOrganization, which asks who may.`);
    if (slug !== null && slug !== known.slug)
      throw new RowRefused(
        `organization_slug: ${called} has the slug ${known.slug}. Change it with updateOrganization.`,
      );
    return { known, made: null };
  }
  if (name === null || slug === null)
    throw new RowRefused(
      `organization: there is no ${called}. To make it, give organization_name and organization_slug.`,
    );
  if (state.takenSlugs.has(slug)) throw new RowRefused(`organization_slug: ${slug} is, or was, another's.`);
  const { id, path } = above ?? state.root;
  if (state.isPutAway({ id, path })) throw new RowRefused(`parent: ${parent} ${PUT_AWAY}`);
  if (path.length >= MOST_ABOVE) throw new RowRefused(`parent: it has ${MOST_ABOVE} others above it already.`);
  return { known: null, made: { id: newId(), path: [...path, id], externalId: called, slug, name, isArchived: false } };
}

function roleAt(state: ImportState, { id, path }: KnownOrganization, { key }: WantedRole): Role {
  const usable = state.roles.filter(
    ({ definedAt }) => !definedAt || definedAt.id === id || path.includes(definedAt.id),
  );
  const role = pickRole(usable, { key });
  if (!role) throw new RowRefused(`roles: there is no role ${key} that is usable there.`);
  return role;
}

/** Found by the external id; or by the address, where whoever has that has no external id yet. */
function personOf(state: ImportState, { externalId, email }: NonNullable<ImportRow["person"]>) {
  const known = state.people.get(externalId);
  const others = email === null ? [] : state.addressedBy(email);
  if (known) {
    if (others.length > 0 && !others.some(({ id }) => id === known.id))
      throw new RowRefused("email: this address is another person's.");
    return { known };
  }
  const [other] = others;
  if (others.length > 1)
    throw new RowRefused(
      "email: several people have this address, and none of them this external id. Give it to whom you mean with upsertUser.",
    );
  if (other && other.externalId !== null)
    throw new RowRefused("email: the person of this address has another external id.");
  return { known: other ?? null };
}

const ownsBy = (state: ImportState, at: KnownOrganization, role: Role, reach: string): boolean =>
  at.id === state.root.id && role.source === "BUILT_IN" && role.key === OWNER && reach === "SUBTREE";

function mustNotEndOwner(state: ImportState, at: KnownOrganization, { held }: KnownMembership): void {
  if (at.id === state.root.id && held.has(`${OWNER} SUBTREE`))
    throw new RowRefused("expires_at: they own the tenant. Withdraw that first.");
}

function planOrganization(state: ImportState, batch: Batch, row: ImportRow, { known, made }: WantedPlace): string[] {
  if (made) {
    const { id, path, externalId, slug, name } = made;
    state.add(made);
    state.takenSlugs.add(slug);
    batch.organizations.push({ id, path: [...path], parentId: path.at(-1)!, externalId, slug, name });
    const changes = { parentId: path.at(-1), name, slug };
    batch.events.push(about("organization.created", id, "Organization", id, changes));
    return [`organization ${slug} made`];
  }
  const { name } = row.organization!;
  if (name === null || name === known!.name) return [];
  state.add({ ...known!, name });
  batch.renamed.push({ id: known!.id, name });
  const changes = { before: { name: known!.name }, after: { name } };
  batch.events.push(about("organization.updated", known!.id, "Organization", known!.id, changes));
  return [`organization ${known!.slug} renamed`];
}

function planPerson(
  state: ImportState,
  batch: Batch,
  { externalId, email, displayName }: NonNullable<ImportRow["person"]>,
  known: KnownPerson | null,
  did: string[],
): UserId {
  const { root } = state;
  if (!known) {
    const made = { id: newId<UserId>(), externalId, email, displayName: displayName ?? email ?? externalId };
    state.addPerson(made);
    batch.people.push(made);
    const { id, ...after } = made;
    batch.events.push(about("user.created", root.id, "User", id, { after }));
    did.push("person made");
    return id;
  }
  const now = { ...known, externalId, email: email ?? known.email, displayName: displayName ?? known.displayName };
  const keys = (["externalId", "email", "displayName"] as const).filter((key) => now[key] !== known[key]);
  if (keys.length === 0) return known.id;
  const some = (person: KnownPerson) => Object.fromEntries(keys.map((key) => [key, person[key]]));
  state.addPerson(now);
  batch.changedPeople.push({ ...now, hasNewEmail: keys.includes("email") });
  const changes = { before: some(known), after: some(now) };
  batch.events.push(about("user.updated", root.id, "User", known.id, changes));
  did.push(`person changed: ${keys.join(", ")}`);
  return known.id;
}
