import { Access, type Held, type Place, type Reach } from "../../access/access.js";
import type { Catalogue } from "../../access/catalogue.js";
import type { HomeAnswer } from "../../graphql/operation.js";
import type { OrganizationId, UserId } from "../../ids.js";
import { arrayOf } from "../../tenancy/arrays.js";
import type { TenantSession } from "../../tenancy/session.js";

/**
 * Everything that decisions stand on, in one statement: the home row, the viewer, their live memberships and grants by the
 * database's clock, what is suspended, and where the organizations stand that the operation names.
 */
const TEXT = `
with clock as materialized (select clock_timestamp() as now),
own as materialized (
  select m.id, m.organization_id, m.expires_at, o.path
  from tenant h
    join users u on u.tenant_id = h.tenant_id and u.identity = $2 and u.status = 'ACTIVE'
    join memberships m on m.tenant_id = u.tenant_id and m.user_id = u.id and m.status = 'ACTIVE'
    join organizations o on o.tenant_id = m.tenant_id and o.id = m.organization_id
    cross join clock
  where h.tenant_id = $1 and (m.expires_at is null or m.expires_at > clock.now)
)
select h.epoch, h.status, clock.now, u.id as user_id,
  (select json_agg(json_build_object('id', own.organization_id, 'path', own.path)) from own) as member_of,
  (select json_agg(json_build_object('id', own.organization_id, 'path', own.path, 'reach', g.reach, 'key', g.role_key,
      'permissions', r.permissions, 'expiresAt', least(g.expires_at, own.expires_at)))
    from own
      join grants g on g.tenant_id = $1 and g.membership_id = own.id and (g.expires_at is null or g.expires_at > clock.now)
      left join roles r on r.tenant_id = g.tenant_id and r.id = g.role_id) as grants,
  (select json_agg(json_build_object('id', o.id, 'path', o.path))
    from organizations o where o.tenant_id = $1 and o.status = 'SUSPENDED') as suspended,
  (select json_agg(json_build_object('id', o.id, 'path', o.path))
    from organizations o where o.tenant_id = $1 and o.id = any($3::uuid[])) as named
from tenant h
  cross join clock
  left join users u on u.tenant_id = h.tenant_id and u.identity = $2 and u.status = 'ACTIVE'
where h.tenant_id = $1`;

interface GrantJson extends Place {
  readonly reach: Reach;
  readonly key: string | null;
  readonly permissions: string[] | null;
  readonly expiresAt: string | null;
}

/**
 * Reads the access of an identity in the session's tenant.
 * @returns `STALE` when this is not, or no longer, the home that the directory's record means; null when the tenant is
 *   suspended or has no active user of this identity, which nobody outside can tell apart
 */
export async function readAccess(
  catalogue: Catalogue,
  session: TenantSession,
  identity: Buffer,
  named: readonly OrganizationId[],
): Promise<HomeAnswer> {
  const [row] = await session.query(TEXT, [session.tenantId, identity, arrayOf(named)]);
  if (row?.epoch !== session.tenant.epoch) return "STALE";
  if (row.status === "FENCED") return "FENCED";
  if (row.status !== "ACTIVE" || row.user_id === null) return null;

  const grants = list<GrantJson>(row.grants).map(
    ({ id, path, reach, key, permissions, expiresAt }): Held => ({
      at: { id, path },
      reach,
      // A role that the product no longer has gives nothing.
      permissions: key === null ? new Set(permissions) : (catalogue.roles.get(key)?.permissions ?? new Set()),
      expiresAt: expiresAt === null ? null : new Date(expiresAt),
    }),
  );
  const access = new Access({ grants, memberOf: list<Place>(row.member_of), suspended: list<Place>(row.suspended) });
  return {
    viewer: { kind: "USER", id: row.user_id as UserId },
    access,
    named: new Map(list<Place>(row.named).map((place) => [place.id, place])),
    now: new Date(row.now as string),
  };
}

const list = <T>(json: unknown): T[] => (json as T[] | null) ?? [];
