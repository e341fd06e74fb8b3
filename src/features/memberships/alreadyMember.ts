import { and, eq } from "drizzle-orm";
import type { Context } from "../../graphql/context.js";
import { Failure, type FailureMember } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import type { Scope } from "../../graphql/operation.js";
import type { OrganizationId, UserId } from "../../ids.js";
import { findMembership } from "./loader.js";
import { memberships } from "./table.js";
import { Membership } from "./type.js";

/** Whose membership it is, and where. */
export interface Member {
  readonly organizationId: OrganizationId;
  readonly userId: UserId;
}

interface AlreadyMember extends FailureMember {
  readonly member: Member | null;
}

export class AlreadyMemberFailure extends Failure {
  override readonly name = "AlreadyMemberFailure";
  readonly code = "ALREADY_MEMBER";

  constructor(
    message: string,
    field: readonly string[] | null = null,
    readonly member: Member | null = null,
  ) {
    super(message, field);
  }

  override toMember(): AlreadyMember {
    return { ...super.toMember(), member: this.member };
  }
}

/** Said to who may change what they have there. */
export const IS_MEMBER = "This person is a member there already. Change their grants with setGrants.";

failureType<AlreadyMember>(
  AlreadyMemberFailure,
  "The person has a membership there that has not ended, or is suspended. Whoever manages members there can change that one.",
  (t) => ({
    membership: t.field({
      type: Membership,
      nullable: true,
      description: "The membership that is there; null when it is hidden from the caller.",
      resolve: async ({ member }, _args, ctx) => (await findBeside(ctx, member))?.membership ?? null,
    }),
    tenantSlug: t.string({
      nullable: true,
      description: "What to send as X-Tenant to be where it is; null when it is hidden from the caller.",
      resolve: async ({ member }, _args, ctx) => (await findBeside(ctx, member))?.tenantSlug ?? null,
    }),
  }),
);

/** The membership, as far as the caller sees it, in a session of its own: that of the change was undone. */
async function findBeside({ operation }: Context, member: Member | null) {
  const scope = member && (await operation.readBeside());
  if (!scope) return null;
  const membership = await findMembershipOf(scope, member);
  return membership && { membership, tenantSlug: scope.session.tenant.slug };
}

async function findMembershipOf(scope: Scope, { organizationId, userId }: Member) {
  const { db, tenantId } = scope.session;
  const [found] = await db
    .select({ id: memberships.id })
    .from(memberships)
    .where(
      and(
        eq(memberships.tenantId, tenantId),
        eq(memberships.organizationId, organizationId),
        eq(memberships.userId, userId),
      ),
    );
  return found ? findMembership(scope, found.id) : null;
}
