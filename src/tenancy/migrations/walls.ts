import type { Lease } from "../../database/lease.js";
import { checkHomes } from "../walls/catalogue.js";
import { type Touching, wallsDigestOf } from "./touched.js";

/**
 * Whether the walls of homes of one database were found standing, by a digest of what they depend on. Who looks says so before
 * there is an answer, for others to wait for rather than to look as well.
 */
export type Standing = Map<string, Promise<boolean>>;

const seenBy = new WeakMap<Lease, Standing>();

/** What a connection itself has seen. */
function ownOf(owner: Lease): Standing {
  const standing = seenBy.get(owner) ?? new Map();
  seenBy.set(owner, standing);
  return standing;
}

/**
 * Nothing is kept of a migration that leaves a hole in a home's walls: a table without row security, a policy that lets all
 * through, a key that does not lead with the tenant. To look for every hole takes longer than most migrations do, so a home
 * where the transaction left nothing but what is built like in one whose walls stood is let pass without another look.
 * The transaction's `search_path` is empty after it.
 * @param touching what the transaction can have changed
 * @param standing what others have seen in this database
 * @throws Error that names every hole, and what mends it
 */
export async function mustStand(
  owner: Lease,
  schema: string,
  touching: Touching = "anything",
  standing: Standing = ownOf(owner),
): Promise<void> {
  const query = (text: string, params?: unknown[]) => owner.run(text, params);
  // Always the same one: with another, PostgreSQL would plan the long statement anew. What it fails of, the next fails of.
  owner.run("set local search_path = ''").catch(() => {});
  const digest = (await wallsDigestOf(query, schema, touching)) ?? "";
  if (await standing.get(digest)) return;
  // Long and seldom: planned for this one home.
  owner.run("set local plan_cache_mode = force_custom_plan").catch(() => {});
  const looking = checkHomes(query, [schema]);
  standing.set(
    digest,
    looking.then(
      (findings) => findings.length === 0,
      () => false,
    ),
  );
  const findings = await looking;
  if (findings.length === 0) return;
  const holes = findings.map(({ what, mend }) => `- ${what} ${mend}`).join("\n");
  throw new Error(`The migrations would leave ${schema} open, so none of them was kept:\n${holes}`);
}
