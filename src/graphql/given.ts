import { type Column, type SQL, type SQLWrapper, sql } from "drizzle-orm";
import type { Scope as Places } from "../access/access.js";
import { arrayOf } from "../tenancy/arrays.js";
import type { Scope } from "./scope.js";

/** In a statement that is written once, what `givenBy` gives it for each session. */
export const TENANT = sql.placeholder("tenant");
export const NOW = sql`${sql.placeholder("now")}::timestamptz`;

/** The session's tenant and the instant of its access, by which everything that ends is judged. */
export const givenBy = ({ session, now }: Scope) => ({ tenant: session.tenantId, now: now.toISOString() });

/** Whether something has no end, or one that is still to come. */
export const hasNotEnded = (end: SQLWrapper): SQL => sql`(${end} is null or ${end} > ${NOW})`;

/** Something that stands in the tree, an organization before all. `path` may end with the organization itself. */
interface Standing {
  readonly id: Column;
  readonly path: Column | SQL;
}

/** A scope as statements compare with it. */
export const partsOf = ({ exact, subtree, blocked }: Places) => ({ reached: [...exact, ...subtree], subtree, blocked });

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
  const given = (part: string) => sql`${sql.placeholder(`${name}.${part}`)}::uuid[]`;
  /** Whether it is the whole tenant: then there is no need to look where something stands. */
  const isAll = sql`${sql.placeholder(`${name}.isAll`)}::boolean`;
  return {
    isAll,
    /** Whether what was given is the whole tenant. */
    isWholeIn: (given: Readonly<Record<string, unknown>>): boolean => given[`${name}.isAll`] === true,
    has: (one: Standing): SQL =>
      sql`(${isAll} or ${standsIn(one, { reached: given("reached"), subtree: given("subtree"), blocked: given("blocked") })})`,
    /** Gives it. */
    given: (scope: Scope, places: Places) => {
      const { reached, subtree, blocked } = partsOf(places);
      return {
        [`${name}.isAll`]: isWhole(scope, places),
        [`${name}.reached`]: arrayOf(reached),
        [`${name}.subtree`]: arrayOf(subtree),
        [`${name}.blocked`]: arrayOf(blocked),
      };
    },
  };
};

/** The organizations that exist for the viewer. */
export const VISIBLE = placesNamed("visible");
/** Those in which the viewer may read members. */
export const READABLE = placesNamed("readable");
