import type { GrantId, MembershipId, OrganizationId } from "../../ids.js";
import type { Action } from "../audit/actions.js";
import type { Happened } from "../audit/record.js";
import type { grants, memberships } from "../memberships/table.js";
import type { organizations } from "../organizations/table.js";
import type { users } from "../users/table.js";
import type { KnownPerson } from "./state.js";

type New<T extends { $inferInsert: object }> = Omit<T["$inferInsert"], "tenantId" | "createdAt" | "updatedAt">;

/** What a batch of rows changes, to be written together. */
export class Batch {
  readonly organizations: New<typeof organizations>[] = [];
  readonly renamed: { readonly id: OrganizationId; readonly name: string }[] = [];
  readonly people: New<typeof users>[] = [];
  readonly changedPeople: (KnownPerson & { readonly hasNewEmail: boolean })[] = [];
  readonly memberships: New<typeof memberships>[] = [];
  /** The new ends of memberships, the last that a row says. */
  readonly ends = new Map<MembershipId, Date | null>();
  /** Those that had ended and begin anew. What they had before goes, and `grants` is what they have. */
  readonly begunAnew = new Set<MembershipId>();
  grants: New<typeof grants>[] = [];
  /** The new ends of grants, also of such as are made here. */
  readonly grantEnds = new Map<GrantId, Date | null>();
  readonly events: Happened[] = [];

  beginAnew(id: MembershipId, expiresAt: Date | null): void {
    this.ends.set(id, expiresAt);
    this.begunAnew.add(id);
    // A row before may have given it something, and have let it end in the past.
    this.grants = this.grants.filter(({ membershipId }) => membershipId !== id);
  }
}

export const about = (
  action: Action,
  organizationId: OrganizationId,
  targetType: string,
  targetId: string,
  changes: Record<string, unknown>,
): Happened => ({ action, organizationId, targetType, targetId, changes });
