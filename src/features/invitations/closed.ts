import { and, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import { users } from "../users/table.js";
import { type InvitationRow, invitations } from "./table.js";

export class InvitationClosedFailure extends Failure {
  override readonly name = "InvitationClosedFailure";
  readonly code = "INVITATION_CLOSED";
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
export const closed = (status: InvitationRow["status"], field: readonly string[]) =>
  new InvitationClosedFailure(WHY[status], field);

/** Ends an open invitation, whose row is locked; but for a withdrawal, by what the viewer says to it. */
export async function end(
  ctx: Context,
  { id }: InvitationRow,
  status: "ACCEPTED" | "DECLINED" | "WITHDRAWN",
): Promise<void> {
  const { session, viewer, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  // Null for whoever says no and is nobody in the tenant.
  const answerer = db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.tenantId, tenantId), eq(users.id, viewer.id)));
  await db
    .update(invitations)
    .set({ status, updatedAt: now, ...(status !== "WITHDRAWN" && { answeredBy: sql`(${answerer})` }) })
    .where(and(eq(invitations.tenantId, tenantId), eq(invitations.id, id)));
}
