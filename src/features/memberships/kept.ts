import type { Context } from "../../graphql/context.js";
import type { UserRow } from "../users/table.js";

/** What a feature keeps of people beside their memberships, in rows that have their address or their account. */
interface Kept {
  /** What it is called among all that is held about somebody. */
  readonly name: string;
  readonly take: (ctx: Context, person: UserRow) => Promise<readonly object[]>;
  /** Forgets it for good, of somebody as they were before they were erased. */
  readonly forget: (ctx: Context, person: UserRow) => Promise<void>;
}

const all: Kept[] = [];

/** Has it taken out with everybody who is exported, and forgotten with everybody who is erased, in the same transaction. */
export function keeps(kept: Kept): void {
  all.push(kept);
}

/** By name; empty lists where nothing is kept. */
export async function takeKept(ctx: Context, person: UserRow): Promise<Record<string, readonly object[]>> {
  const taken: Record<string, readonly object[]> = {};
  for (const { name, take } of all) taken[name] = await take(ctx, person);
  return taken;
}

export async function forgetKept(ctx: Context, person: UserRow): Promise<void> {
  for (const { forget } of all) await forget(ctx, person);
}
