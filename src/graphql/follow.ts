import { sameGrounds } from "../access/same.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
import type { Position } from "../tenancy/position.js";
import type { Replica } from "../tenancy/replicas.js";
import type { Name } from "./named.js";
import type { HomeAnswer, OperationSettings, Resolved, Scope } from "./operation.js";

/**
 * Opens a reading session on a replica that has all that the primary had shown. Access is read once more, in the very snapshot
 * that resolvers will read, and has to be what the primary said: a row is never judged by a right that had ended before the
 * row got to where it is.
 * @param position where the primary's log was when `said` had been read
 * @param said what the primary says about the viewer
 * @returns null where the replica cannot serve, or something about the viewer is changing at this moment. Never throws
 */
export async function follow(
  { readAccess, signal }: Pick<OperationSettings, "readAccess" | "signal">,
  replica: Replica,
  tenant: TenantRecord,
  position: Position,
  named: readonly Name[],
  said: Resolved,
): Promise<Scope | null> {
  const following = await replica.begin(tenant, position, signal);
  if (!following) return null;
  const { session, isReady } = following;
  const asked = readAccess(session, named).catch(() => null);
  const isServing = await isReady;
  const answer = isServing ? await asked : null;
  if (isSame(answer, said)) {
    replica.served();
    return { ...answer, now: said.now, session };
  }
  if (isServing && session.failure && !signal.aborted) replica.failed();
  // Nobody waits for it: what it was asked may still wait for a lock.
  void session.rollback();
  return null;
}

const isSame = (answer: HomeAnswer, said: Resolved): answer is Resolved =>
  answer !== null &&
  typeof answer === "object" &&
  answer.viewer.id === said.viewer.id &&
  sameGrounds(answer.access.grounds, said.access.grounds);
