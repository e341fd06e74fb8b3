import { type Context, scopeOf } from "../../graphql/context.js";
import { parseId } from "../../graphql/nodeId.js";
import type { UserId } from "../../ids.js";
import type { UserRow } from "../users/table.js";
import { visibleUsers } from "./visibleUsers.js";

/** The person of a global id, if the viewer sees them; null otherwise, and for what is not the id of a user. */
export async function findUser(ctx: Context, globalId: string): Promise<UserRow | null> {
  const parsed = parseId(globalId);
  return parsed?.type === "User" ? visibleUsers(scopeOf(ctx)).load(parsed.id as UserId) : null;
}
