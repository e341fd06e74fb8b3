// Where tests keep what they throw away. A hundred and eighty test files each clone databases, write logs and remove them:
// in memory that takes a twentieth of the time it takes on a disk, and nothing of it has to outlast the run.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MEMORY = "/dev/shm";
/** Room for the largest run with its logs; a container's default of 64 MB is not. */
const ENOUGH = 6 * 2 ** 30;

/** The folder for temporary files: memory where there is plenty and programs may run from it, else the system's own. */
export function scratch() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize >= ENOUGH && canRun(MEMORY)) return MEMORY;
  } catch {
    // No such place on this system.
  }
  return tmpdir();
}

/** PostgreSQL is copied to where its data lies when the tests run as root; many mounts forbid running anything there. */
function canRun(place) {
  const folder = mkdtempSync(join(place, "tenantry-can-run-"));
  try {
    const program = join(folder, "program");
    writeFileSync(program, "#!/bin/sh\nexit 0\n");
    chmodSync(program, 0o700);
    return spawnSync(program).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
