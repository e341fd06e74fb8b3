import type { Query } from "../walls/finding.js";

/** Between statements; PostgreSQL takes it for a comment. */
const BREAKPOINT = "--> statement-breakpoint";

/** Whether a text is made of ALTER TABLE alone: whatever that changes it leaves locked, and nothing else comes or goes. */
export const altersTablesAlone = (sql: string): boolean =>
  sql
    .replaceAll(BREAKPOINT, "")
    .split(";")
    // What was cut within a value or a comment begins with something else.
    .every((statement) => /^\s*(alter\s+table\s|$)/i.test(statement));

// The numbers below are those of what came with PostgreSQL.
const LOCKED = `select l.relation from pg_catalog.pg_locks l
  where l.locktype = 'relation' and l.pid = pg_catalog.pg_backend_pid() and l.relation >= 16384`;

const COLUMNS = `c.oid, c.relnamespace, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
  c.relispartition, c.relhassubclass, c.relhasrules, c.relowner, c.relacl`;

/** Tables, views and sequences of the home that this transaction has locked. */
const ALTERED = `
touched as materialized (
  select ${COLUMNS} from pg_catalog.pg_class c join home h on h.oid = c.relnamespace
  where c.oid in (${LOCKED}) and c.relkind not in ('i', 'I')
)`;

/**
 * The same, and those whose rights alone were changed, which takes no lock but leaves a new row; and what is no table. It goes
 * from the schema to all that is in it by their dependency: `pg_class` has no index by schema.
 */
const ANYTHING = `
content as materialized (
  select d.classid, d.objid, d.objsubid from home h
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = h.oid
),
touched as materialized (
  select ${COLUMNS} from content t join pg_catalog.pg_class c on c.oid = t.objid
  where t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
    and (c.xmin = pg_catalog.pg_current_xact_id()::xid or c.oid in (${LOCKED}))
)`;
const STRANGERS = `
  union all
  select o.type, o.identity
  from content t cross join lateral pg_catalog.pg_identify_object(t.classid, t.objid, t.objsubid) o
  where t.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass`;

// All as it is stored, which says the same as words do and costs less; nothing that no wall depends on.
const digestOf = (touched: string, strangers: string) => `
with home as materialized (
  select n.oid, n.nspowner, n.nspacl from pg_catalog.pg_namespace n where n.nspname = $1
),${touched},
line (of, what) as (
  select '', row(nspowner, nspacl)::text from home
  union all
  select relname, row(relkind, relpersistence, relrowsecurity, relforcerowsecurity, relispartition, relhassubclass, relhasrules,
    relowner, relacl, exists (select from pg_catalog.pg_inherits i where i.inhrelid = t.oid))::text
  from touched t
  union all
  select relname, row(a.attname, a.attnum, a.atttypid, a.attnotnull, a.attidentity, a.attgenerated, a.attacl)::text
  from touched t
  join pg_catalog.pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    and (a.attname = 'tenant_id' or a.attidentity <> '' or a.attacl is not null)
  union all
  select relname, row(i.indisunique, i.indisprimary, i.indisexclusion, i.indkey, i.indclass)::text
  from touched t join pg_catalog.pg_index i on i.indrelid = t.oid
  union all
  select t.relname, row(k.contype, k.conkey, k.conexclop, k.confkey, k.confupdtype, k.confdeltype, (
    select row(f.relname, nullif(f.relnamespace, t.relnamespace)) from pg_catalog.pg_class f where f.oid = k.confrelid))::text
  from touched t join pg_catalog.pg_constraint k on k.conrelid = t.oid and k.contype <> 'n'
  union all
  select relname, row(p.polcmd, p.polpermissive, p.polroles, p.polqual, p.polwithcheck)::text
  from touched t join pg_catalog.pg_policy p on p.polrelid = t.oid
  union all
  -- Those of keys are named by number; a key that reaches in from elsewhere leaves two here, and nothing else.
  select relname, row(g.tgisinternal, g.tgenabled, case when not g.tgisinternal then g.tgname end)::text
  from touched t join pg_catalog.pg_trigger g on g.tgrelid = t.oid${strangers}
)
select md5(string_agg(md5(of || what), '' order by of collate "C", what collate "C")) as digest from line`;

const DIGESTS = { tables: digestOf(ALTERED, ""), anything: digestOf(ANYTHING, STRANGERS) };

/** What a transaction can have changed: tables alone, which it then holds locked, or whatever there is. */
export type Touching = keyof typeof DIGESTS;

/**
 * A digest of all that the walls of a home depend on and that the transaction may have changed: the rest is as it was before
 * it. Null when there is no such schema.
 */
export async function wallsDigestOf(query: Query, schema: string, touching: Touching): Promise<string | null> {
  const [row] = await query(DIGESTS[touching], [schema]);
  return (row?.digest as string | null | undefined) ?? null;
}
