import type { Access, Place } from "../../access/access.js";
import { type Excess, excessOf, missingOf, type Right } from "../../access/giving.js";
import { Failure, type FailureMember } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";

export class ExceedsYoursFailure extends Failure {
  override readonly name = "ExceedsYoursFailure";
  readonly code = "EXCEEDS_YOURS";

  constructor(
    message: string,
    field: readonly string[] | null = null,
    readonly excess: Excess = { missing: [], latest: null },
  ) {
    super(message, field);
  }

  override toMember(): ExceedsYoursMember {
    return { ...super.toMember(), permissions: this.excess.missing, latestExpiresAt: this.excess.latest };
  }
}

interface ExceedsYoursMember extends FailureMember {
  readonly permissions: readonly string[];
  readonly latestExpiresAt: Date | null;
}

failureType<ExceedsYoursMember>(
  ExceedsYoursFailure,
  "More than the viewer holds: nobody gives, or withdraws, what is not theirs, and nothing outlasts the right it was made with.",
  (t) => ({
    permissions: t.stringList({
      description: "What the viewer lacks there, or lacks that far; empty where all that is missing is time.",
      resolve: ({ permissions }) => [...permissions],
    }),
    latestExpiresAt: t.expose("latestExpiresAt", {
      type: "DateTime",
      nullable: true,
      description: "The latest end that the viewer could give; null where time is not what is missing.",
    }),
  }),
);

/**
 * Returns when the viewer may give this right, and makes it by another one of theirs.
 * @param by the permission that the change itself needs: what is made with authority that ends, ends with it
 * @throws ExceedsYoursFailure
 */
export function mustHold(access: Access, right: Right, by: string, field: readonly string[]): void {
  const excess = excessOf(access, right);
  if (excess) throw exceeds(excess, field);
  const authority = excessOf(access, authorityFor(right, by));
  if (authority) throw exceeds(authority, field);
}

/** Whether whoever has this access may give a right, as `mustHold` judges it. */
export const holds = (access: Access, right: Right, by: string): boolean =>
  !excessOf(access, right) && !excessOf(access, authorityFor(right, by));

const authorityFor = (right: Right, by: string): Right => ({ ...right, permissions: [by], reach: "ORGANIZATION" });

const LACKING = {
  define: "You do not hold this there yourself, or not for everything below:",
  withdraw: "This withdraws what you do not hold yourself:",
} as const;

/**
 * Returns when the viewer holds all of what is about to be withdrawn, or put into a role that nobody has yet: how long they
 * hold it does not matter there.
 * @throws ExceedsYoursFailure
 */
export function mustHoldNow(
  access: Access,
  right: Omit<Right, "until">,
  doing: keyof typeof LACKING,
  field: readonly string[],
): void {
  const missing = missingOf(access, right);
  if (missing.length === 0) return;
  const message = `${LACKING[doing]} ${missing.join(", ")}. Ask somebody who holds it.`;
  throw new ExceedsYoursFailure(message, field, { missing, latest: null });
}

/**
 * Lets a check about what somebody holds say `message` and no more, where the viewer may not know who holds what.
 * @throws ExceedsYoursFailure as `check` does
 */
export function discreetly(access: Access, at: Place, message: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof ExceedsYoursFailure) || access.allows(at, "members:read")) throw error;
    throw new ExceedsYoursFailure(message, error.field);
  }
}

function exceeds(excess: Excess, field: readonly string[]): ExceedsYoursFailure {
  const message = excess.latest
    ? `Your own right ends at ${excess.latest.toISOString()}. Give an end that is not later.`
    : `You do not hold this there yourself, or not that far: ${excess.missing.join(", ")}. Leave it out, or ask somebody who holds it.`;
  return new ExceedsYoursFailure(message, field, excess);
}
