import { type Context, scopeOf } from "../../graphql/context.js";
import { NotFoundFailure } from "../../graphql/failure.js";
import { idOf } from "../../graphql/nodeId.js";
import type { UserId } from "../../ids.js";
import type { UserRow } from "../users/table.js";
import { visibleUsers } from "./visibleUsers.js";

/**
 * The person whom `input.userId` names.
 * @throws NotFoundFailure  the viewer does not see them, there is none, or it is not the id of a user
 */
export async function getUser(ctx: Context, globalId: string): Promise<UserRow> {
  const id = idOf<UserId>("User", globalId);
  const user = id === null ? null : await visibleUsers(scopeOf(ctx)).load(id);
  if (!user) throw new NotFoundFailure("There is no such user, or you cannot see them.", ["input", "userId"]);
  return user;
}
