import { byHand, type Fault, HOME, mendable, OTHER } from "./fault.js";

const tells = "does not begin with tenant_id: a refusal tells of another tenant's row.";

export const faultsOfKeys: readonly Fault[] = [
  byHand(
    "a primary key that ends with tenant_id",
    `alter table audit_events drop constraint audit_events_pkey,
       add constraint audit_events_pkey primary key (id, tenant_id)`,
    `Constraint audit_events_pkey of table ${HOME}.audit_events ${tells}`,
  ),
  mendable(
    "a unique constraint across tenants",
    "alter table users add constraint users_external_id_key unique (external_id)",
    `Constraint users_external_id_key of table ${HOME}.users ${tells}`,
  ),
  mendable(
    "a unique index across tenants",
    "create unique index users_email_key on users (lower(email), tenant_id, id)",
    `Unique index ${HOME}.users_email_key ${tells}`,
  ),
  mendable(
    "an exclusion across tenants",
    "alter table users add constraint users_no_two exclude using btree (external_id with =)",
    `Constraint users_no_two of table ${HOME}.users ${tells}`,
  ),
  mendable(
    "an index that row security cannot use",
    "create index users_by_locale on users (locale)",
    `Index ${HOME}.users_by_locale does not begin with tenant_id, which row security adds to every search.`,
  ),
  mendable(
    "a foreign key into another home",
    `alter table slugs add constraint away_fkey
       foreign key (tenant_id, organization_id) references ${OTHER}.organizations (tenant_id, id) not valid`,
    `Foreign key away_fkey of table ${HOME}.slugs leaves its home: it refers to ${OTHER}.organizations.`,
  ),
  mendable(
    "a foreign key into the directory",
    "alter table tenant add constraint away_fkey foreign key (tenant_id) references tenantry.tenants",
    `Foreign key away_fkey of table ${HOME}.tenant leaves its home: it refers to tenantry.tenants.`,
  ),
  mendable(
    "a foreign key from outside",
    `create table public.watch (
       tenant_id uuid, id uuid, constraint in_fkey foreign key (tenant_id, id) references users
     )`,
    `Foreign key in_fkey of table public.watch reaches into a home: it refers to ${HOME}.users.`,
  ),
  mendable(
    "a foreign key with tenant_id in another place",
    `alter table users add constraint users_status_key unique (tenant_id, id, status);
     alter table memberships add constraint user_fkey
       foreign key (user_id, tenant_id, status) references users (id, tenant_id, status)`,
    `Foreign key user_fkey of table ${HOME}.memberships does not begin with tenant_id on both sides: it can join two tenants.`,
  ),
  ...["on delete set null", "on delete set default", "on update set null", "on delete set null (organization_id)"].map(
    (action) =>
      mendable(
        `a foreign key ${action}`,
        `alter table slugs add constraint organization_fkey
           foreign key (tenant_id, organization_id) references organizations ${action}`,
        `Foreign key organization_fkey of table ${HOME}.slugs sets columns of its key to null or to a default, and tenant_id is in the key.`,
      ),
  ),
  mendable(
    "foreign keys switched off",
    "alter table memberships disable trigger all",
    `The foreign keys of table ${HOME}.memberships are not all enforced: triggers behind them are off.`,
  ),
];
