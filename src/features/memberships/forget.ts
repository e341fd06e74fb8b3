import type { Context } from "../../graphql/context.js";
import type { UserRow } from "../users/table.js";

/** Forgets what a feature knows of a person, as they were before they were erased. */
type Forget = (ctx: Context, person: UserRow) => Promise<void>;

const all: Forget[] = [];

/** Has something forgotten with every person who is erased, in the same transaction: for features that this one does not know. */
export function whenErased(forget: Forget): void {
  all.push(forget);
}

export async function forgetEverywhere(ctx: Context, person: UserRow): Promise<void> {
  for (const forget of all) await forget(ctx, person);
}
