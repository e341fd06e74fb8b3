import { SCHEMA_NAME } from "../directory/directory.js";
import { DEFINERS } from "./objects.js";
import type { Rule } from "./rule.js";

/** The two logins of a process that answers requests: one finds where a tenant lives, one enters its home. */
export type Kind = "door" | "serve";

const ROOM: Readonly<Record<Kind, string>> = { door: "^tenantry$", serve: SCHEMA_NAME.source };
const OTHER: Readonly<Record<Kind, Kind>> = { door: "serve", serve: "door" };

/** What the login can reach. A superuser reaches everything, which is said once and not for each thing. */
export const reachOf = (kind: Kind): string => `${DEFINERS},
reacher as materialized (
  select me.*, case when current_setting('server_version_num')::int >= 170000
    then 'TRUNCATE, REFERENCES, TRIGGER, MAINTAIN' else 'TRUNCATE, REFERENCES, TRIGGER' end as excess
  from me where not rolsuper
),
schemas as materialized (
  select m.oid as me, m.login, m.excess, n.oid, n.nspname as schema,
    n.nspname ~ '${ROOM[kind]}' as is_own, n.nspname ~ '${ROOM[OTHER[kind]]}' as is_others,
    pg_catalog.has_schema_privilege(m.oid, n.oid, 'USAGE') as may_use
  from reacher m, pg_catalog.pg_namespace n
  where n.nspowner <> m.oid
),
relations as materialized (
  select s.me, s.login, s.excess, s.schema, s.is_own, s.is_others, s.may_use, c.oid, c.relname as name
  from schemas s
  join pg_catalog.pg_class c on c.relnamespace = s.oid and c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
  where s.schema !~ '^pg_' and s.schema <> 'information_schema' and c.relowner <> s.me
),
-- What PostgreSQL, or an extension, keeps from everybody when it is installed.
reserved as materialized (
  select i.classoid as classid, i.objoid as objid from pg_catalog.pg_init_privs i
  where i.objsubid = 0 and not exists (select from pg_catalog.aclexplode(i.initprivs) a where a.grantee = 0)
),
-- What was given to the login itself beside schemas and tables, which are looked at above. CONNECT is what it needs.
gifts as (
  select m.login, replace(o.type, ' ACL', '') as type, o.identity, replace(o.identity, ' on ', ' REVOKE ALL ON ') as revocation
  from reacher m
  join pg_catalog.pg_shdepend s on s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = m.oid
    and s.deptype = 'a' and s.dbid in (0, m.db)
    and s.classid not in ('pg_catalog.pg_database'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass)
  left join pg_catalog.pg_class c on s.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and c.oid = s.objid
  left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  cross join lateral pg_catalog.pg_identify_object(s.classid, s.objid, s.objsubid) o
  where (n.nspname is null or n.nspname ~ '^pg_' or n.nspname = 'information_schema')
    and not exists (select from reserved r where r.classid = s.classid and r.objid = s.objid)
)`;

const ANY = `(pg_catalog.has_table_privilege(me, oid, 'SELECT, INSERT, UPDATE, DELETE, ' || excess)
  or pg_catalog.has_any_column_privilege(me, oid, 'SELECT, INSERT, UPDATE, REFERENCES'))`;
const OF_EXTENSION = `exists (
  select from pg_catalog.pg_depend d
  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = relations.oid and d.deptype = 'e')`;

// Who may connect to this database. What PostgreSQL gives by itself stands nowhere.
const GUESTS = `me join pg_catalog.pg_database here on here.oid = me.db
  cross join lateral pg_catalog.aclexplode(coalesce(here.datacl, pg_catalog.acldefault('d', here.datdba))) a
  left join pg_catalog.pg_roles guest on guest.oid = a.grantee`;

/** What holds beside that in a database which is there for homes alone: every one but the first. */
export const aloneRules: readonly Rule[] = [
  {
    from: GUESTS,
    where: "a.privilege_type = 'CONNECT' and a.grantee = 0",
    what: "Every login of the server (PUBLIC) can connect to the database {database}, which is for its own serving login.",
    mend: "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC;",
  },
  {
    from: `${GUESTS} cross join lateral (select guest.rolname as other) o`,
    // Serving logins are told by what each of them carries.
    where: `a.privilege_type = 'CONNECT' and guest.oid <> me.oid and not guest.rolsuper and exists (
      select from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
      where s.setrole = guest.oid and s.setdatabase = 0 and starts_with(c, 'client_connection_check_interval='))`,
    what: "The login {other}, which serves another database, can connect to the database {database}.",
    mend: "REVOKE CONNECT ON DATABASE {database} FROM {other};",
  },
];

export const reachRules: readonly Rule[] = [
  {
    from: `reacher cross join (values ('CREATE', 'schemas'), ('TEMPORARY', 'temporary tables')) as r(power, thing)`,
    where: "datdba <> oid and pg_catalog.has_database_privilege(oid, db, power)",
    what: "The login {login} can make {=thing} in the database {database}, and so hide a tenant's table behind its own.",
    mend: "REVOKE {=power} ON DATABASE {database} FROM PUBLIC, {login};",
  },
  {
    from: "schemas",
    where: "pg_catalog.has_schema_privilege(me, oid, 'CREATE')",
    what: "The login {login} can make tables and functions in the schema {schema}.",
    mend: "REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC, {login};",
  },
  {
    from: "schemas",
    where: "is_others and may_use",
    what: "The login {login} has a way into the schema {schema}, which is for the other login alone.",
    mend: "REVOKE ALL ON SCHEMA {schema} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_others and ${ANY}`,
    what: "The login {login} has rights on {schema}.{name}, which is for the other login alone.",
    mend: "REVOKE ALL ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `not is_own and not is_others and may_use and ${ANY} and not ${OF_EXTENSION}`,
    what: "The login {login} has rights on {schema}.{name}, where it has nothing to do.",
    mend: "REVOKE ALL ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations cross join lateral unnest(string_to_array(excess, ', ')) as verb",
    where:
      "is_own and pg_catalog.has_table_privilege(me, oid, excess) and pg_catalog.has_table_privilege(me, oid, verb)",
    what: "The login {login} has {=verb} on {schema}.{name}, and needs no more than to read and write rows.",
    mend: "REVOKE {=verb} ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and name = 'migrations' and ${ANY}`,
    what: "The login {login} has rights on {schema}.{name}, the owner's record of migrations.",
    mend: "REVOKE ALL ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and name in ('audit_events', 'audit_seals') and (pg_catalog.has_table_privilege(me, oid, 'DELETE')
      or pg_catalog.has_any_column_privilege(me, oid, 'UPDATE'))`,
    what: "The login {login} can change what was written into {schema}.{name}.",
    mend: "REVOKE UPDATE, DELETE ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and name in ('audit_values', 'audit_unsealed') and pg_catalog.has_any_column_privilege(me, oid, 'UPDATE')`,
    what: "The login {login} can change what was written into {schema}.{name}.",
    mend: "REVOKE UPDATE ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and schema = 'tenantry' and name = 'tenants' and (pg_catalog.has_table_privilege(me, oid, 'DELETE')
      or pg_catalog.has_any_column_privilege(me, oid, 'INSERT, UPDATE'))`,
    what: "The login {login} can change {schema}.{name}, and so lead a request into another tenant's home.",
    mend: "REVOKE INSERT, UPDATE, DELETE ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and schema = 'tenantry' and name in ('jobs', 'job_cancellations') and (pg_catalog.has_table_privilege(me, oid, 'DELETE')
      or pg_catalog.has_any_column_privilege(me, oid, 'UPDATE'))`,
    what: "The login {login} can change what was asked for in {schema}.{name}.",
    mend: "REVOKE UPDATE, DELETE ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "relations",
    where: `is_own and schema = 'tenantry' and name = 'installation' and (pg_catalog.has_table_privilege(me, oid, 'DELETE')
      or pg_catalog.has_any_column_privilege(me, oid, 'INSERT, UPDATE'))`,
    what: "The login {login} can change {schema}.{name}, and so have another TENANTRY_KEY taken for the right one.",
    mend: "REVOKE INSERT, UPDATE, DELETE ON {schema}.{name} FROM PUBLIC, {login};",
  },
  {
    from: "definers d join schemas s on s.oid = d.pronamespace",
    where: "may_use and pg_catalog.has_function_privilege(me, d.oid, 'EXECUTE')",
    what: "The login {login} can call {=signature}, which runs with its owner's rights (SECURITY DEFINER).",
    mend: "REVOKE EXECUTE ON ROUTINE {=signature} FROM PUBLIC, {login};",
  },
  {
    from: `reacher cross join reserved r join pg_catalog.pg_proc p on p.oid = r.objid
      and r.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
      cross join lateral (select p.oid::pg_catalog.regprocedure as signature) f`,
    where: "pg_catalog.has_function_privilege(reacher.oid, p.oid, 'EXECUTE')",
    what: "The login {login} can call {=signature}, which PostgreSQL keeps for administrators.",
    mend: "REVOKE EXECUTE ON FUNCTION {=signature} FROM PUBLIC, {login};",
  },
  {
    from: `reacher cross join reserved r join pg_catalog.pg_class c on c.oid = r.objid
      and r.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
      cross join lateral (select c.oid::pg_catalog.regclass as relation) f`,
    where: "pg_catalog.has_table_privilege(reacher.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')",
    what: "The login {login} can reach {=relation}, which PostgreSQL keeps for administrators.",
    mend: "REVOKE ALL ON {=relation} FROM PUBLIC, {login};",
  },
  {
    from: "gifts",
    where: "type <> 'default acl'",
    what: "The login {login} was given rights on {=type} {=identity}, which it has no use for.",
    mend: "REVOKE ALL ON {=type} {=identity} FROM {login};",
  },
  {
    from: "gifts",
    where: "type = 'default acl'",
    what: "The login {login} is given rights on whatever will be made ({=identity}).",
    mend: "ALTER DEFAULT PRIVILEGES {=revocation} FROM {login};",
  },
];
