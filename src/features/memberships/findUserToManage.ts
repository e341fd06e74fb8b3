import { type Context, scopeOf } from "../../graphql/context.js";
import { parseId } from "../../graphql/nodeId.js";
import type { UserId } from "../../ids.js";
import { usersById } from "../users/loader.js";
import type { UserRow } from "../users/table.js";
import { visibleUsers } from "./loader.js";

/**
 * The person of a global id, if the viewer sees them; to those who manage members everywhere, people who are in no
 * organization exist too. Null otherwise, and for what is not the id of a user.
 */
export async function findUserToManage(ctx: Context, globalId: string): Promise<UserRow | null> {
  const scope = scopeOf(ctx);
  const parsed = parseId(globalId);
  if (parsed?.type !== "User") return null;
  const managesAll = scope.access.allows(scope.root, "members:manage", "SUBTREE");
  return (managesAll ? usersById : visibleUsers)(scope).load(parsed.id as UserId);
}
