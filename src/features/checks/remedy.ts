import { Access, type Place, type Reach } from "../../access/access.js";
import { stillThere } from "../../access/catalogue.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { oncePerSession } from "../../graphql/loader.js";
import type { Scope } from "../../graphql/operation.js";
import { usableRoles } from "../roles/loader.js";
import type { Role } from "../roles/role.js";
import type { Question } from "./paths.js";
import { mayKnow, type Subject } from "./subject.js";

/** A grant that would turn a no into a yes: on a membership there, or a new one. */
export interface Remedy {
  readonly at: Place;
  readonly role: Role;
  readonly reach: Reach;
}

/** What makes a grant larger than another, the first difference first; less is less. */
const SIZE: readonly ((remedy: Remedy, asked: Place) => number | string)[] = [
  ({ role }) => role.permissions.length,
  ({ reach }) => (reach === "ORGANIZATION" ? 0 : 1),
  ({ at }, asked) => asked.path.length - at.path.length,
  ({ role }) => role.key,
  ({ role }) => role.id,
];

const RESUME = "organizations:suspend";

/**
 * The smallest grant that would turn a no, made of what the asker may know: places where they may read the subject's
 * memberships, roles that are usable there. Null for a yes, for who is suspended, and where no single grant would: as
 * in a membership that is suspended, which no grant opens.
 */
export function findRemedy(ctx: Context, subject: Subject, question: Question): Promise<Remedy | null> {
  const { place, permission, reach } = question;
  const name = `${subject.id} ${place.id} ${permission} ${reach}`;
  return remedy(scopeOf(ctx), name, () => find(ctx, subject, question));
}

/** By subject and question. */
const remedy = oncePerSession<string, Promise<Remedy | null>>();

async function find(ctx: Context, subject: Subject, question: Question): Promise<Remedy | null> {
  const { place, permission, reach } = question;
  if (!subject.active || subject.access.allows(place, permission, reach)) return null;
  const scope = scopeOf(ctx);
  scope.size.addSearch();
  const roles = (await usableRoles(scope, ctx.catalogue, place)).filter(
    ({ permissions }) =>
      // Who may resume a suspended organization may look into it: the right to is another way to the same.
      (permissions.includes(permission) || permissions.includes(RESUME)) &&
      // Nobody holds what the product dropped, and so nobody could give it.
      stillThere(ctx.catalogue, permissions).length === permissions.length,
  );
  scope.size.check();
  const remedies = upwards(place)
    .filter((at) => isOpen(scope, subject, at))
    .flatMap((at) =>
      roles
        .filter((role) => isUsable(role, at))
        .flatMap((role) => REACHES.map((far): Remedy => ({ at, role, reach: far }))),
    );
  const { grounds } = subject.access;
  // As far as the asker may know: what the subject holds elsewhere must not show in the answer.
  const known = grounds.grants.filter((held) => mayKnow(scope, subject, held.at));
  // All else that a role allows makes no difference, so that of hundreds of roles few have to be tried.
  const tried = new Map<string, boolean>();
  const turns = ({ at, role, reach: far }: Remedy): boolean => {
    const held = [permission, RESUME].filter((one) => role.permissions.includes(one));
    const name = `${at.id} ${far} ${held}`;
    const did = tried.get(name);
    if (did !== undefined) return did;
    const grant = { at, reach: far, permissions: new Set(held), expiresAt: null };
    const does = new Access({ ...grounds, grants: [...known, grant] }).allows(place, permission, reach);
    tried.set(name, does);
    return does;
  };
  return remedies.reduce<Remedy | null>(
    (smallest, one) => ((!smallest || compare(one, smallest, place) < 0) && turns(one) ? one : smallest),
    null,
  );
}

/** Whether something could be granted there, and would act, as far as the asker may know. */
function isOpen(scope: Scope, subject: Subject, at: Place): boolean {
  if (!scope.access.sees(at) || !mayKnow(scope, subject, at)) return false;
  // Nothing is granted where an organization is suspended or archived.
  const { suspended, archived } = scope.access.grounds;
  if ([...suspended.map(({ id }) => id), ...archived].some((id) => id === at.id || at.path.includes(id))) return false;
  // A membership that has ended is begun anew; one that is suspended stays so, whatever is granted.
  return !subject.memberships.some(
    (one) => one.at.id === at.id && one.status === "SUSPENDED" && scope.isLive(one.expiresAt),
  );
}

const REACHES: readonly Reach[] = ["ORGANIZATION", "SUBTREE"];

/** The organization, then those above it, the nearest first. */
const upwards = (place: Place): Place[] => [
  place,
  ...place.path.map((id, depth) => ({ id, path: place.path.slice(0, depth) })).reverse(),
];

const isUsable = ({ definedAt }: Role, at: Place): boolean =>
  definedAt === null || definedAt.id === at.id || at.path.includes(definedAt.id);

function compare(a: Remedy, b: Remedy, asked: Place): number {
  for (const of of SIZE) {
    const [left, right] = [of(a, asked), of(b, asked)];
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
