/** Organizations of a home whose path is not their parent's and the parent itself. In a circle there is always one. */
export const CROOKED = `
select o.slug from organizations o left join organizations p on p.tenant_id = o.tenant_id and p.id = o.parent_id
where o.path is distinct from case when o.parent_id is null then '{}' else p.path || p.id end order by o.slug`;
