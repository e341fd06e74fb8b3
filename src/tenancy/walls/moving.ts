/**
 * What a mover lays into the home that a tenant leaves, for its length: a table, a function and triggers, all of this name.
 * The table is one like any other of a home. The function runs with the rights of whoever changes a row, and does nothing
 * but write down which row it was.
 */
export const MOVING = /^moving_[0-9a-f]{32}$/;

const HOME = "{home}";
const NAME = "{name}";

const BODY = `
begin
  insert into {home}.{name} (tenant_id, relation, key)
  select distinct (r ->> 'tenant_id')::uuid, tg_table_name::text,
    coalesce((select jsonb_object_agg(k, r -> k) from unnest(tg_argv) as k), '{}')
  from (values (to_jsonb(old)), (to_jsonb(new))) as touched (r)
  where r is not null;
  return null;
end
`;

/** The function's body; neither name needs quotes. */
export const tracing = (home: string, name: string): string => BODY.replaceAll(HOME, home).replaceAll(NAME, name);

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Functions in homes that are a mover's, to the letter; from `home`. */
export const TRACERS = `
tracers as materialized (
  select p.oid, p.proname as name from home h
  join pg_catalog.pg_proc p on p.pronamespace = h.oid and p.proowner = h.owner
  join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
  where p.proname ~ '${MOVING.source}' and p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
    and not p.prosecdef and p.proconfig = '{"search_path=\\"\\""}'
    and p.prosrc = replace(replace(${literal(BODY)}, '${HOME}', h.home), '${NAME}', p.proname)
)`;
