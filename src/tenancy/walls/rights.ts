import type { Rule } from "./rule.js";

const WHO =
  "case a.grantee when 0 then 'PUBLIC' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) end as who";

/** Who else than the owner may do what, one row for each right that was given. PUBLIC is grantee 0. */
export const RIGHTS = `
table_rights as materialized (
  select t.home, t.name, t.is_ledger, a.privilege_type as privilege, a.is_grantable, a.grantee,
    ${WHO}
  from tables t cross join lateral pg_catalog.aclexplode(t.acl) a
  where a.grantee <> t.owner
),
home_rights as materialized (
  select h.home, a.privilege_type as privilege, a.is_grantable, a.grantee,
    ${WHO}
  from home h cross join lateral pg_catalog.aclexplode(h.acl) a
  where a.grantee <> h.owner
),
column_rights as (
  select t.home, t.name, c.attname, a.privilege_type as privilege, ${WHO}
  from tables t
  join pg_catalog.pg_attribute c on c.attrelid = t.oid and c.attacl is not null
  cross join lateral pg_catalog.aclexplode(c.attacl) a
),
coming_rights as (
  select h.home, a.privilege_type as privilege, o.identity, replace(o.identity, ' on ', ' REVOKE ALL ON ') as revocation, ${WHO}
  from home h
  join pg_catalog.pg_default_acl d on d.defaclnamespace = h.oid
  cross join lateral pg_catalog.aclexplode(d.defaclacl) a
  cross join lateral pg_catalog.pg_identify_object('pg_catalog.pg_default_acl'::pg_catalog.regclass, d.oid, 0) o
  where a.grantee <> d.defaclrole
)`;

export const rightRules: readonly Rule[] = [
  {
    from: "home_rights",
    where: "grantee = 0",
    what: "Everybody (PUBLIC) has {=privilege} on the schema {home}.",
    mend: "REVOKE ALL ON SCHEMA {home} FROM PUBLIC;",
  },
  {
    from: "home_rights",
    where: "grantee <> 0 and privilege = 'CREATE'",
    what: "{=who} can create things in the schema {home}.",
    mend: "REVOKE CREATE ON SCHEMA {home} FROM {=who};",
  },
  {
    from: "home_rights",
    where: "is_grantable",
    what: "{=who} can give {=privilege} on the schema {home} to others.",
    mend: "REVOKE GRANT OPTION FOR {=privilege} ON SCHEMA {home} FROM {=who};",
  },
  {
    from: "table_rights",
    where: "grantee = 0",
    what: "Everybody (PUBLIC) has {=privilege} on table {home}.{name}.",
    mend: "REVOKE ALL ON {home}.{name} FROM PUBLIC;",
  },
  {
    from: "table_rights",
    where: "is_grantable",
    what: "{=who} can give {=privilege} on table {home}.{name} to others.",
    mend: "REVOKE GRANT OPTION FOR {=privilege} ON {home}.{name} FROM {=who};",
  },
  {
    from: "table_rights",
    where: "is_ledger and grantee <> 0",
    what: "{=who} has {=privilege} on table {home}.{name}, the owner's record of migrations.",
    mend: "REVOKE ALL ON {home}.{name} FROM {=who};",
  },
  {
    from: "column_rights",
    where: "true",
    what: "{=who} has {=privilege} on column {attname} of table {home}.{name}; rights are given on whole tables.",
    mend: "REVOKE {=privilege} ({attname}) ON {home}.{name} FROM {=who};",
  },
  {
    from: "coming_rights",
    where: "true",
    what: "{=who} is given {=privilege} on whatever will be made in the home {home} ({=identity}).",
    mend: "ALTER DEFAULT PRIVILEGES {=revocation} FROM {=who};",
  },
];
