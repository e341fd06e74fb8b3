import { byHand, type Fault, HOME, mendable, OF_THIS_TENANT, wall } from "./fault.js";

const REPLACE = "drop policy users_of_this_tenant on users; create policy other on users";
const USING = `using (${OF_THIS_TENANT})`;
const BOTH = `${USING} with check (${OF_THIS_TENANT})`;

const notTheWall = (policy: string, table = "users") =>
  `Policy ${policy} of table ${HOME}.${table} is not the wall between tenants, which is permissive, ` +
  "for all commands and everybody, and on tenant_id alone.";
const notTheOnly = (policy: string) =>
  `Policy ${policy} of table ${HOME}.users is not its only one: what any of them shows is shown.`;
const noTenant = `Table ${HOME}.notes has no column tenant_id of type uuid that is not null.`;
const inherits =
  `Table ${HOME}.notes takes part in inheritance or partitioning: ` +
  "whoever reads the parent passes by the policy of the child.";

export const faultsOfTables: readonly Fault[] = [
  mendable(
    "a table with row security off",
    "alter table users disable row level security",
    `Table ${HOME}.users has row security off: its rows are shown to every tenant.`,
  ),
  mendable(
    "a new table that nobody thought about",
    "create table notes (tenant_id uuid, id uuid, primary key (tenant_id, id))",
    `Table ${HOME}.notes has row security off: its rows are shown to every tenant.`,
    `Table ${HOME}.notes has no policy.`,
  ),
  mendable(
    "row security without a policy",
    "drop policy users_of_this_tenant on users",
    `Table ${HOME}.users has no policy.`,
  ),
  mendable(
    "row security forced on the owner",
    "alter table users force row level security",
    `Table ${HOME}.users forces row security on its owner: moves and migrations would silently miss its rows.`,
  ),
  mendable("a policy that lets everything through", `${REPLACE} using (true)`, notTheWall("other")),
  mendable("a policy for SELECT only", `${REPLACE} for select ${USING}`, notTheWall("other")),
  mendable("a policy without WITH CHECK", `${REPLACE} ${USING}`, notTheWall("other")),
  mendable("a restrictive policy alone", `${REPLACE} as restrictive ${BOTH}`, notTheWall("other")),
  mendable("a policy for one role", `${REPLACE} to tenantry_serve ${BOTH}`, notTheWall("other")),
  mendable(
    "a policy that checks nothing on writing",
    "alter policy users_of_this_tenant on users with check (true)",
    notTheWall("users_of_this_tenant"),
  ),
  mendable(
    "a policy with an exception",
    `alter policy users_of_this_tenant on users using (${OF_THIS_TENANT} or status = 'PUBLIC')`,
    notTheWall("users_of_this_tenant"),
  ),
  mendable(
    "a policy on another setting",
    "alter policy users_of_this_tenant on users using (tenant_id = current_setting('tenant')::uuid)",
    notTheWall("users_of_this_tenant"),
  ),
  byHand(
    "a second permissive policy",
    "create policy support on users using (true)",
    `Policy support of table ${HOME}.users stands beside the wall between tenants: what either shows is shown.`,
    notTheOnly("users_of_this_tenant"),
  ),
  byHand(
    "the same policy twice",
    `create policy twin on users ${BOTH}`,
    notTheOnly("twin"),
    notTheOnly("users_of_this_tenant"),
  ),
  byHand(
    "a table without tenant_id",
    "create table notes (id uuid primary key); alter table notes enable row level security",
    noTenant,
  ),
  byHand(
    "a tenant_id of another type",
    "create table notes (tenant_id text primary key); alter table notes enable row level security",
    noTenant,
  ),
  byHand(
    "a tenant_id that may be null",
    `create table notes (tenant_id uuid, id uuid, unique (tenant_id, id)); ${wall("notes")}`,
    noTenant,
    `Table ${HOME}.notes has no primary key.`,
  ),
  byHand(
    "a tenant_id that makes itself up",
    `create table notes (
       tenant_id uuid generated always as ('00000000-0000-7000-8000-000000000000'::uuid) stored primary key
     ); ${wall("notes")}`,
    noTenant,
  ),
  byHand(
    "a table without a primary key",
    "alter table audit_events drop constraint audit_events_pkey",
    `Table ${HOME}.audit_events has no primary key.`,
  ),
  mendable(
    "an identity column",
    "alter table audit_events add number bigint generated always as identity",
    `Column number of table ${HOME}.audit_events is numbered by a sequence, which the tenants of a database could share.`,
  ),
  mendable(
    "a table of another owner",
    "alter table audit_events owner to tenantry_door",
    `Table ${HOME}.audit_events does not belong to the owner of its home, and row security does not hold its owner.`,
  ),
  mendable(
    "an unlogged table",
    "alter table audit_events set unlogged",
    `Table ${HOME}.audit_events is unlogged: a crash empties it.`,
  ),
  byHand(
    "inheritance",
    `create table public.people (tenant_id uuid not null);
     create table notes (tenant_id uuid primary key) inherits (public.people); ${wall("notes")}`,
    inherits,
  ),
  byHand(
    "a partitioned table",
    `create table notes (tenant_id uuid primary key) partition by hash (tenant_id); ${wall("notes")}`,
    inherits,
  ),
];
