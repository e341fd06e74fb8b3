// Installs what the gateway is measured beside, where it is missing: for whoever measures, and for nobody else.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
if (!existsSync(`${here}node_modules/mercurius`)) {
  // What is told belongs to the results alone, which a program may read.
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: ["ignore", 2, 2] });
  process.exit(status ?? 1);
}
