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

/** A scope of the viewer's, which `placesGiven` gives a statement under this name. */
export const placesNamed = (name: string) => {
  const given = (part: string) => sql`${sql.placeholder(`${name}.${part}`)}::uuid[]`;
  /** Whether it is the whole tenant: then there is no need to look where something stands. */
  const isAll = sql`${sql.placeholder(`${name}.isAll`)}::boolean`;
  return {
    isAll,
    /** Whether an organization is in it. `path` may end with the organization itself. */
    has: ({ id, path }: { readonly id: Column; readonly path: Column | SQL }): SQL =>
      sql`(${isAll} or (${id} = any(${given("reached")}) or ${path} && ${given("subtree")})
        and not (${id} = any(${given("blocked")}) or ${path} && ${given("blocked")}))`,
    /** Gives it. */
    given: ({ root }: Scope, { exact, subtree, blocked }: Places) => ({
      [`${name}.isAll`]: blocked.length === 0 && subtree.includes(root.id),
      [`${name}.reached`]: arrayOf([...exact, ...subtree]),
      [`${name}.subtree`]: arrayOf(subtree),
      [`${name}.blocked`]: arrayOf(blocked),
    }),
  };
};

/** The organizations that exist for the viewer. */
export const VISIBLE = placesNamed("visible");
/** Those in which the viewer may read members. */
export const READABLE = placesNamed("readable");
