import { type Fault, HOME, mendable } from "./fault.js";

export const faultsOfRights: readonly Fault[] = [
  mendable(
    "a home that everybody may enter",
    `grant usage on schema ${HOME} to public`,
    `Everybody (PUBLIC) has USAGE on the schema ${HOME}.`,
  ),
  mendable(
    "a home in which a login can create",
    `grant create on schema ${HOME} to tenantry_serve`,
    `tenantry_serve can create things in the schema ${HOME}.`,
  ),
  mendable(
    "a home that a login can open to others",
    `grant usage on schema ${HOME} to tenantry_serve with grant option`,
    `tenantry_serve can give USAGE on the schema ${HOME} to others.`,
  ),
  mendable(
    "a table that everybody may read",
    "grant select on users to public",
    `Everybody (PUBLIC) has SELECT on table ${HOME}.users.`,
  ),
  mendable(
    "a right on a table that can be passed on",
    "grant select on users to tenantry_serve with grant option",
    `tenantry_serve can give SELECT on table ${HOME}.users to others.`,
  ),
  mendable(
    "a right on a column",
    "grant update (status) on users to tenantry_serve",
    `tenantry_serve has UPDATE on column status of table ${HOME}.users; rights are given on whole tables.`,
  ),
  mendable(
    "a right on the record of migrations",
    "grant select on migrations to tenantry_serve",
    `tenantry_serve has SELECT on table ${HOME}.migrations, the owner's record of migrations.`,
  ),
  mendable(
    "a right on whatever will be made",
    `alter default privileges in schema ${HOME} grant select on tables to public`,
    `PUBLIC is given SELECT on whatever will be made in the home ${HOME} (for role tenantry_owner in schema ${HOME} on tables).`,
  ),
];
