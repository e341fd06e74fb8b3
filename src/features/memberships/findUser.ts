import { type Context, scopeOf } from "../../graphql/context.js";
import { idOf } from "../../graphql/nodeId.js";
import type { UserId } from "../../ids.js";
import type { UserRow } from "../users/table.js";
import { visibleUsers } from "./visibleUsers.js";

/** The person of a global id, if the viewer sees them; null otherwise, and for what is not the id of a user. */
export async function findUser(ctx: Context, globalId: string): Promise<UserRow | null> {
  const id = idOf<UserId>("User", globalId);
  return id === null ? null : visibleUsers(scopeOf(ctx)).load(id);
}
