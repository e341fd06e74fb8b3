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

/** Whether an organization is in the scope that `placesGiven` gives under this name. `path` may end with the organization itself. */
export function inGiven(name: string, { id, path }: { readonly id: Column; readonly path: Column | SQL }): SQL {
  const given = (part: string) => sql`${sql.placeholder(`${name}.${part}`)}::uuid[]`;
  return sql`(${id} = any(${given("all")}) or ${path} && ${given("subtree")})
    and not (${id} = any(${given("blocked")}) or ${path} && ${given("blocked")})`;
}

export const placesGiven = (name: string, { exact, subtree, blocked }: Places) => ({
  [`${name}.all`]: arrayOf([...exact, ...subtree]),
  [`${name}.subtree`]: arrayOf(subtree),
  [`${name}.blocked`]: arrayOf(blocked),
});
