import { and, eq } from "drizzle-orm";
import { Access } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { AllNamed } from "../../graphql/named.js";
import type { Entrance } from "../../graphql/operation.js";
import { TenantNotFoundError } from "../../identity/errors.js";
import { newId, type OrganizationId, type TenantId, type UserId } from "../../ids.js";
import { oneAtATime, PEOPLE } from "../../tenancy/oneAtATime.js";
import type { TenantSession } from "../../tenancy/session.js";
import { record } from "../audit/record.js";
import { users } from "../users/table.js";
import type { Arrived } from "./addMembership.js";
import { mustBeAbleToHandOn } from "./handOn.js";
import { isHomeGone, readAccessOf } from "./readAccess.js";

/**
 * Who somebody with this identity and this address is in the tenant: who signs in as them already, or else whom somebody wrote
 * down by the address, and who never signed in. Nobody comes in by another door while they are suspended.
 */
const ARRIVING = `
select h.epoch, h.status, clock_timestamp() as now,
  (select o.id from organizations o where o.tenant_id = $1 and o.parent_id is null) as root,
  (select u.id from users u where u.tenant_id = $1 and (u.identity = $2 or (u.identity is null and u.email = $3))
    order by u.identity is null, u.id limit 1) as user_id,
  exists (select from users u where u.tenant_id = $1 and u.status = 'SUSPENDED' and (u.identity = $2 or u.email = $3)) as is_barred
from tenant h where h.tenant_id = $1`;

const NOTHING = new Access({ grants: [], memberOf: [], suspended: [], archived: [] });

/**
 * The way into a tenant for somebody who need not be in it. What they do there, they do by the rights of another: of whoever
 * let them in.
 * @param email   verified, of the caller's token
 * @param sponsor finds who lets them in, in the tenant's home; null when nobody does
 */
export function entranceOf(
  ctx: Context,
  tenantId: TenantId,
  email: string,
  sponsor: (session: TenantSession) => Promise<UserId | null>,
): Entrance {
  const { digest, tenant } = ctx.arrivals!;
  return {
    tenant: async () => {
      const found = await tenant(tenantId);
      if (!found) throw new TenantNotFoundError();
      return found;
    },
    async readAccess(session) {
      await oneAtATime(session, PEOPLE);
      const [row] = await session.query(ARRIVING, [tenantId, digest, email]).catch((error) => {
        if (isHomeGone(error)) return [];
        throw error;
      });
      if (row?.epoch !== session.tenant.epoch) return "STALE";
      if (row.status === "FENCED") return "FENCED";
      if (row.status === "SUSPENDED" || row.is_barred) return null;
      const by = await sponsor(session);
      if (by === null) return null;
      const theirs = await readAccessOf(ctx.catalogue, session, by);
      return {
        viewer: { kind: "USER", id: (row.user_id as UserId | null) ?? newId() },
        access: theirs !== null && typeof theirs === "object" ? theirs.access : NOTHING,
        root: { id: row.root as OrganizationId, path: [] },
        named: new AllNamed([]),
        now: new Date(row.now as string),
      };
    },
  };
}

/** Whom somebody lets in who is not there. */
export interface Arriving {
  /** Verified. */
  readonly email: string;
  readonly digest: Buffer;
  readonly name: string | null;
}

/**
 * Lets somebody in who asked before; null for who is suspended in the tenant. The viewer need not be them. The address was
 * theirs when they asked: whoever was written down by it is handed to them by the viewer, who must hold all that they hold.
 * @throws ExceedsYoursFailure
 */
export async function letIn(ctx: Context, arriving: Arriving, field: readonly string[]): Promise<Arrived | null> {
  const { session } = scopeOf(ctx);
  await oneAtATime(session, PEOPLE);
  const [row] = await session.query(ARRIVING, [session.tenantId, arriving.digest, arriving.email]);
  if (row!.is_barred) return null;
  const arrived = await arriveAs(ctx, (row!.user_id as UserId | null) ?? newId(), arriving, "user.identified");
  if (arrived.wasWrittenDown) await mustBeAbleToHandOn(ctx, arrived.userId, "domains:manage", field);
  return arrived;
}

/**
 * Makes whoever arrives a person of the tenant, if they are none yet, and lets their identity sign in.
 * @param email verified, of the caller's token
 */
export const arrive = (ctx: Context, email: string): Promise<Arrived> =>
  arriveAs(
    ctx,
    scopeOf(ctx).viewer.id,
    { email, digest: ctx.arrivals!.digest, name: ctx.identity!.name },
    "user.signedIn",
  );

async function arriveAs(
  ctx: Context,
  id: UserId,
  { email, digest, name }: Arriving,
  action: "user.signedIn" | "user.identified",
): Promise<Arrived> {
  const { session, root, now } = scopeOf(ctx);
  const { db, tenantId } = session;
  const itself = and(eq(users.tenantId, tenantId), eq(users.id, id));
  const about = { organizationId: root.id, targetType: "User", targetId: id };
  const [known] = await db.select().from(users).where(itself);
  if (!known) {
    const row = { email, emailVerified: true, displayName: name ?? email };
    await db.insert(users).values({ ...row, tenantId, id, identity: digest, createdAt: now, updatedAt: now });
    record(ctx, { ...about, action: "user.created", changes: { after: row } });
  } else if (known.identity === null) {
    await db.update(users).set({ identity: digest, emailVerified: true, updatedAt: now }).where(itself);
    record(ctx, { ...about, action });
    return { userId: id, wasWrittenDown: true };
  }
  return { userId: id, wasWrittenDown: false };
}
