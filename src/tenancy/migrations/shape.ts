import type { Query } from "../walls/finding.js";
import { MOVING, TRACERS } from "../walls/moving.js";

/** What is in a home's catalogue: how everything is defined, by its name. The schema's own name stands nowhere in it. */
export type Shape = ReadonlyMap<string, string>;

const sorted = (acl: string) =>
  `(select coalesce(string_agg(item::text, ' ' order by item::text), '') from unnest(${acl}) item)`;

/** How the parts of a catalogue are spelled. */
interface Spelling {
  /** Which homes `$1` means: a condition on `n`, their row in `pg_namespace`. */
  readonly homes: string;
  /** Which tables, sequences and views are told of: a condition on `c`, their row in `pg_class`. */
  readonly relations: string;
  /** Which columns are told of; the name of each is `a.attname`. */
  readonly columns: string;
  readonly expression: (tree: string, table: string) => string;
  readonly column: string;
  readonly index: string;
  readonly constraint: string;
  readonly tracers: string;
}

/**
 * Every home that `$1` lists, with every line of its catalogue. It goes from the schema to its tables by their dependency,
 * and from there by the table's own indexes: `pg_class` has none by schema, and to read the whole of it for one home takes
 * longer with every other home. Without `tracers`, which are what a mover lays into a home for its length.
 */
const linesWith = ({ homes, relations, columns, expression, column, index, constraint, tracers }: Spelling) => `
home as materialized (
  select n.oid, n.nspname as home, n.nspowner as owner, n.nspacl from pg_catalog.pg_namespace n
  where ${homes}
),
${tracers},
content as materialized (
  select h.home, d.classid, d.objid, d.objsubid from home h
  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and d.refobjid = h.oid
),
relation as materialized (
  select t.home, c.* from content t join pg_catalog.pg_class c on c.oid = t.objid
  where t.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and ${relations}
    and not (c.relname ~ '${MOVING.source}' and exists (
      select from tracers p join pg_catalog.pg_proc f on f.oid = p.oid where p.name = c.relname and f.pronamespace = c.relnamespace))
),
line as (
  select home, 'the owner of the schema' as name, pg_catalog.pg_get_userbyid(owner)::text as definition from home
  union all
  select home, 'the rights on the schema', ${sorted("nspacl")} from home
  union all
  select home, 'table ' || relname, concat_ws(', ', 'kind ' || relkind::text, 'persistence ' || relpersistence::text,
    case when relrowsecurity then 'row security' end, case when relforcerowsecurity then 'forced' end,
    case when relispartition or relhassubclass or exists (
      select from pg_catalog.pg_inherits i where i.inhrelid = relation.oid) then 'inherits' end,
    case when relhasrules then 'rules' end, reloptions, 'of ' || pg_catalog.pg_get_userbyid(relowner))
  from relation
  union all
  select home, 'the rights on ' || relname, ${sorted("relacl")} from relation
  union all
  select r.home, 'column ' || r.relname || '.' || a.attname, concat_ws(' ', ${column},
    pg_catalog.format_type(a.atttypid, a.atttypmod),
    case when a.attcollation not in (0, 100) then 'collate ' || a.attcollation::pg_catalog.regcollation::text end,
    case when a.attnotnull then 'not null' end, 'identity ' || nullif(a.attidentity::text, ''),
    'generated ' || nullif(a.attgenerated::text, ''),
    case when a.atthasdef then 'default ' || (
      select ${expression("d.adbin", "d.adrelid")} from pg_catalog.pg_attrdef d
      where d.adrelid = a.attrelid and d.adnum = a.attnum) end,
    case when a.attacl is not null then 'rights ' || ${sorted("a.attacl")} end)
  from relation r
  join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped and ${columns}
  union all
  select r.home, 'index ' || c.relname, concat_ws(' ', ${index}, case when not i.indisvalid then 'invalid' end)
  from relation r
  join pg_catalog.pg_index i on i.indrelid = r.oid
  join pg_catalog.pg_class c on c.oid = i.indexrelid
  union all
  select r.home, 'constraint ' || r.relname || '.' || k.conname, ${constraint}
  from relation r
  join pg_catalog.pg_constraint k on k.conrelid = r.oid and k.contype <> 'n'
  union all
  select r.home, 'policy ' || r.relname || '.' || p.polname, concat_ws(' ', 'for ' || p.polcmd::text,
    case when not p.polpermissive then 'restrictive' end, 'to ' || p.polroles::text,
    'using ' || ${expression("p.polqual", "p.polrelid")}, 'check ' || ${expression("p.polwithcheck", "p.polrelid")})
  from relation r
  join pg_catalog.pg_policy p on p.polrelid = r.oid
  union all
  -- Those of foreign keys are named by number; a key that reaches in from elsewhere leaves two here, and nothing else.
  select r.home, case when g.tgisinternal then 'triggers of keys of ' || r.relname else 'trigger ' || r.relname || '.' || g.tgname end,
    concat_ws(' ', count(*), 'enabled ' || g.tgenabled::text)
  from relation r
  join pg_catalog.pg_trigger g on g.tgrelid = r.oid and g.tgfoid not in (select oid from tracers)
  group by 1, 2, g.tgenabled
  union all
  select t.home, o.type || ' ' || replace(o.identity, t.home || '.', ''), ''
  from content t
  cross join lateral pg_catalog.pg_identify_object(t.classid, t.objid, t.objsubid) o
  where t.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass 
    and not (t.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and t.objid in (select oid from tracers))
)`;

// To write out an expression, a key or an index, PostgreSQL first builds all it knows of the tables in memory, which takes
// longer than all the rest. As they are stored they say the same: what differs there may be the same in words, never the
// other way round. By the numbers of its columns an index or a key is the same, if those are told, too.
const LISTED = "n.nspname = any (string_to_array($1, ','))";
const TERSE: Spelling = {
  homes: LISTED,
  relations: "true",
  columns: "true",
  expression: (tree) => `${tree}::text`,
  column: "a.attnum",
  index: `r.relname, c.relam, i.indisunique, i.indnullsnotdistinct, i.indisprimary, i.indisexclusion, i.indimmediate,
    i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption, c.reloptions, i.indexprs::text, i.indpred::text`,
  constraint: `concat_ws(' ', k.contype, k.condeferrable, k.condeferred, k.convalidated, k.connoinherit, k.conkey, k.conbin::text,
    'of ' || (select concat_ws(' ', f.relname, nullif(f.relnamespace, r.relnamespace), k.confkey, k.confupdtype, k.confdeltype,
      k.confmatchtype, k.confdelsetcols, k.conpfeqop) from pg_catalog.pg_class f where f.oid = k.confrelid),
    'by ' || (select x.relname from pg_catalog.pg_class x where x.oid = k.conindid), k.conexclop)`,
  // A home in which a mover is at work is to have another digest, so that its walls are looked at.
  tracers: "tracers as (select 0::oid as oid, ''::name as name where false)",
};
const IN_WORDS: Spelling = {
  homes: LISTED,
  relations: "true",
  columns: "true",
  expression: (tree, table) => `pg_catalog.pg_get_expr(${tree}, ${table})`,
  column: "null",
  index: "pg_catalog.pg_get_indexdef(i.indexrelid)",
  constraint: "pg_catalog.pg_get_constraintdef(k.oid)",
  tracers: TRACERS,
};

const DIGESTS = `with ${linesWith(TERSE)}
select home, md5(string_agg(md5(name || replace(definition, home || '.', '')), '' order by name collate "C", definition collate "C")) as digest
from line group by home`;

const SHAPES = `with ${linesWith(IN_WORDS)} select home, name, replace(definition, home || '.', '') as definition from line`;

/**
 * A digest of each home's catalogue, by its schema: two homes have the same one when they are built alike. A schema that
 * does not exist is not in the answer. One statement: a few hundred homes at a time.
 */
export async function digestsOf(query: Query, schemas: readonly string[]): Promise<Map<string, string>> {
  const rows = await query(DIGESTS, [schemas.join()]);
  return new Map(rows.map(({ home, digest }) => [String(home), String(digest)]));
}

/** The whole catalogue of each of these homes, by its schema. */
export async function shapesOf(query: Query, schemas: readonly string[]): Promise<Map<string, Shape>> {
  const shapes = new Map<string, Map<string, string>>();
  for (const { home, name, definition } of await query(SHAPES, [schemas.join()])) {
    const shape = shapes.get(String(home)) ?? new Map<string, string>();
    shapes.set(String(home), shape);
    // Two overloads of a function have the same name.
    const same = shape.get(String(name));
    shape.set(String(name), same === undefined ? String(definition) : [same, definition].sort().join("; "));
  }
  return shapes;
}

/** What differs, in words; `[]` when nothing does. */
export function differences(expected: Shape, found: Shape): string[] {
  const missing = [...expected.keys()].filter((name) => !found.has(name)).map((name) => `${name} is missing`);
  const extra = [...found.keys()].filter((name) => !expected.has(name)).map((name) => `${name} is not of ours`);
  const other = [...found].flatMap(([name, definition]) => {
    const was = expected.get(name);
    return was === undefined || was === definition ? [] : `${name} is (${definition}) and not (${was})`;
  });
  return [...missing, ...extra, ...other].sort();
}
