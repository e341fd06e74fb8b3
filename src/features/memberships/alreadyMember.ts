import { and, eq } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
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
  readonly tenantSlug: string;
  /** Whether they have signed in before: nobody else is let knock at the tenant, where they would be nobody. */
  readonly hasSignedIn: boolean;
}

export const memberOf = (ctx: Context, { id }: Place, userId: UserId, hasSignedIn: boolean): Member => ({
  organizationId: id,
  userId,
  tenantSlug: scopeOf(ctx).session.tenant.slug,
  hasSignedIn,
});

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
      resolve: async ({ member }, _args, { operation }) => {
        // That of the change was undone, with its session.
        const scope = member && (await operation.readBeside());
        return scope && findMembershipOf(scope, member!);
      },
    }),
    tenantSlug: t.string({
      description: "In which tenant: what to send as X-Tenant.",
      resolve: ({ member }) => member!.tenantSlug,
    }),
  }),
);

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
