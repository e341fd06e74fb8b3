import type { Rule } from "./rule.js";

/** What a serving login carries wherever it connects. Other values will do, as long as they are not off. */
const SETTINGS: Readonly<Record<string, string>> = {
  search_path: "",
  statement_timeout: "5s",
  lock_timeout: "2s",
  idle_in_transaction_session_timeout: "10s",
  client_connection_check_interval: "1s",
};
export const WATCHED_SETTINGS: readonly string[] = Object.keys(SETTINGS);

/** The login itself, before it touches a table: what it is, what it belongs to, what it owns, how its sessions begin. */
export const ATTRIBUTES = `
me as materialized (
  select r.*, r.rolname as login, d.oid as db, d.datname as database, d.datdba
  from pg_catalog.pg_roles r, pg_catalog.pg_database d
  where r.rolname = session_user and d.datname = current_database()
),
powers as (
  select login, p.* from me cross join lateral (values
    (rolsuper, 'SUPERUSER', 'no wall holds it'),
    (rolbypassrls, 'BYPASSRLS', 'row security does not hold it'),
    (rolcreaterole, 'CREATEROLE', 'it can make a login with more rights'),
    (rolcreatedb, 'CREATEDB', 'it can make databases of its own'),
    (rolreplication, 'REPLICATION', 'it can copy the whole server')
  ) as p(is_there, power, danger)
),
belongings as (
  select me.login, r.rolname as role, coalesce(g.rolname, 'postgres') as grantor
  from me
  join pg_catalog.pg_auth_members m on m.member = me.oid
  join pg_catalog.pg_roles r on r.oid = m.roleid
  left join pg_catalog.pg_roles g on g.oid = m.grantor
),
owned as materialized (
  select me.login, s.dbid in (0, me.db) as is_here, o.type, o.identity
  from me
  join pg_catalog.pg_shdepend s on s.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass and s.refobjid = me.oid
    and s.deptype = 'o'
  left join lateral pg_catalog.pg_identify_object(s.classid, s.objid, s.objsubid) o on s.dbid in (0, me.db)
),
settings as materialized (
  select me.login, me.database, s.name, s.value, p.source,
    exists (
      select from pg_catalog.pg_db_role_setting d, unnest(d.setconfig) c
      where d.setrole = me.oid and d.setdatabase in (0, me.db) and starts_with(c, s.name || '=')
    ) as is_carried,
    case s.name when 'search_path' then p.setting in ('', '""') and p.reset_val in ('', '""')
      else p.setting <> '0' and p.reset_val <> '0' end as is_sound
  from me
  cross join (values ${Object.entries(SETTINGS)
    .map(([name, value]) => `('${name}', '${value}')`)
    .join(", ")}) as s(name, value)
  join pg_catalog.pg_settings p on p.name = s.name
)`;

export const attributeRules: readonly Rule[] = [
  {
    from: "powers",
    where: "is_there",
    what: "The login {login} has the attribute {=power}: {=danger}.",
    mend: "ALTER ROLE {login} NO{=power};",
  },
  {
    from: "me",
    where: "current_user <> session_user",
    what: "The login {login} acts as another role as soon as it connects.",
    mend: "ALTER ROLE {login} RESET role;",
  },
  {
    from: "belongings",
    where: "true",
    what: "The login {login} is a member of {role}, and has or can take on its rights.",
    mend: "REVOKE {role} FROM {login} GRANTED BY {grantor};",
  },
  {
    from: "owned",
    where: "is_here",
    what: "The login {login} owns {=type} {=identity}, and no wall holds an owner.",
    mend: "REASSIGN OWNED BY {login} TO the owner's login;",
  },
  {
    from: "owned",
    where: "not is_here",
    what: "The login {login} owns something in another database of this server.",
    mend: "In that database: REASSIGN OWNED BY {login} TO the owner's login;",
  },
  {
    from: "settings",
    where: "not is_carried",
    what: "The login {login} does not carry the setting {=name}.",
    mend: "ALTER ROLE {login} SET {=name} = '{=value}';",
  },
  {
    from: "settings",
    where: "is_carried and not is_sound and source = 'client'",
    what: "The URL of the login {login} undoes the setting {=name}.",
    mend: "Take {=name} out of the options of the URL.",
  },
  {
    from: "settings",
    where: "is_carried and not is_sound and source = 'database user'",
    what: "The login {login} has the setting {=name} undone in this database.",
    mend: "ALTER ROLE {login} IN DATABASE {database} RESET {=name}; ALTER ROLE {login} SET {=name} = '{=value}';",
  },
  {
    from: "settings",
    where: "is_carried and not is_sound and source not in ('client', 'database user')",
    what: "The setting {=name} is not in force in a session of the login {login}.",
    mend: "ALTER ROLE {login} SET {=name} = '{=value}'; -- and let the gateway connect again",
  },
];
