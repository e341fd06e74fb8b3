import type { Rule } from "./rule.js";

/** Indexes and foreign keys of the tables that have tenant_id; `led` says that it comes first. */
export const KEYS = `
indexes as materialized (
  select t.home, t.name, c.relname as index, k.conname, k.contype,
    i.indkey[0] = t.tenant
      and (not i.indisexclusion or k.conexclop[1] = 'pg_catalog.=(uuid,uuid)'::pg_catalog.regoperator) as led,
    i.indisunique or i.indisexclusion as refuses
  from tables t
  join pg_catalog.pg_index i on i.indrelid = t.oid
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  left join pg_catalog.pg_constraint k on k.conindid = c.oid and k.conrelid = t.oid and k.contype in ('p', 'u', 'x')
  where not t.is_ledger and t.tenant is not null
),
references_out as materialized (
  select t.home, t.name, k.conname, k.confdeltype, k.confupdtype, n.nspname as other_home, o.relname as other,
    o.relnamespace <> t.home_oid as leaves,
    k.conkey[1] = t.tenant and k.confkey[1] = (
      select a.attnum from pg_catalog.pg_attribute a
      where a.attrelid = k.confrelid and a.attname = 'tenant_id' and not a.attisdropped
    ) as led
  from tables t
  join pg_catalog.pg_constraint k on k.conrelid = t.oid and k.contype = 'f'
  join pg_catalog.pg_class o on o.oid = k.confrelid
  join pg_catalog.pg_namespace n on n.oid = o.relnamespace
),
references_in as materialized (
  select t.home, t.name, k.conname, n.nspname as other_home, o.relname as other
  from pg_catalog.pg_constraint k
  join tables t on t.oid = k.confrelid
  join pg_catalog.pg_class o on o.oid = k.conrelid and o.relnamespace <> t.home_oid
  join pg_catalog.pg_namespace n on n.oid = o.relnamespace
  where k.contype = 'f' and not exists (select from tables s where s.oid = k.conrelid)
)`;

export const keyRules: readonly Rule[] = [
  {
    from: "indexes",
    where: "refuses and contype is not null and not led",
    what: "Constraint {conname} of table {home}.{name} does not begin with tenant_id: a refusal tells of another tenant's row.",
    mend: "ALTER TABLE {home}.{name} DROP CONSTRAINT {conname}; -- and add it again with tenant_id first",
  },
  {
    from: "indexes",
    where: "refuses and contype is null and not led",
    what: "Unique index {home}.{index} does not begin with tenant_id: a refusal tells of another tenant's row.",
    mend: "DROP INDEX {home}.{index}; -- and create it again with tenant_id first",
  },
  {
    from: "indexes",
    where: "not refuses and not led",
    what: "Index {home}.{index} does not begin with tenant_id, which row security adds to every search.",
    mend: "DROP INDEX {home}.{index}; -- and create it again with tenant_id first",
  },
  {
    from: "references_out",
    where: "leaves",
    what: "Foreign key {conname} of table {home}.{name} leaves its home: it refers to {other_home}.{other}.",
    mend: "ALTER TABLE {home}.{name} DROP CONSTRAINT {conname};",
  },
  {
    from: "references_in",
    where: "true",
    what: "Foreign key {conname} of table {other_home}.{other} reaches into a home: it refers to {home}.{name}.",
    mend: "ALTER TABLE {other_home}.{other} DROP CONSTRAINT {conname};",
  },
  {
    from: "references_out",
    where: "not leaves and led is not true",
    what: "Foreign key {conname} of table {home}.{name} does not begin with tenant_id on both sides: it can join two tenants.",
    mend: "ALTER TABLE {home}.{name} DROP CONSTRAINT {conname}; -- and add it again with tenant_id first on both sides",
  },
  {
    from: "references_out",
    where: "confdeltype in ('n', 'd') or confupdtype in ('n', 'd')",
    what: "Foreign key {conname} of table {home}.{name} sets columns of its key to null or to a default, and tenant_id is in the key.",
    mend: "ALTER TABLE {home}.{name} DROP CONSTRAINT {conname}; -- and add it again without ON DELETE SET … or ON UPDATE SET …",
  },
];
