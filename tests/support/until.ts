import { setTimeout as pause } from "node:timers/promises";

/** Returns when `condition` holds; fails when it does not within 30 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = performance.now(); !(await condition()); await pause(5)) {
    if (performance.now() - start > 30_000) throw new Error("it did not happen within 30 s");
  }
}
