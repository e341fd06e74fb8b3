import { sqlState } from "../../database/errors.js";
import type { Lease, Result } from "../../database/lease.js";
import type { Leases } from "../../database/leases.js";
import { once } from "../../database/once.js";
import { NotMigratedError } from "./product.js";

const MARK = "select key_mark from tenantry.installation";
const UNKNOWN = new Set(["42P01", "42501"]);

/** The key at hand is not the one that everything in this installation was made with. */
export class OtherKeyError extends Error {
  override readonly name = "OtherKeyError";
  /** @param isGuessed whether that is told by the seals of audits alone, which may have come with imported tenants */
  constructor(isGuessed = false) {
    super(
      `TENANTRY_KEY is not the key that this installation was made with: with it nobody would be recognised, and no audit could be verified any more. Restore the right one.${isGuessed ? " Where every tenant came here by an import, and it is the right one, `tenantry migrate --new-key` notes it." : ""} What a lost key costs, and how another takes its place, is in docs/running.md.`,
    );
  }
}

/**
 * Returns when the key at hand is the installation's, as far as the process that serves may look.
 * @param mark what the key is told by
 * @throws OtherKeyError
 * @throws NotMigratedError where none was noted, which `tenantry migrate` does
 */
export async function mustBeItsKey(door: Leases, mark: string): Promise<void> {
  const rows = await once(door, MARK).catch((error) => {
    if (!UNKNOWN.has(sqlState(error) ?? "")) throw error;
    throw new NotMigratedError("The database is at an older version. Run `tenantry migrate` first.", { cause: error });
  });
  const noted = markIn(rows);
  if (noted === null)
    throw new NotMigratedError("Nobody has noted which TENANTRY_KEY is this installation's. Run `tenantry migrate`.");
  if (noted !== mark) throw new OtherKeyError();
}

/** Whether the directory is at a version that keeps what the key is told by. */
export async function isKeyMarkKept(owner: Lease): Promise<boolean> {
  const [row] = await owner.run("select to_regclass('tenantry.installation') is not null as is_kept");
  return row?.is_kept === true;
}

/** What the installation's key is told by; null where none was noted yet. */
export const findKeyMark = async (owner: Lease): Promise<string | null> => markIn(await owner.run(MARK));

/**
 * Notes the key, where none was. Of two who do so at once, one is right.
 * @throws OtherKeyError when another is noted
 */
export async function noteKeyMark(owner: Lease, mark: string): Promise<void> {
  await owner.run("insert into tenantry.installation (key_mark) values ($1) on conflict do nothing", [mark]);
  if ((await findKeyMark(owner)) !== mark) throw new OtherKeyError();
}

/** Takes this key for the installation's, whatever was noted. */
export const replaceKeyMark = async (owner: Lease, mark: string): Promise<void> =>
  void (await owner.run(
    `insert into tenantry.installation (key_mark) values ($1)
     on conflict (is_only) do update set key_mark = excluded.key_mark`,
    [mark],
  ));

const markIn = ([row]: Result): string | null => (row ? String(row.key_mark) : null);
