import { randomInt } from "node:crypto";

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What this run's samples are drawn by. Whatever uses it tells it, in the name of what may fail. */
export const SEED = Number(process.env.TENANTRY_SEED ?? randomInt(2 ** 31));
const draw = seeded(SEED);

/** So many of these, another choice for each seed, in their order; all of them where `TENANTRY_SAMPLES` is `all`. */
export function sampled<T>(all: readonly T[], many: number): T[] {
  if (process.env.TENANTRY_SAMPLES === "all") return [...all];
  const order = new Map(all.map((one) => [one, draw()]));
  const chosen = new Set([...all].sort((one, other) => order.get(one)! - order.get(other)!).slice(0, many));
  return all.filter((one) => chosen.has(one));
}
