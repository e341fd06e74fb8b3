// Fills the gateway's homes and the contenders' tables with the same rows, and says who asks for what.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { sql } from "drizzle-orm";
import { identityDigest } from "../../dist/identity/digest.js";
import { createTenant } from "../../dist/tenancy/create.js";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const filled = (name, values) => read(name).replaceAll(/\{\{(\w+)\}\}/g, (_, key) => values[key]);

export const ISSUER = "http://localhost/tenantry-bench";
export const KINDS = ["SHARED", "SCHEMA"];
/** What requests call the tenant of this number, among those that are kept apart in this way. */
export const slugOf = (kind, t) => `${kind.toLowerCase()}-${t}`;
const subjectOf = (kind, t, i) => `${slugOf(kind, t)}-user-${i}`;

/** What a tenant has, where nothing else is asked for. */
export const USUAL = { organizations: 20, people: 200 };

/** The rows of all tenants, as numbers. @param shapes what each of them has */
export const makeShape = (run, shapes) => {
  const tenants = shapes.map(({ organizations, people }, n) => `(${n + 1}, ${organizations}, ${people})`);
  return run(filled("shape.sql", { tenants: tenants.join() }));
};

/** The tenants of the gateway, each in one transaction, without the gateway itself. Of more people than usual, the others never sign in. */
export async function seedGateway(owners, key, shapes, kinds) {
  const main = await owners.main;
  await makeShape((text) => main.run(text), shapes);
  for (const kind of kinds)
    for (let t = 1; t <= shapes.length; t++) {
      const digests = Array.from({ length: USUAL.people }, (_, n) =>
        identityDigest(key, { issuer: ISSUER, subject: subjectOf(kind, t, n + 1) }),
      );
      const id = randomUUID();
      const place = { isolation: kind, database: "main", identities: digests, createdAt: new Date() };
      await createTenant(owners, { id, slug: slugOf(kind, t), ...place }, async (db) => {
        for (const text of rowsOf(id, t, digests)) await db.execute(sql.raw(text));
      });
    }
  await main.run("drop schema shape cascade");
  await main.run("vacuum analyze");
}

const rowsOf = (id, t, digests) => [
  `insert into organizations (tenant_id, id, parent_id, path, slug, name, member_count, created_at, updated_at)
     select '${id}', id, parent_id, path, slug, name,
       (select count(*) from shape.memberships m where m.t = ${t} and m.organization_id = o.id), now(), now()
     from shape.organizations o where t = ${t} order by cardinality(path)`,
  `insert into slugs (tenant_id, slug, organization_id, created_at)
     select '${id}', slug, id, now() from shape.organizations where t = ${t}`,
  `insert into users (tenant_id, id, display_name, email, identity, created_at, updated_at)
     select '${id}', u.id, name, email, d.digest, now(), now() from shape.users u
     left join (values ${digests.map((digest, n) => `(${n + 1}, '\\x${digest.toString("hex")}'::bytea)`)}) d(i, digest) using (i)
     where t = ${t}`,
  `insert into roles (tenant_id, id, key, name, permissions, created_at, updated_at)
     select '${id}', id, key, name, permissions, now(), now() from shape.roles where t = ${t}`,
  `insert into memberships (tenant_id, id, organization_id, user_id, created_at, updated_at)
     select '${id}', id, organization_id, user_id, now(), now() from shape.memberships where t = ${t}`,
  `insert into grants (tenant_id, id, membership_id, role_id, reach, created_at)
     select '${id}', shape.id('g', t, membership_id || '-' || role), membership_id, role_id,
       case when below then 'SUBTREE' else 'ORGANIZATION' end, now()
     from shape.grants where t = ${t}`,
  // Somebody who asks nothing owns the tenant; what they hold besides makes no row of any answer.
  `insert into grants (tenant_id, id, membership_id, role_key, reach, created_at)
     select '${id}', shape.id('g', ${t}, 'owner'), (${OWNER(t)}), 'owner', 'SUBTREE', now()`,
];
const OWNER = (t) => `select id from shape.memberships where t = ${t} and o = 1
  and id not in (select membership_id from shape.viewers) order by id limit 1`;

/** The same for the contenders, in a database of theirs that has the shape. */
export async function seedContenders(sql, tenants, password) {
  // The owner's role, which the gateway has of itself.
  await sql`insert into shape.roles select t, 9, shape.id('r', t, '9'), 'owner', 'Owner', '{members:manage}' from shape.tenants`;
  for (let t = 1; t <= tenants; t++)
    await sql.unsafe(`insert into shape.grants select ${t}, (${OWNER(t)}), 9, shape.id('r', ${t}, '9'), true`);
  for (let t = 1; t <= tenants; t++)
    await sql.begin((transaction) =>
      transaction.unsafe(filled("contenders/tables.sql", { schema: `t${t}`, which: `t = ${t}` })),
    );
  await sql.begin((transaction) =>
    transaction.unsafe(filled("contenders/tables.sql", { schema: "shared", which: "true" })),
  );
  await sql.begin((transaction) => transaction.unsafe(filled("contenders/postgraphile.sql", { password })));
  await sql.unsafe("vacuum analyze");
}

/** Who asks, and whom they give what: the pairs are as many as there are, so that every change is one. */
export async function readTargets(sql) {
  const targets = await sql`select t, i, user_id as user, slug from shape.targets order by md5(user_id::text)`;
  const assignments = await sql`
    select a.t, a.membership_id, a.role_id, v.i, v.user_id as user
    from shape.assignments a
    cross join lateral (select i, user_id from shape.targets v where v.t = a.t order by md5(v.i || a.membership_id::text) limit 1) v
    order by md5(a.membership_id::text || a.role_id)`;
  return { targets: [...targets], assignments: [...assignments] };
}

/**
 * Takes back what was assigned.
 * @returns how much that was
 */
export async function takeBack({ name, kind }, { owners, sql, tenants, seededAt }) {
  let gone = 0;
  if (kind) {
    const main = await owners.main;
    const homes = await main.run("select distinct schema_name from tenantry.tenants where isolation = $1", [kind]);
    for (const { schema_name: schema } of homes)
      gone += (await main.run(`delete from "${schema}".grants where created_at > '${seededAt}'`)).count;
    return gone;
  }
  const schemas = name === "postgraphile" ? ["shared"] : Array.from({ length: tenants }, (_, n) => `t${n + 1}`);
  for (const schema of schemas) {
    const { count } = await sql.unsafe(`delete from "${schema}".membership_roles given using shape.assignments made
      where made.membership_id = given.membership_id and made.role_id = given.role_id`);
    gone += count;
  }
  return gone;
}

/** The subject of a target's token. */
export const subjectOfTarget = (kind, { t, i }) => subjectOf(kind, t, i);
