-- What PostGraphile needs on the copy that tenants share: row security by tenant, the indexes that go with it, identity from its
-- settings, permissions as a view, the mutation.
create role peers_viewer nologin;
create role peers_postgraphile login noinherit password '{{password}}';
grant peers_viewer to peers_postgraphile;
do $$ declare name text; begin
  foreach name in array array['users', 'organizations', 'roles', 'memberships', 'membership_roles', 'audit_log'] loop
    execute format('alter table shared.%I enable row level security', name);
    execute format('create policy of_this_tenant on shared.%I using (tenant_id = (select current_setting(''app.tenant_id'', true)::uuid))
      with check (tenant_id = (select current_setting(''app.tenant_id'', true)::uuid))', name);
  end loop;
end $$;
create index on shared.memberships(tenant_id, organization_id, id) include (user_id);
create index on shared.memberships(tenant_id, user_id, id) include (organization_id);

create schema permitted;
grant usage on schema permitted, shared to peers_viewer, peers_postgraphile;
grant select on all tables in schema shared to peers_viewer;
grant insert on shared.membership_roles, shared.audit_log to peers_viewer;
grant usage on all sequences in schema shared to peers_viewer;
-- Runs once for a statement, as a hashed sub-plan.
create function permitted.organizations(permission text) returns setof uuid language sql stable security definer set search_path = '' as $$
  select m.organization_id from shared.memberships m
  join shared.membership_roles mr on mr.membership_id = m.id join shared.roles r on r.id = mr.role_id
  where m.user_id = current_setting('app.user_id', true)::uuid and m.tenant_id = current_setting('app.tenant_id', true)::uuid
    and permission = any (r.permissions)
$$;
create view shared.org_members with (security_invoker = true, security_barrier = true) as
  select m.id, m.organization_id, m.user_id from shared.memberships m
  where m.organization_id in (select permitted.organizations('members:read'));
grant select on shared.org_members to peers_viewer;
comment on view shared.org_members is E'@primaryKey id\n@foreignKey (organization_id) references shared.organizations (id)|@fieldName organization|@foreignFieldName members\n@foreignKey (user_id) references shared.users (id)|@fieldName user|@foreignFieldName guardedMemberships';
comment on table shared.membership_roles is E'@foreignKey (membership_id) references shared.org_members (id)|@fieldName orgMember|@foreignFieldName assignedRoles';
create function shared.viewer() returns shared.users language sql stable as
  $$ select * from shared.users where id = current_setting('app.user_id', true)::uuid $$;
create function shared.organization(slug text) returns shared.organizations language sql stable as
  $$ select * from shared.organizations o where o.slug = organization.slug and tenant_id = current_setting('app.tenant_id', true)::uuid $$;
create function shared.assign_role(membership_id uuid, role_id uuid) returns shared.memberships language plpgsql volatile as $$
declare m shared.memberships;
begin
  select * into m from shared.memberships x where x.id = assign_role.membership_id;
  if m.id is null or m.organization_id not in (select permitted.organizations('members:manage')) then
    raise exception 'FORBIDDEN' using errcode = '42501';
  end if;
  insert into shared.membership_roles(membership_id, role_id, tenant_id) values (m.id, assign_role.role_id, m.tenant_id) on conflict do nothing;
  insert into shared.audit_log(tenant_id, actor_id, action, target) values (m.tenant_id, current_setting('app.user_id')::uuid,
    'role.assign', jsonb_build_object('membership', m.id, 'role', assign_role.role_id));
  return m;
end $$;
grant execute on all functions in schema shared, permitted to peers_viewer;
