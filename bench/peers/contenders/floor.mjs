// How far one could go: node:http, and one statement for each operation, which judges, reads and writes the answer's JSON. No
// GraphQL, no transaction of its own, no tokens.
import { createServer } from "node:http";
import { connect, listen, readTenants, textsOf } from "./serving.mjs";

const can = (p, organization, permission) => `exists (select from ${p}memberships am
  join ${p}membership_roles amr on amr.membership_id = am.id join ${p}roles ar on ar.id = amr.role_id
  where am.user_id = $1 and am.organization_id = ${organization} and '${permission}' = any (ar.permissions))`;
const roles = (p, of, columns) => `(select coalesce(json_agg(json_build_object(${columns}) order by r.name), '[]')
  from ${p}membership_roles mr join ${p}roles r on r.id = mr.role_id where mr.membership_id = ${of})`;

const text = textsOf({
  Q1: (p) => `select json_build_object('viewer', json_build_object('id', u.id, 'name', u.name, 'memberships', (
      select coalesce(json_agg(json_build_object('id', m.id,
        'organization', json_build_object('id', o.id, 'name', o.name, 'slug', o.slug,
          'memberCount', (select count(*) from ${p}memberships c where c.organization_id = o.id)),
        'roles', ${roles(p, "m.id", "'name', r.name, 'permissions', r.permissions")}) order by m.id), '[]')
      from (select id, organization_id from ${p}memberships where user_id = u.id order by id limit 20) m
      join ${p}organizations o on o.id = m.organization_id)))::text as j
    from ${p}users u where u.id = $1`,
  Q2: (p) => `select json_build_object('organization', json_build_object('id', o.id, 'name', o.name, 'members',
      case when ${can(p, "o.id", "members:read")} then (
        select coalesce(json_agg(json_build_object('id', m.id, 'user', json_build_object('id', u.id, 'name', u.name, 'email', u.email),
          'roles', ${roles(p, "m.id", "'name', r.name")}) order by m.id), '[]')
        from (select id, user_id from ${p}memberships where organization_id = o.id order by id limit 50) m
        join ${p}users u on u.id = m.user_id) end))::text as j
    from ${p}organizations o where o.slug = $2`,
  Q3: (p) => `select json_build_object('viewer', json_build_object('id', v.id, 'memberships', (
      select coalesce(json_agg(json_build_object('id', m.id, 'organization', json_build_object('id', o.id, 'name', o.name, 'members',
        case when ${can(p, "o.id", "members:read")} then (
          select coalesce(json_agg(json_build_object('id', m2.id, 'user', json_build_object('id', u.id, 'name', u.name, 'memberships', (
            select coalesce(json_agg(json_build_object('id', m3.id, 'organization', json_build_object('name', o3.name)) order by m3.id), '[]')
            from (select id, organization_id from ${p}memberships where user_id = u.id order by id limit 5) m3
            join ${p}organizations o3 on o3.id = m3.organization_id))) order by m2.id), '[]')
          from (select id, user_id from ${p}memberships where organization_id = o.id order by id limit 10) m2
          join ${p}users u on u.id = m2.user_id) end)) order by m.id), '[]')
      from (select id, organization_id from ${p}memberships where user_id = v.id order by id limit 10) m
      join ${p}organizations o on o.id = m.organization_id)))::text as j
    from ${p}users v where v.id = $1`,
  M1: (
    p,
  ) => `with m as (select m.id, m.tenant_id from ${p}memberships m where m.id = $2 and ${can(p, "m.organization_id", "members:manage")}),
      a as (insert into ${p}membership_roles(membership_id, role_id, tenant_id) select m.id, $3, m.tenant_id from m on conflict do nothing),
      l as (insert into ${p}audit_log(tenant_id, actor_id, action, target)
        select m.tenant_id, $1, 'role.assign', jsonb_build_object('membership', m.id, 'role', $3::uuid) from m)
    select json_build_object('assignRole', json_build_object('id', m.id))::text as j from m`,
});

const [sql, tenants] = [connect(), await readTenants()];
const JSON_TYPE = { "content-type": "application/json" };

async function answer(body, { "x-tenant": tenant, "x-user": user }) {
  const { operationName, variables } = JSON.parse(body);
  const more = { Q2: [variables.slug], M1: [variables.membershipId, variables.roleId] }[operationName] ?? [];
  const [row] = await sql.unsafe(text(tenants.get(tenant), operationName), [user, ...more], { prepare: true });
  return `{"data":${row?.j ?? "null"}}`;
}

listen(
  createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", async () => {
      const out = await answer(Buffer.concat(parts).toString(), request.headers);
      response.writeHead(200, { ...JSON_TYPE, "content-length": Buffer.byteLength(out) });
      response.end(out);
    });
  }),
);
