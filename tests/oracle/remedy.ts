import { type Facts, FIXED_ROLES, type WholeFacts } from "./facts.js";
import { Judge } from "./judge.js";

/** A grant that would turn a no, as rows: where, which role by its key, how far. */
export interface Candidate {
  readonly organizationId: string;
  readonly roleKey: string;
  /** Of a role of the tenant's; null for one of the catalogue. */
  readonly roleId: string | null;
  readonly reach: "ORGANIZATION" | "SUBTREE";
}

/** What somebody asks about somebody. */
interface Unanswered extends Record<"asker" | "subject" | "organizationId" | "permission", string> {
  readonly reach: Candidate["reach"];
}

/** The smallest grant that would turn a no, found by writing each candidate into the rows and judging again. */
export function smallestRemedy(
  facts: WholeFacts,
  { asker, subject, organizationId, permission, reach: far }: Unanswered,
): Candidate | null {
  const eye = new Judge(facts, asker);
  if (new Judge(facts, subject).allows(organizationId, permission, far)) return null;
  if (facts.users.some(({ id, suspended }) => id === subject && suspended)) return null;
  const mayKnow = (id: string) => eye.sees(id) && (asker === subject || eye.allows(id, "members:read"));

  const found: { candidate: Candidate; size: (number | string)[] }[] = [];
  const above = chain(facts, organizationId);
  for (const [distance, at] of above.entries()) {
    if (!mayKnow(at)) continue;
    const there = facts.memberships.find((one) => one.userId === subject && one.organizationId === at);
    if (there?.suspended && !there.ended) continue;
    // Nobody manages members where an organization is suspended or archived.
    const isClosed = (id: string) =>
      facts.organizations.some((one) => one.id === id && (one.suspended || one.archived));
    if (chain(facts, at).some(isClosed)) continue;
    const own = facts.roles.filter(
      (role) => role.organizationId === null || chain(facts, at).includes(role.organizationId),
    );
    const roles = [
      ...Object.entries(FIXED_ROLES).map(([key, permissions]) => ({ key, id: null, permissions })),
      ...own.map(({ id, permissions, row }) => ({ key: String(row.key), id, permissions })),
    ];
    for (const { key, id, permissions } of roles)
      for (const reach of ["ORGANIZATION", "SUBTREE"] as const) {
        const membershipId = there && !there.ended ? there.id : "new";
        const grant = { id: "new", membershipId, roleKey: id === null ? key : null, roleId: id, ended: false };
        const membership = { id: "new", userId: subject, organizationId: at, suspended: false, ended: false };
        // What the asker may not know counts for nothing.
        const known = facts.memberships.filter((one) => one.userId !== subject || mayKnow(one.organizationId));
        const after: Facts = {
          ...facts,
          memberships: membershipId === "new" ? [...known, membership] : known,
          grants: [...facts.grants, { ...grant, subtree: reach === "SUBTREE" }],
        };
        if (!new Judge(after, subject).allows(organizationId, permission, far)) continue;
        const size = [permissions.length, reach === "SUBTREE" ? 1 : 0, distance, key, id ?? ""];
        found.push({ candidate: { organizationId: at, roleKey: key, roleId: id, reach }, size });
      }
  }
  found.sort((a, b) => {
    const at = a.size.findIndex((one, n) => one !== b.size[n]);
    return at < 0 ? 0 : a.size[at]! < b.size[at]! ? -1 : 1;
  });
  return found[0]?.candidate ?? null;
}

/** The organization, then those above it, the nearest first. */
function chain(facts: Facts, id: string): string[] {
  const { parentId } = facts.organizations.find((one) => one.id === id)!;
  return parentId === null ? [id] : [id, ...chain(facts, parentId)];
}
