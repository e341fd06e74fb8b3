import { and, eq, sql } from "drizzle-orm";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, type FailureMember } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import { users } from "../users/table.js";
import { type InvitationRow, invitations } from "./table.js";
import { InvitationStatus } from "./type.js";

/** What became of an invitation, and where it led. */
interface Closed {
  readonly status: typeof InvitationStatus.$inferType | null;
  readonly tenantSlug: string;
}

interface InvitationClosed extends FailureMember, Closed {}

export class InvitationClosedFailure extends Failure {
  override readonly name = "InvitationClosedFailure";
  readonly code = "INVITATION_CLOSED";

  constructor(
    message: string,
    field: readonly string[] | null = null,
    readonly closed: Closed = { status: null, tenantSlug: "" },
    /** Whether it was used, and the caller is in its tenant. */
    readonly isInside = false,
  ) {
    super(message, field);
  }

  override toMember(): InvitationClosed {
    return { ...super.toMember(), ...this.closed };
  }
}
failureType<InvitationClosed>(
  InvitationClosedFailure,
  "The invitation was used already, declined, or withdrawn, or it came to its end. Somebody who may can invite anew.",
  (t) => ({
    status: t.expose("status", {
      type: InvitationStatus,
      nullable: true,
      description: "What became of it; null where it is still open, and offers what cannot be given any more.",
    }),
    tenantSlug: t.exposeString("tenantSlug", {
      description: "Of which tenant it is: what whoever has accepted it sends as X-Tenant.",
    }),
  }),
);

const WHY: Readonly<Record<InvitationRow["status"], string>> = {
  OPEN: "This invitation has expired. Ask for a new one.",
  ACCEPTED: "This invitation was used already.",
  DECLINED: "This invitation was declined. Ask for a new one.",
  WITHDRAWN: "This invitation was withdrawn. Ask for a new one, or use the one that was sent last.",
};

/** Says what became of an invitation; of an open one, that it came to its end. */
export const closed = (ctx: Context, status: InvitationRow["status"], field: readonly string[], isInside = false) =>
  new InvitationClosedFailure(
    WHY[status],
    field,
    { status: status === "OPEN" ? "EXPIRED" : status, tenantSlug: scopeOf(ctx).session.tenant.slug },
    isInside,
  );

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
