import { rmSync } from "node:fs";

export default async function teardown() {
  await globalThis.testPooler?.stop();
  await globalThis.testCluster.stop();
  rmSync(process.env.TENANTRY_TEST_FOLDER, { recursive: true, force: true });
}
