import type { Rule } from "./rule.js";

/** As PostgreSQL writes the policy of `tenantTable` back, the same from 15 to 18. */
const OF_THIS_TENANT = "(tenant_id = (NULLIF(current_setting(''tenantry.tenant_id''::text, true), ''''::text))::uuid)";
/** Whether a policy is that one; null where its table has been dropped since the statement began. */
const IS_EXPECTED = `(pg_catalog.pg_get_expr(p.polqual, p.polrelid) = '${OF_THIS_TENANT}'
      and pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) = '${OF_THIS_TENANT}')`;

/** `is_ledger` is the record of applied migrations, the one table of a home that has no tenant's rows in it. */
export const TABLES = `
tables as materialized (
  select c.oid, h.oid as home_oid, h.home, h.owner as home_owner, c.relname as name, c.relkind,
    c.relname = 'migrations' as is_ledger, c.relowner as owner, pg_catalog.pg_get_userbyid(h.owner) as keeper, c.relacl as acl, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence, c.relispartition,
    a.attnum as tenant, 
    coalesce(a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype and a.attnotnull and a.attgenerated = '', false) as has_tenant
  from home h
  join pg_catalog.pg_class c on c.relnamespace = h.oid and c.relkind in ('r', 'p', 'f')
  left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped
),
-- To write an expression back takes PostgreSQL as long as all else: done for one of those that are the same tree. It names
-- columns by their numbers, so that it says the same of all tables whose tenant_id has the same.
trees as materialized (
  select t.tenant, p.polqual::text as shown, p.polwithcheck::text as taken, min(p.oid) as example
  from tables t join pg_catalog.pg_policy p on p.polrelid = t.oid
  group by 1, 2, 3
),
expressions as materialized (
  select e.tenant, e.shown, e.taken,
    ${IS_EXPECTED} as is_expected
  from trees e join pg_catalog.pg_policy p on p.oid = e.example
),
policies as materialized (
  select t.home, t.name, p.polname as policy, count(*) over (partition by t.oid) as policies_of_table,
    p.polpermissive and p.polcmd = '*' and p.polroles = '{0}' and p.polqual is not null and p.polwithcheck is not null
      and t.tenant is not null
      -- Unknown where the example's table has just been dropped: then each is asked; of a table that is dropped itself nothing is known.
      and coalesce(e.is_expected, ${IS_EXPECTED})
      -- What looks like a built-in function or type may be another of the same name: built-in ones are no dependency.
      and not exists (
        select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass and d.objid = p.oid
          and (d.refclassid <> 'pg_catalog.pg_class'::pg_catalog.regclass or d.refobjid <> p.polrelid)
      ) as is_expected
  from tables t join pg_catalog.pg_policy p on p.polrelid = t.oid
  left join expressions e on e.tenant = t.tenant and e.shown = p.polqual::text and e.taken = p.polwithcheck::text
  where not t.is_ledger
)`;

const CREATE_POLICY =
  "USING (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid) " +
  "WITH CHECK (tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid);";

export const tableRules: readonly Rule[] = [
  {
    from: "tables",
    where: "not is_ledger and not relrowsecurity",
    what: "Table {home}.{name} has row security off: its rows are shown to every tenant.",
    mend: "ALTER TABLE {home}.{name} ENABLE ROW LEVEL SECURITY;",
  },
  {
    from: "tables",
    where: "relforcerowsecurity",
    what: "Table {home}.{name} forces row security on its owner: moves and migrations would silently miss its rows.",
    mend: "ALTER TABLE {home}.{name} NO FORCE ROW LEVEL SECURITY;",
  },
  {
    from: "tables t",
    where: `not is_ledger and has_tenant and not exists (select from pg_catalog.pg_policy p where p.polrelid = t.oid)`,
    what: "Table {home}.{name} has no policy.",
    mend: `CREATE POLICY of_this_tenant ON {home}.{name} ${CREATE_POLICY}`,
  },
  {
    from: "policies",
    where: "not is_expected and policies_of_table = 1",
    what:
      "Policy {policy} of table {home}.{name} is not the wall between tenants, which is permissive, " +
      "for all commands and everybody, and on tenant_id alone.",
    mend: `DROP POLICY {policy} ON {home}.{name}; CREATE POLICY {policy} ON {home}.{name} ${CREATE_POLICY}`,
  },
  {
    from: "policies",
    where: "not is_expected and policies_of_table > 1",
    what: "Policy {policy} of table {home}.{name} stands beside the wall between tenants: what either shows is shown.",
    mend: "DROP POLICY {policy} ON {home}.{name};",
  },
  {
    from: "policies",
    where: "is_expected and policies_of_table > 1",
    what: "Policy {policy} of table {home}.{name} is not its only one: what any of them shows is shown.",
    mend: "Drop all policies of {home}.{name} but this one.",
  },
  {
    from: "tables",
    where: "not is_ledger and not has_tenant",
    what: "Table {home}.{name} has no column tenant_id of type uuid that is not null.",
    mend: "Give {home}.{name} the column (tenant_id uuid NOT NULL), or drop the table.",
  },
  {
    from: "tables t",
    where: "not exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary)",
    what: "Table {home}.{name} has no primary key.",
    mend: "ALTER TABLE {home}.{name} ADD PRIMARY KEY (tenant_id, …);",
  },
  {
    from: "tables t join pg_catalog.pg_attribute a on a.attrelid = t.oid",
    where: "a.attidentity <> ''",
    what: "Column {attname} of table {home}.{name} is numbered by a sequence, which the tenants of a database could share.",
    mend: "ALTER TABLE {home}.{name} ALTER COLUMN {attname} DROP IDENTITY;",
  },
  {
    from: "tables",
    where: "owner <> home_owner",
    what: "Table {home}.{name} does not belong to the owner of its home, and row security does not hold its owner.",
    mend: "ALTER TABLE {home}.{name} OWNER TO {keeper};",
  },
  {
    from: "tables",
    where: "relpersistence <> 'p'",
    what: "Table {home}.{name} is unlogged: a crash empties it.",
    mend: "ALTER TABLE {home}.{name} SET LOGGED;",
  },
  {
    from: "tables t",
    where: `relkind = 'p' or relispartition or exists (select from pg_catalog.pg_inherits i where i.inhrelid = t.oid)
      or exists (select from pg_catalog.pg_inherits i where i.inhparent = t.oid)`,
    what: "Table {home}.{name} takes part in inheritance or partitioning: whoever reads the parent passes by the policy of the child.",
    mend: "Part them: ALTER TABLE … NO INHERIT …; or ALTER TABLE … DETACH PARTITION …;",
  },
];
