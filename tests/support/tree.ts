/** Organizations of a home whose path is not that of their parent and the parent itself, or that no root is above. */
export const CROOKED = `
with recursive walked as (
  select tenant_id, id, '{}'::uuid[] as path from organizations where parent_id is null
  union all
  select o.tenant_id, o.id, w.path || w.id from organizations o join walked w on w.tenant_id = o.tenant_id and w.id = o.parent_id
)
select o.slug from organizations o left join walked w on w.tenant_id = o.tenant_id and w.id = o.id
where w.path is distinct from o.path order by o.slug`;
