// Mercurius with its JIT, loaders written by hand, and prepared SQL that names the tenant's schema. No authorization of any kind,
// no transaction for what only reads.
import Fastify from "fastify";
import mercurius from "mercurius";
import { connect, listen, readTenants, textsOf } from "./serving.mjs";

const SCHEMA = `
  type Query { viewer: User organization(slug: String!): Organization }
  type Mutation { assignRole(membershipId: ID!, roleId: ID!): Membership }
  type User { id: ID! name: String! email: String! memberships(first: Int!): [Membership!]! }
  type Organization { id: ID! name: String! slug: String! memberCount: Int! members(first: Int!): [Membership!]! }
  type Membership { id: ID! user: User! organization: Organization! roles: [Role!]! }
  type Role { id: ID! name: String! permissions: [String!]! }`;

const page = (key) => (p) =>
  `select m.id, m.user_id, m.organization_id from unnest($1::uuid[]) k(id)
  cross join lateral (select id, user_id, organization_id from ${p}memberships where ${key} = k.id order by id limit $2) m`;
const text = textsOf({
  users: (p) => `select id, name, email from ${p}users where id = any($1::uuid[])`,
  organizations: (p) => `select id, name, slug from ${p}organizations where id = any($1::uuid[])`,
  bySlug: (p) => `select id, name, slug from ${p}organizations where slug = $1`,
  counts: (p) =>
    `select organization_id, count(*)::int as n from ${p}memberships where organization_id = any($1::uuid[]) group by 1`,
  roles: (p) => `select mr.membership_id, r.id, r.name, r.permissions from ${p}membership_roles mr
    join ${p}roles r on r.id = mr.role_id where mr.membership_id = any($1::uuid[]) order by r.name`,
  ofUser: page("user_id"),
  ofOrganization: page("organization_id"),
  membership: (p) => `select id, organization_id, user_id from ${p}memberships where id = $1`,
  assign: (p) =>
    `insert into ${p}membership_roles(membership_id, role_id, tenant_id) values ($1, $2, $3) on conflict do nothing`,
  audit: (p) => `insert into ${p}audit_log(tenant_id, actor_id, action, target) values ($1, $2, $3, $4)`,
});

const [sql, tenants] = [connect(), await readTenants()];
const ask = ({ tenant }, name, params, on = sql) => on.unsafe(text(tenant, name), params, { prepare: true });

/** Loaders of Mercurius: all fields of a level in one statement. */
const loading = (loader) => ({ loader, opts: { cache: false } });
const one = (name, key) =>
  loading(async (fields, ctx) => {
    const rows = await ask(ctx, name, [[...new Set(fields.map(({ obj }) => obj[key]))]]);
    const byId = new Map(rows.map((row) => [row.id, row]));
    return fields.map(({ obj }) => byId.get(obj[key]));
  });
const many = (name, key, isPaged) =>
  loading(async (fields, ctx) => {
    const ids = [...new Set(fields.map(({ obj }) => obj.id))];
    const rows = await ask(ctx, name, isPaged ? [ids, fields[0].params.first] : [ids]);
    const byKey = Map.groupBy ? Map.groupBy(rows, (row) => row[key]) : group(rows, key);
    return fields.map(({ obj }) => byKey.get(obj.id) ?? []);
  });
function group(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    const found = groups.get(row[key]);
    if (found) found.push(row);
    else groups.set(row[key], [row]);
  }
  return groups;
}

const app = Fastify({ logger: false });
app.register(mercurius, {
  schema: SCHEMA,
  jit: 1,
  graphiql: false,
  context: ({ headers }) => ({ tenant: tenants.get(headers["x-tenant"]), user: headers["x-user"] }),
  resolvers: {
    Query: {
      viewer: async (_, _args, ctx) => (await ask(ctx, "users", [[ctx.user]]))[0],
      organization: async (_, { slug }, ctx) => (await ask(ctx, "bySlug", [slug]))[0] ?? null,
    },
    Mutation: {
      assignRole: (_, { membershipId, roleId }, ctx) =>
        sql.begin(async (transaction) => {
          const [membership] = await ask(ctx, "membership", [membershipId], transaction);
          await ask(ctx, "assign", [membership.id, roleId, ctx.tenant.id], transaction);
          const target = { membership: membership.id, role: roleId };
          await ask(ctx, "audit", [ctx.tenant.id, ctx.user, "role.assign", target], transaction);
          return membership;
        }),
    },
  },
  loaders: {
    User: { memberships: many("ofUser", "user_id", true) },
    Membership: {
      user: one("users", "user_id"),
      organization: one("organizations", "organization_id"),
      roles: many("roles", "membership_id", false),
    },
    Organization: {
      members: many("ofOrganization", "organization_id", true),
      memberCount: loading(async (fields, ctx) => {
        const rows = await ask(ctx, "counts", [fields.map(({ obj }) => obj.id)]);
        const counts = new Map(rows.map((row) => [row.organization_id, row.n]));
        return fields.map(({ obj }) => counts.get(obj.id) ?? 0);
      }),
    },
  },
});
await app.ready();
listen(app.server);
