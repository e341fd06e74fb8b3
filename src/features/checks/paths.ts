import type { Place, Reach } from "../../access/access.js";
import { earlier } from "../../access/end.js";
import type { Scope } from "../../graphql/operation.js";
import type { Role } from "../roles/role.js";
import { mayKnow, type Subject, type SubjectGrant, type SubjectMembership } from "./subject.js";

/** One way in which somebody could have been allowed something, as far as the asker may know of it. */
export interface Path {
  readonly allowed: boolean;
  readonly reason: string;
  readonly at: Place | null;
  readonly role: Role | null;
  readonly reach: Reach | null;
  readonly expiresAt: Date | null;
}

/** What allows somebody something, without a word about what, where or how long. */
const UNSEEN: Path = {
  allowed: true,
  reason: "Allowed by a grant further up, where you may not read members.",
  at: null,
  role: null,
  reach: null,
  expiresAt: null,
};

/** Whether something is allowed in an organization; with reach `SUBTREE` also everywhere below. */
export interface Question {
  readonly place: Place;
  readonly permission: string;
  readonly reach: Reach;
}

export interface Explanation {
  readonly allowed: boolean;
  readonly paths: readonly Path[];
}

/** What was granted on a path, unless its role is hidden from the asker, as after its organization was moved away. */
export const shownRole = ({ access }: Scope, { role }: Path): Role | null =>
  role?.definedAt && !access.seesRoleOf(role.definedAt) ? null : role;

/**
 * Whether a subject is allowed something, and each grant there and above with the first reason why it does not lead there.
 * What was given where the asker may not read members is left out; only a yes is owned up to.
 */
export function explain(scope: Scope, subject: Subject, question: Question): Explanation {
  const { place, permission, reach } = question;
  const allowed = subject.access.allows(place, permission, reach);
  const paths = subject.memberships
    .filter(({ at }) => (at.id === place.id || place.path.includes(at.id)) && mayKnow(scope, subject, at))
    .flatMap((membership) => pathsOf(membership, { ...question, scope, subject, allowed }));
  return { allowed, paths: allowed && !paths.some((path) => path.allowed) ? [...paths, UNSEEN] : paths };
}

interface Asked extends Question {
  readonly scope: Scope;
  readonly subject: Subject;
  readonly allowed: boolean;
}

function pathsOf(membership: SubjectMembership, question: Asked): Path[] {
  const { at, expiresAt, grants } = membership;
  if (grants.length === 0) {
    const reason = brokenBy(membership, question) ?? "The membership has no roles.";
    return [{ allowed: false, reason, at, role: null, reach: null, expiresAt }];
  }
  return grants.map((grant) => {
    const { role, reach } = grant;
    const broken = brokenBy(membership, question) ?? failing(grant, at, question);
    return {
      allowed: broken === null,
      reason: broken ?? (at.id === question.place.id ? "Granted here." : "Granted further up, with reach SUBTREE."),
      at,
      role,
      reach,
      expiresAt: earlier(grant.expiresAt, expiresAt),
    };
  });
}

function brokenBy({ status, expiresAt }: SubjectMembership, { scope, subject }: Asked): string | null {
  if (!subject.active) return "The person is suspended.";
  if (!scope.isLive(expiresAt)) return "The membership has ended.";
  return status === "SUSPENDED" ? "The membership is suspended." : null;
}

function failing(grant: SubjectGrant, at: Place, { scope, place, permission, reach, allowed }: Asked): string | null {
  if (!scope.isLive(grant.expiresAt)) return "The grant has ended.";
  if (!grant.role.permissions.includes(permission)) return "The role does not have the permission.";
  if (grant.reach === "ORGANIZATION" && at.id !== place.id) return "The grant does not reach below its organization.";
  if (grant.reach === "ORGANIZATION" && reach === "SUBTREE")
    return "The grant is for the organization alone, and this needs reach SUBTREE.";
  return allowed ? null : "The organization, or one above it, is suspended or archived.";
}
