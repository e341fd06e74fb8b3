import { type Context, scopeOf } from "../../graphql/context.js";
import type { UserId } from "../../ids.js";
import type { Giving } from "../roles/giving.js";
import { allRightsOfUser, mustHoldEverywhere, placesOfUser } from "./rights.js";

/**
 * Returns when the viewer may hand on somebody who never signed in to whoever comes as them: that they are a member, and all that
 * they hold, in a suspended membership as well, for it comes back with that.
 * @param by the permission that the change itself needs
 * @throws ExceedsYoursFailure
 */
export async function mustBeAbleToHandOn(
  ctx: Context,
  id: UserId,
  by: Giving,
  field: readonly string[],
): Promise<void> {
  const theirs = [...(await placesOfUser(ctx, id)), ...(await allRightsOfUser(ctx, id))];
  mustHoldEverywhere(scopeOf(ctx).access, theirs, field, by);
}

type Withdraw = (ctx: Context, id: UserId) => Promise<void>;

const promised: Withdraw[] = [];

/** Has withdrawn what somebody who never signed in was promised, and does not hold, when their address becomes another. */
export function onHandingOn(withdraw: Withdraw): void {
  promised.push(withdraw);
}

/** To be called when somebody who never signed in gets another address. */
export async function withdrawPromised(ctx: Context, id: UserId): Promise<void> {
  for (const withdraw of promised) await withdraw(ctx, id);
}
