import { TRACERS } from "./moving.js";
import type { Rule } from "./rule.js";

/** Functions that run with their owner's rights. Those that only a trigger can call cannot be called by a login. */
export const DEFINERS = `
definers as materialized (
  select p.oid, p.pronamespace, f.identity as signature
  from pg_catalog.pg_proc p
  cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0) f
  where p.prosecdef and p.prorettype not in
    ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
)`;

/** Whatever is in a home beside ordinary tables and their indexes, and what runs unasked when a table is used. */
export const OBJECTS = `${TRACERS},
strangers as materialized (
  select h.home, d.classid, d.objid, d.objsubid
  from home h
  join pg_catalog.pg_depend d on d.refobjid = h.oid and d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
  left join pg_catalog.pg_class c on c.oid = d.objid and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
  where coalesce(c.relkind not in ('r', 'p'), true) and d.classid not in (
    'pg_catalog.pg_default_acl'::pg_catalog.regclass, 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass,
    'pg_catalog.pg_publication_namespace'::pg_catalog.regclass)
    and not (d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid in (select oid from tracers))
    -- What came with something else, and goes with it: the parts of a range type, the sequence of an identity.
    and not exists (
      select from pg_catalog.pg_depend p where p.classid = d.classid and p.objid = d.objid and p.deptype = 'i')
),
triggers as materialized (
  select t.home, t.name, g.tgname as trigger from tables t
  join pg_catalog.pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
  where g.tgfoid not in (select oid from tracers)
),
unenforced as (
  select distinct t.home, t.name from tables t
  join pg_catalog.pg_trigger g on g.tgrelid = t.oid and g.tgisinternal and g.tgenabled <> 'O'
),
-- Logins with a way into a home.
visitors as (
  select distinct r.oid, r.rolname as login
  from home h, pg_catalog.aclexplode(h.acl) a, pg_catalog.pg_roles r
  where a.grantee <> h.owner and r.oid = a.grantee and not r.rolsuper
)`;

export const objectRules: readonly Rule[] = [
  {
    from: `strangers s cross join lateral pg_catalog.pg_identify_object(s.classid, s.objid, s.objsubid) o
      cross join lateral upper(o.type) as kind`,
    where: "o.identity is not null",
    what: "There is a {=type} in the home {home}, which is for tables alone: {=identity}.",
    mend: "DROP {=kind} {=identity};",
  },
  {
    from: "triggers",
    where: "true",
    what: "Table {home}.{name} has the trigger {trigger}, which acts unasked.",
    mend: "DROP TRIGGER {trigger} ON {home}.{name};",
  },
  {
    from: "unenforced",
    where: "true",
    what: "The foreign keys of table {home}.{name} are not all enforced: triggers behind them are off.",
    mend: "ALTER TABLE {home}.{name} ENABLE TRIGGER ALL; -- and look for rows that refer to nothing",
  },
  {
    from: "tables t join pg_catalog.pg_rewrite r on r.ev_class = t.oid",
    where: "true",
    what: "Table {home}.{name} has the rule {rulename}, which turns a statement into another.",
    mend: "DROP RULE {rulename} ON {home}.{name};",
  },
  {
    from: "definers d cross join visitors v",
    where: `pg_catalog.has_function_privilege(v.oid, d.oid, 'EXECUTE')
      and pg_catalog.has_schema_privilege(v.oid, d.pronamespace, 'USAGE')
      and not exists (select from home h where h.oid = d.pronamespace)`,
    what: "The login {login} can call {=signature}, which runs with its owner's rights (SECURITY DEFINER).",
    mend: "REVOKE EXECUTE ON ROUTINE {=signature} FROM PUBLIC, {login};",
  },
];
