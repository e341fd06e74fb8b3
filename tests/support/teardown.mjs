import { rmSync } from "node:fs";
import { join } from "node:path";
import { judgeLog } from "./emitted.mjs";

/** Throws, which fails the run, when a statement that was sent during it breaks a rule for SQL. */
export default async function teardown() {
  const folder = process.env.TENANTRY_TEST_FOLDER;
  await globalThis.testPooler?.stop();
  await globalThis.testCluster.stop();
  try {
    const { broken } = await judgeLog(join(folder, "postgres.log"));
    if (broken.length > 0) throw new Error(`Statements on tenants' tables break rules for SQL:\n${broken.join("\n")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
