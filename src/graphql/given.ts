import { type Column, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { Scope as Places } from "../access/access.js";
import { arrayOf } from "../tenancy/arrays.js";
import type { Scope } from "./scope.js";

/** In a statement that is written once, what `givenBy` gives it for each session. */
export const TENANT = sql.placeholder("tenant");
/** A value that is the same the next time, where it can be: what is asked again word for word is answered sooner. */
export const NOW = sql`coalesce(${sql.placeholder("now")}::timestamptz, now())`;

/** The session's tenant and the instant of its access, by which everything that ends is judged. */
export const givenBy = ({ session, instant }: Scope): Values => ({ tenant: session.tenantId, now: instant });

/** What a statement is given, by the names of its placeholders. Written into: to merge two of them costs more than to write both. */
export type Values = Record<string, unknown>;

/** Whether something has no end, or one that is still to come. */
export const hasNotEnded = (end: SQLWrapper): SQL => sql`(${end} is null or ${end} > ${NOW})`;

/** Something that stands in the tree, an organization before all. `path` may end with the organization itself. */
interface Standing {
  readonly id: Column;
  readonly path: Column | SQL;
}

/** A scope as statements compare with it. */
export const partsOf = ({ exact, subtree, blocked }: Places) => ({
  reached: [...new Set([...exact, ...subtree])],
  subtree,
  blocked,
});

/** Whether something stands in the scope of which these are the parts. */
export const standsIn = (
  { id, path }: Standing,
  { reached, subtree, blocked }: Readonly<Record<"reached" | "subtree" | "blocked", SQL>>,
): SQL =>
  sql`(${id} = any(${reached}) or ${path} && ${subtree}) and not (${id} = any(${blocked}) or ${path} && ${blocked})`;

/** Whether a scope is the whole tenant. */
export const isWhole = ({ root }: Scope, { subtree, blocked }: Places): boolean =>
  blocked.length === 0 && subtree.includes(root.id);

/** A scope of the viewer's, which a statement is given under this name. */
export const placesNamed = (name: string) => {
  const names = {
    isAll: `${name}.isAll`,
    reached: `${name}.reached`,
    subtree: `${name}.subtree`,
    blocked: `${name}.blocked`,
  };
  const given = (part: keyof typeof names) => sql`${sql.placeholder(names[part])}::uuid[]`;
  /** Whether it is the whole tenant: then there is no need to look where something stands. */
  const isAll = sql`${sql.placeholder(names.isAll)}::boolean`;
  return {
    isAll,
    /** Whether what was given is the whole tenant. */
    isWholeIn: (values: Readonly<Values>): boolean => values[names.isAll] === true,
    has: (one: Standing): SQL =>
      sql`(${isAll} or ${standsIn(one, { reached: given("reached"), subtree: given("subtree"), blocked: given("blocked") })})`,
    /** Gives it. */
    give: (values: Values, scope: Scope, places: Places): Values => {
      const isAllOfIt = isWhole(scope, places);
      const { reached, subtree, blocked } = isAllOfIt ? NOWHERE : partsOf(places);
      values[names.isAll] = isAllOfIt;
      values[names.reached] = arrayOf(reached);
      values[names.subtree] = arrayOf(subtree);
      values[names.blocked] = arrayOf(blocked);
      return values;
    },
  };
};

/** Nobody compares with the parts of what is all there is. */
const NOWHERE = { reached: [], subtree: [], blocked: [] };

/** The organizations that exist for the viewer. */
export const VISIBLE = placesNamed("visible");
/** Those in which the viewer may read members. */
export const READABLE = placesNamed("readable");
