import { HOME } from "./fault.js";

/** A change that gives a serving login more than it may have, and what is said of it. */
export interface LoginFault {
  readonly name: string;
  readonly fault: string;
  readonly finds: readonly string[];
  /** What ends the fault, where the findings do not say it in SQL. */
  readonly undo?: string;
}

/** What the faults call the login that they are planted in, its database, and the owner's login. */
export const LOGIN = "the_login";
export const DATABASE = "the_database";
export const OWNER = "tenantry_owner";

const fault = (name: string, fault: string, ...finds: string[]): LoginFault => ({ name, fault, finds });

const attribute = (power: string, danger: string) =>
  fault(power, `alter role ${LOGIN} ${power}`, `The login ${LOGIN} has the attribute ${power}: ${danger}.`);

const owns = (made: string, given: string, what: string): LoginFault => ({
  ...fault(`the owner of ${given}`, `${made}; alter ${given} owner to ${LOGIN}`),
  finds: [`The login ${LOGIN} owns ${what}, and no wall holds an owner.`],
  undo: `reassign owned by ${LOGIN} to ${OWNER}; drop ${given}`,
});

const memberOf = (role: string) =>
  fault(
    `a member of ${role}`,
    `grant ${role} to ${LOGIN}`,
    `The login ${LOGIN} is a member of ${role}, and has or can take on its rights.`,
  );

const setting = (name: string): LoginFault[] => [
  fault(
    `a login without ${name}`,
    `alter role ${LOGIN} reset ${name}`,
    `The login ${LOGIN} does not carry the setting ${name}.`,
  ),
  fault(
    `a login with ${name} off`,
    `alter role ${LOGIN} set ${name} = ${name === "search_path" ? "public" : "0"}`,
    `The setting ${name} is not in force in a session of the login ${LOGIN}.`,
  ),
  fault(
    `a login with ${name} off in its database`,
    `alter role ${LOGIN} in database ${DATABASE} set ${name} = ${name === "search_path" ? "public" : "0"}`,
    `The login ${LOGIN} has the setting ${name} undone in this database.`,
  ),
];

/** Whatever neither login may be, own or have. */
export const faultsOfBoth: readonly LoginFault[] = [
  attribute("SUPERUSER", "no wall holds it"),
  attribute("BYPASSRLS", "row security does not hold it"),
  attribute("CREATEROLE", "it can make a login with more rights"),
  attribute("CREATEDB", "it can make databases of its own"),
  attribute("REPLICATION", "it can copy the whole server"),
  owns("create table public.things ()", "table public.things", "table public.things"),
  owns(
    "create function public.act() returns int language sql as 'select 1'",
    "function public.act()",
    "function public.act()",
  ),
  owns("create type public.mood as enum ('GOOD')", "type public.mood", "type public.mood"),
  owns("create schema things", "schema things", "schema things"),
  memberOf(OWNER),
  memberOf("pg_read_all_data"),
  memberOf("pg_read_server_files"),
  fault(
    "a login that becomes another role",
    `grant pg_monitor to ${LOGIN}; alter role ${LOGIN} set role = pg_monitor`,
    `The login ${LOGIN} is a member of pg_monitor, and has or can take on its rights.`,
    `The login ${LOGIN} acts as another role as soon as it connects.`,
  ),
  ...["search_path", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"].flatMap(setting),
  ...setting("client_connection_check_interval"),
  fault(
    "temporary tables, as PostgreSQL gives them to everybody",
    `grant temporary on database ${DATABASE} to public`,
    `The login ${LOGIN} can make temporary tables in the database ${DATABASE}, and so hide a tenant's table behind its own.`,
  ),
  fault(
    "CREATE on the database",
    `grant create on database ${DATABASE} to ${LOGIN}`,
    `The login ${LOGIN} can make schemas in the database ${DATABASE}, and so hide a tenant's table behind its own.`,
  ),
  fault(
    "CREATE on the schema public, as old databases give it to everybody",
    "grant create on schema public to public",
    `The login ${LOGIN} can make tables and functions in the schema public.`,
  ),
  {
    ...fault(
      "a view of a home",
      `create view public.everybody as select * from ${HOME}.users; grant select on public.everybody to public`,
      `The login ${LOGIN} has rights on public.everybody, where it has nothing to do.`,
    ),
    undo: "drop view public.everybody",
  },
  {
    ...fault(
      "a function that runs as its owner",
      "create function public.everybody() returns bigint security definer language sql as 'select 1::bigint'",
      `The login ${LOGIN} can call public.everybody(), which runs with its owner's rights (SECURITY DEFINER).`,
    ),
    undo: "drop function public.everybody()",
  },
  fault(
    "a function that PostgreSQL keeps for administrators",
    `grant execute on function pg_read_file(text) to ${LOGIN}`,
    `The login ${LOGIN} can call pg_read_file(text), which PostgreSQL keeps for administrators.`,
  ),
  fault(
    "such a function for everybody",
    "grant execute on function lo_import(text) to public",
    `The login ${LOGIN} can call lo_import(text), which PostgreSQL keeps for administrators.`,
  ),
  fault(
    "a table of PostgreSQL's own",
    `grant select on pg_authid to ${LOGIN}`,
    `The login ${LOGIN} can reach pg_authid, which PostgreSQL keeps for administrators.`,
  ),
  fault(
    "a setting that switches foreign keys off",
    `grant set on parameter session_replication_role to ${LOGIN}`,
    `The login ${LOGIN} was given rights on parameter session_replication_role, which it has no use for.`,
  ),
  fault(
    "rights on whatever will be made",
    `alter default privileges grant select on tables to ${LOGIN}`,
    `The login ${LOGIN} is given rights on whatever will be made (for role ${OWNER} on tables).`,
  ),
];

const othersAlone = "which is for the other login alone.";

/** Whatever the login that enters homes may not do. */
export const faultsOfServe: readonly LoginFault[] = [
  fault(
    "a way into the directory",
    `grant usage on schema tenantry to ${LOGIN}`,
    `The login ${LOGIN} has a way into the schema tenantry, ${othersAlone}`,
  ),
  fault(
    "a table of the directory",
    `grant select on tenantry.tenants to ${LOGIN}`,
    `The login ${LOGIN} has rights on tenantry.tenants, ${othersAlone}`,
  ),
  fault(
    "a column of the directory, for everybody",
    "grant select (digest) on tenantry.identities to public",
    `The login ${LOGIN} has rights on tenantry.identities, ${othersAlone}`,
  ),
  fault(
    "CREATE on a home",
    `grant create on schema ${HOME} to ${LOGIN}`,
    `The login ${LOGIN} can make tables and functions in the schema ${HOME}.`,
  ),
  ...["truncate", "references", "trigger", "maintain"].map((verb) =>
    fault(
      `${verb} of a home's table`,
      `grant ${verb} on ${HOME}.users to ${LOGIN}`,
      `The login ${LOGIN} has ${verb.toUpperCase()} on ${HOME}.users, and needs no more than to read and write rows.`,
    ),
  ),
  ...["update", "delete", "update (changes)"].map((verb) =>
    fault(
      `${verb} of audit events`,
      `grant ${verb} on ${HOME}.audit_events to ${LOGIN}`,
      `The login ${LOGIN} can change what was written into ${HOME}.audit_events.`,
    ),
  ),
  ...[
    ["update", "audit_seals"],
    ["delete", "audit_seals"],
    ["update", "audit_values"],
    ["update", "audit_unsealed"],
  ].map(([verb, table]) =>
    fault(
      `${verb} of ${table}`,
      `grant ${verb} on ${HOME}.${table} to ${LOGIN}`,
      `The login ${LOGIN} can change what was written into ${HOME}.${table}.`,
    ),
  ),
  fault(
    "the record of migrations",
    `grant select on ${HOME}.migrations to ${LOGIN}`,
    `The login ${LOGIN} has rights on ${HOME}.migrations, the owner's record of migrations.`,
  ),
];

/** Whatever the login that reads the directory may not do. */
export const faultsOfDoor: readonly LoginFault[] = [
  fault(
    "a way into a home",
    `grant usage on schema ${HOME} to ${LOGIN}`,
    `The login ${LOGIN} has a way into the schema ${HOME}, ${othersAlone}`,
  ),
  fault(
    "a table of a home",
    `grant select on ${HOME}.users to ${LOGIN}`,
    `The login ${LOGIN} has rights on ${HOME}.users, ${othersAlone}`,
  ),
  fault(
    "a column of a home",
    `grant select (identity) on ${HOME}.users to ${LOGIN}`,
    `The login ${LOGIN} has rights on ${HOME}.users, ${othersAlone}`,
  ),
  ...["insert", "update", "update (schema_name)", "delete"].map((verb) =>
    fault(
      `${verb} of where tenants live`,
      `grant ${verb} on tenantry.tenants to ${LOGIN}`,
      `The login ${LOGIN} can change tenantry.tenants, and so lead a request into another tenant's home.`,
    ),
  ),
  ...["update", "update (state)", "delete"].map((verb) =>
    fault(
      `${verb} of what operators ask for`,
      `grant ${verb} on tenantry.jobs to ${LOGIN}`,
      `The login ${LOGIN} can change what was asked for in tenantry.jobs.`,
    ),
  ),
  ...["insert", "update (key_mark)", "delete"].map((verb) =>
    fault(
      `${verb} of what the key is told by`,
      `grant ${verb} on tenantry.installation to ${LOGIN}`,
      `The login ${LOGIN} can change tenantry.installation, and so have another TENANTRY_KEY taken for the right one.`,
    ),
  ),
  ...["update (operator)", "delete"].map((verb) =>
    fault(
      `${verb} of what operators cancel`,
      `grant ${verb} on tenantry.job_cancellations to ${LOGIN}`,
      `The login ${LOGIN} can change what was asked for in tenantry.job_cancellations.`,
    ),
  ),
  fault(
    "truncate of the directory",
    `grant truncate on tenantry.identities to ${LOGIN}`,
    `The login ${LOGIN} has TRUNCATE on tenantry.identities, and needs no more than to read and write rows.`,
  ),
  fault(
    "the record of migrations",
    `grant select on tenantry.migrations to ${LOGIN}`,
    `The login ${LOGIN} has rights on tenantry.migrations, the owner's record of migrations.`,
  ),
];
