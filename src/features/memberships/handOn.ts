import { type Context, scopeOf } from "../../graphql/context.js";
import type { UserId } from "../../ids.js";
import { discreetly } from "../roles/exceedsYours.js";
import { allRightsOfUser, mustHoldAll } from "./rights.js";

const MORE = "This person holds more than you do, somewhere in the tenant. Ask an owner.";

/**
 * Returns when the viewer may hand on somebody who never signed in to whoever comes as them. What they hold in a closed
 * organization, or in a suspended membership, comes back with that, and counts.
 * @throws ExceedsYoursFailure
 */
export async function mustBeAbleToHandOn(ctx: Context, id: UserId, field: readonly string[]): Promise<void> {
  const { access } = scopeOf(ctx);
  for (const right of await allRightsOfUser(ctx, id))
    discreetly(access, right.at, MORE, () => mustHoldAll(access.asIfAllWereOpen(), [right], field));
}
