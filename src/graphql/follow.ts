import { isSame } from "../access/same.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { Position } from "../tenancy/position.js";
import type { Replica } from "../tenancy/replicas.js";
import type { TenantSession } from "../tenancy/session.js";
import type { Name } from "./named.js";
import { isResolved, type OperationSettings, type Resolved } from "./scope.js";

/**
 * Opens a reading session on a replica. Access is read once more, in the very snapshot that resolvers will read, and has to be
 * what the primary said: a row is never judged by a right that had ended before the row got to where it is.
 * @returns null where the replica cannot serve, or something about the viewer is changing at this moment. Never throws
 */
export async function follow(
  { readAccess, signal }: OperationSettings,
  replica: Replica,
  tenant: TenantRecord,
  position: Position,
  named: readonly Name[],
  said: Resolved,
): Promise<{ readonly session: TenantSession; readonly answer: Resolved } | null> {
  const following = await replica.enter(tenant, position, signal);
  if (!following) return null;
  const { session, isReady } = following;
  const asked = readAccess(session, named).catch(() => null);
  const isServing = await isReady;
  const answer = isServing ? await asked : null;
  if (isResolved(answer) && answer.viewer.id === said.viewer.id && isSame(answer.access, said.access)) {
    replica.served();
    return { session, answer: { ...answer, now: said.now } };
  }
  if (isServing && session.failure && !signal.aborted) replica.failed();
  // Nobody waits for it: what it was asked may still wait for a lock.
  void session.rollback();
  return null;
}
