import { z } from "zod";
import type { Access, Place } from "../../access/access.js";
import { earlier } from "../../access/end.js";
import type { Right } from "../../access/giving.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure } from "../../graphql/failure.js";
import { normaliseEmail } from "../../identity/email.js";
import { grantInput, mustBeAhead, readWanted, type Wanted } from "../memberships/grantInput.js";
import { holds, mustHold } from "../roles/exceedsYours.js";
import type { Giving } from "../roles/giving.js";

export const OPEN_FOR_DAYS = 7;
const MOST_DAYS = 30;
const MOST_GRANTS = 10;
const DAY_MS = 86_400_000;

export const offerForm = z.object({
  email: z.string(),
  grants: z.array(grantInput),
  expiresAt: z.date().nullish(),
  membershipExpiresAt: z.date().nullish(),
});

/** An offer as somebody wants to make it. */
export interface Offer {
  /** Normalised. */
  readonly email: string;
  readonly grants: readonly Wanted[];
  readonly expiresAt: Date;
  readonly membershipExpiresAt: Date | null;
}

/**
 * What an input offers, once it is clear that the viewer may give it.
 * @param field where the input is
 * @throws InvalidInputFailure  no address, an end that has passed or is too far ahead, more than ten grants
 * @throws NotFoundFailure      a role that is not usable there
 * @throws ExceedsYoursFailure
 */
export async function readOffer(
  ctx: Context,
  place: Place,
  input: z.output<typeof offerForm>,
  field: readonly string[],
): Promise<Offer> {
  const { access, now } = scopeOf(ctx);
  const email = normaliseEmail(input.email);
  if (email === null)
    throw new InvalidInputFailure("This is not an e-mail address: name@example.com.", [...field, "email"]);
  if (input.grants.length > MOST_GRANTS)
    throw new InvalidInputFailure(`An invitation may offer ${MOST_GRANTS} grants at most.`, [...field, "grants"]);
  const membershipExpiresAt = mustBeAhead(input.membershipExpiresAt, now, [...field, "membershipExpiresAt"]);
  const grants = await readWanted(ctx, place, input.grants, (index) => [...field, "grants", String(index)]);
  mayGive(access, place, { grants, membershipExpiresAt }, [...field, "membershipExpiresAt"]);
  const wanted = mustBeAhead(input.expiresAt, now, [...field, "expiresAt"]);
  if (wanted && wanted.getTime() > now.getTime() + MOST_DAYS * DAY_MS)
    throw new InvalidInputFailure(`An invitation may be open for ${MOST_DAYS} days at most.`, [...field, "expiresAt"]);
  return { email, grants, membershipExpiresAt, expiresAt: endOf(now, membershipExpiresAt, wanted) };
}

/** When an offer ends: an end that is wanted, or that of an offer made now; never later than the membership that it offers. */
export const endOf = (now: Date, membershipExpiresAt: Date | null, wanted: Date | null = null): Date =>
  earlier(wanted ?? new Date(now.getTime() + OPEN_FOR_DAYS * DAY_MS), membershipExpiresAt)!;

/**
 * Returns when whoever has this access may give all that is offered.
 * @param field where the end of the membership is given
 * @throws ExceedsYoursFailure
 */
export function mayGive(
  access: Access,
  at: Place,
  { grants, membershipExpiresAt }: Pick<Offer, "grants" | "membershipExpiresAt">,
  field: readonly string[],
): void {
  mustHold(access, membershipOf(at, membershipExpiresAt), "members:invite", field);
  for (const grant of grants) mustHold(access, rightOf(at, grant, membershipExpiresAt), "members:invite", grant.field);
}

/** Whether whoever has this access may give all of that to somebody whom they let in by this permission. */
export const couldGive = (
  access: Access,
  at: Place,
  grants: readonly Given[],
  membershipExpiresAt: Date | null,
  by: Giving,
): boolean =>
  [membershipOf(at, membershipExpiresAt), ...grants.map((grant) => rightOf(at, grant, membershipExpiresAt))].every(
    (right) => holds(access, right, by),
  );

type Given = Pick<Wanted, "role" | "reach" | "expiresAt">;

/** To be a member is to see the organization: that, too, ends with the authority that it was offered with. */
const membershipOf = (at: Place, until: Date | null): Right => ({ permissions: [], at, reach: "ORGANIZATION", until });

const rightOf = (at: Place, { role, reach, expiresAt }: Given, membershipExpiresAt: Date | null): Right => ({
  permissions: role.permissions,
  at,
  reach,
  until: earlier(expiresAt, membershipExpiresAt),
});
