import { and, eq } from "drizzle-orm";
import type { Place } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure } from "../../graphql/failure.js";
import { failureType, type MutationPayload } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import type { Action } from "../audit/actions.js";
import { type Changes, patchOf } from "../audit/patch.js";
import { record } from "../audit/record.js";
import { findOrganization, organizationsAhead } from "../organizations/loader.js";
import { type OrganizationRow, organizations } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";

export const FIELD = ["input", "organizationId"];

export class RootOrganizationFailure extends Failure {
  override readonly name = "RootOrganizationFailure";
  readonly code = "ROOT_ORGANIZATION";
}
failureType(RootOrganizationFailure, "The root of the tree stays where and as it is: its owners own the tenant by it.");

/** @throws RootOrganizationFailure for the root, which nobody above could ever set right again */
export function mustNotBeRoot({ path }: Place): void {
  if (path.length > 0) return;
  throw new RootOrganizationFailure(
    "The root of the tree can be renamed, and nothing else. Choose one below it.",
    FIELD,
  );
}

export async function getOrganization(ctx: Context, { id }: Place): Promise<OrganizationRow> {
  const { session } = scopeOf(ctx);
  const [row] = await session.db
    .select()
    .from(organizations)
    .where(and(eq(organizations.tenantId, session.tenantId), eq(organizations.id, id)));
  return row!;
}

/**
 * Changes whether an organization is in use, and notes it; nothing happens where it is so already. The tenant's lock is held
 * alone: nobody creates or gives anything below it at the same time.
 */
export async function setState(
  ctx: Context,
  place: Place,
  action: Action,
  state: (before: OrganizationRow) => Partial<Pick<OrganizationRow, "status" | "deletesAt">>,
): Promise<void> {
  const { session, now } = scopeOf(ctx);
  const before = await getOrganization(ctx, place);
  const changes: Changes = patchOf(before, state(before));
  if (Object.keys(changes.after).length === 0) return;
  await session.db
    .update(organizations)
    .set({ ...changes.after, updatedAt: now })
    .where(and(eq(organizations.tenantId, session.tenantId), eq(organizations.id, place.id)));
  record(ctx, {
    action,
    organizationId: place.id,
    targetType: "Organization",
    targetId: place.id,
    changes,
  });
}

export const organizationPayload = (description: string): MutationPayload<{ id: OrganizationId }> => ({
  description,
  ahead: organizationsAhead,
  fields: (t) => ({
    organization: t.field({
      type: Organization,
      nullable: true,
      description: "The organization as it is now; null when the viewer does not see it any more.",
      resolve: ({ id }, _args, ctx) => findOrganization(scopeOf(ctx), id),
    }),
  }),
});
