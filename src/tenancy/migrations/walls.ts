import type { Lease } from "../../database/connection.js";
import { checkHomes } from "../walls/catalogue.js";
import { digestsOf } from "./shape.js";

/** The digests of homes whose walls were found standing, by the connection that saw it. */
const standing = new WeakMap<Lease, Set<string>>();

/**
 * Nothing is kept of a migration that leaves a hole in a home's walls: a table without row security, a policy that lets all
 * through, a key that does not lead with the tenant. To look for every hole takes longer than most migrations do, so a home
 * that is built like one whose walls stood, down to the last right on a column, is let pass without another look.
 * The transaction's `search_path` is empty after it.
 * @returns a digest of how the home is built
 * @throws Error that names every hole, and what mends it
 */
export async function mustStand(owner: Lease, schema: string): Promise<string> {
  const query = (text: string, params?: unknown[]) => owner.run(text, params);
  // Always the same one: with another, PostgreSQL would plan the long statement anew.
  void owner.run("set local search_path = ''");
  const digest = (await digestsOf(query, [schema])).get(schema) ?? "";
  const seen = standing.get(owner) ?? new Set<string>();
  standing.set(owner, seen);
  if (seen.has(digest)) return digest;
  const findings = await checkHomes(query, [schema]);
  if (findings.length > 0) {
    const holes = findings.map(({ what, mend }) => `- ${what} ${mend}`).join("\n");
    throw new Error(`The migrations would leave ${schema} open, so none of them was kept:\n${holes}`);
  }
  seen.add(digest);
  return digest;
}
