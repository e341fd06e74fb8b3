import { setTimeout as delay } from "node:timers/promises";

/** Returns when `condition` holds; fails when it does not within 20 s. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const start = Date.now(); !(await condition()); await delay(5)) {
    if (Date.now() - start > 20_000) throw new Error("It did not happen within 20 s.");
  }
}
