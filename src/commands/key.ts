import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "../config.js";
import type { Lease } from "../database/lease.js";
import { loadDevelopmentIssuer } from "../identity/development.js";
import { identityDigest } from "../identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../identity/issuers.js";
import type { Problem } from "../tenancy/doctor/problem.js";
import { keyOf } from "./database.js";

const RESTORE: Pick<Problem, "mend"> = {
  mend: "Restore the key from a backup. Without it, who signs in is nobody whom a tenant knows, and every cursor is void.",
};

/** Whether the installation key is the one that people are recognised by, as far as that can be told. Makes none. */
export async function keyProblems(settings: Settings, main: Lease): Promise<Problem[]> {
  const [row] = await main.run("select count(*)::int as count from tenantry.identities");
  const count = Number(row!.count);
  if (count === 0) return [];
  const path = join(settings.TENANTRY_DATA_DIR, "key");
  if (!settings.TENANTRY_KEY && !(await readFile(path).catch(() => null)))
    return [
      { what: `${path} is lost, and ${count} identities are known by digests that were made with it.`, ...RESTORE },
    ];
  const people = await (await loadDevelopmentIssuer(settings.TENANTRY_DATA_DIR))?.people();
  if (!settings.TENANTRY_DEVELOPMENT || !people || people.length === 0) return [];
  const key = await keyOf(settings);
  const digests = people.map(({ subject }) =>
    identityDigest(key, { issuer: DEVELOPMENT_ISSUER, subject }).toString("hex"),
  );
  const [known] = await main.run(
    "select exists (select from tenantry.identities where encode(digest, 'hex') = any (string_to_array($1, ','))) as known",
    [digests.join()],
  );
  if (known?.known) return [];
  return [
    {
      what: "Nobody of the development issuer is recognised: the key is not the one that their digests were made with.",
      ...RESTORE,
    },
  ];
}
