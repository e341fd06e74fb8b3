import { and, eq } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import { type InvitationRow, invitations } from "./table.js";

export class InvitationClosedFailure extends Failure {
  override readonly name = "InvitationClosedFailure";
  readonly code = "INVITATION_CLOSED";
  constructor(
    message: string,
    field?: readonly string[],
    /** Whether it was used, and the caller is in its tenant. */
    readonly isInside = false,
  ) {
    super(message, field);
  }
}
failureType(
  InvitationClosedFailure,
  "The invitation was used already, declined, or withdrawn, or it came to its end. Somebody who may can invite anew.",
);

const WHY: Readonly<Record<InvitationRow["status"], string>> = {
  OPEN: "This invitation has expired. Ask for a new one.",
  ACCEPTED: "This invitation was used already.",
  DECLINED: "This invitation was declined. Ask for a new one.",
  WITHDRAWN: "This invitation was withdrawn. Ask for a new one, or use the one that was sent last.",
};

/** Says what became of an invitation; of an open one, that it came to its end. */
export const closed = (status: InvitationRow["status"], field: readonly string[], isInside = false) =>
  new InvitationClosedFailure(WHY[status], field, isInside);

/** Ends an open invitation, whose row is locked. */
export async function end(
  ctx: Context,
  { id }: InvitationRow,
  status: "ACCEPTED" | "DECLINED" | "WITHDRAWN",
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  await session.db
    .update(invitations)
    .set({ status, updatedAt: now })
    .where(and(eq(invitations.tenantId, session.tenantId), eq(invitations.id, id)));
}
