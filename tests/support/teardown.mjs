import { rmSync } from "node:fs";
import { join } from "node:path";
import { judgeLog } from "./emitted.mjs";

/**
 * Throws, which fails the run, when a statement that was sent during it breaks a rule for SQL; and when all tests ran, and none
 * was found to judge.
 */
export default async function teardown({ testPathPatterns, testNamePattern }) {
  const folder = process.env.TENANTRY_TEST_FOLDER;
  await globalThis.testPooler?.stop();
  await globalThis.testCluster.stop();
  try {
    const { judged, broken } = await judgeLog(join(folder, "postgres.log"));
    // A file alone may have opened no gateway.
    const isWhole = testPathPatterns.patterns.length === 0 && !testNamePattern;
    if (isWhole && judged === 0) throw new Error("The server's log has no statement on tenants' tables to judge.");
    if (broken.length > 0) throw new Error(`Statements on tenants' tables break rules for SQL:\n${broken.join("\n")}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
