-- What the contenders read: a schema for each tenant, {{schema}}, or one for all; row security is for those who have it.
create schema "{{schema}}";
set local search_path = "{{schema}}";
create table users(id uuid primary key, tenant_id uuid not null, name text not null, email text not null);
create table organizations(id uuid primary key, tenant_id uuid not null, parent_id uuid references organizations(id), slug text not null, name text not null);
create table roles(id uuid primary key, tenant_id uuid not null, name text not null, permissions text[] not null);
create table memberships(id uuid primary key, tenant_id uuid not null, organization_id uuid not null references organizations(id),
  user_id uuid not null references users(id), created_at timestamptz not null default now());
create table membership_roles(membership_id uuid not null references memberships(id), role_id uuid not null references roles(id),
  tenant_id uuid not null, primary key(membership_id, role_id));
create table audit_log(id bigint generated always as identity primary key, tenant_id uuid not null, at timestamptz not null default now(),
  actor_id uuid not null, action text not null, target jsonb not null);

insert into organizations select id, shape.id('t', t, ''), parent_id, slug, name from shape.organizations where {{which}};
insert into users select id, shape.id('t', t, ''), name, email from shape.users where {{which}};
insert into roles select id, shape.id('t', t, ''), name, permissions from shape.roles where {{which}};
insert into memberships select id, shape.id('t', t, ''), organization_id, user_id from shape.memberships where {{which}};
insert into membership_roles select membership_id, role_id, shape.id('t', t, '') from shape.grants where {{which}};

create unique index on organizations(tenant_id, slug);
create index on memberships(organization_id, id);
create unique index on memberships(user_id, organization_id);
create index on memberships(user_id, id);
create index on membership_roles(role_id);
