-- The rows of every tenant, as numbers: organizations in a tree, people, one to six memberships for each in the first 20 organizations,
-- 8 roles of about 12 permissions. Both sides are filled from here, so that their ids are the same. {{tenants}} are what each has: of 20
-- organizations and 200 people, 700 memberships with 933 grants.
create schema shape;
create function shape.id(kind text, tenant int, n text) returns uuid language sql immutable as
  $$ select md5(kind || tenant || '-' || n)::uuid $$;
create table shape.tenants as select * from (values {{tenants}}) v(t, organizations, people);

create table shape.organizations as
with recursive tree as (
  select 1 as i, null::int as parent, array[]::int[] as path
  union all
  select n, i, path || i from tree join generate_series(2, (select max(organizations) from shape.tenants)) n on greatest(1, n / 3) = i
)
select t, i, shape.id('o', t, i::text) as id, shape.id('o', t, parent::text) as parent_id,
  array(select shape.id('o', t, p::text) from unnest(path) with ordinality u(p, nth) order by nth) as path,
  'org-' || i as slug, 'Organization ' || i || ' of ' || t as name
from tree join shape.tenants on i <= organizations;
create index on shape.organizations (t);

create table shape.users as
select t, i, shape.id('u', t, i::text) as id, 'User Number ' || i as name, 'user' || i || '@t' || t || '.example' as email
from shape.tenants, generate_series(1, people) i;
create index on shape.users (t, i);

-- The first may do everything that the others may: who holds it at the root, with all below, sees all that there is.
create table shape.roles as
select t, i, shape.id('r', t, i::text) as id, key, initcap(key) as name, (
  select array_agg(p order by p) from unnest(
    case when i = 1 then array['organizations:read', 'members:read', 'members:manage'] || product
      else array['organizations:read', 'members:read'] || product[i : i + 8 + i % 3] end) p) as permissions
from shape.tenants, unnest(array['director','admin','manager','editor','author','viewer','billing','guest']) with ordinality k(key, i),
  (values (array['docs:read','docs:write','docs:publish','teams:read','teams:write','api:read','api:write','hooks:read','hooks:write',
    'reports:read','reports:export','invoices:read','invoices:approve','invoices:write','plans:read','plans:write','seats:read','seats:write'])) p(product);
create index on shape.roles (t);

create table shape.memberships as
select t, shape.id('m', t, i || '-' || j) as id, i, j, o, shape.id('o', t, o::text) as organization_id, shape.id('u', t, i::text) as user_id
from shape.tenants, generate_series(1, people) i, generate_series(0, i % 6) j, lateral (select 1 + (i * 7 + j * 3) % least(20, organizations)) x(o);
create index on shape.memberships (t, i);
create index on shape.memberships (t, organization_id);

-- Who asks: ten people of each tenant, with four memberships at least, of which one is at the root.
create table shape.viewers as
select t, i, membership_id from (
  select t, i, id as membership_id, row_number() over (partition by t order by i) as nth from shape.memberships where o = 1 and i % 6 >= 3
) found where nth <= 10;

create table shape.grants as
with given as (
  select t, id as membership_id, 1 + (i * 31 + j * 17) % 8 as role, false as below from shape.memberships
  union all
  select t, id, 1 + (i * 31 + j * 17 + 3) % 8, false from shape.memberships where (i + j) % 3 = 0
)
select t, membership_id, role, shape.id('r', t, role::text) as role_id, below from given
  where not (role = 1 and membership_id in (select membership_id from shape.viewers))
union all
select t, membership_id, 1, shape.id('r', t, '1'), true from shape.viewers;
create index on shape.grants (t, membership_id, role_id);

-- What is assigned: to members of the root, each role that they do not have.
create table shape.assignments as
select m.t, m.id as membership_id, r.id as role_id from shape.memberships m join shape.roles r on r.t = m.t
where m.o = 1 and not exists (select from shape.grants g where g.t = m.t and g.membership_id = m.id and g.role_id = r.id);

create table shape.targets as
select v.t, v.i, v.membership_id, u.id as user_id,
  (select 'org-' || m.o from shape.memberships m where m.t = v.t and m.i = v.i order by md5(m.id::text) limit 1) as slug
from shape.viewers v join shape.users u on u.t = v.t and u.i = v.i;
