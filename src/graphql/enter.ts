import { setTimeout as pause } from "node:timers/promises";
import { sessionSurvives, UnavailableError } from "../database/errors.js";
import { TenantNotFoundError } from "../identity/errors.js";
import type { Position } from "../tenancy/position.js";
import type { Replica, Replicas } from "../tenancy/replicas.js";
import { type Purpose, TenantSession } from "../tenancy/session.js";
import { SentAhead, type WantedAhead } from "./ahead.js";
import type { Recalled } from "./asked.js";
import type { Fields } from "./columns.js";
import { follow } from "./follow.js";
import type { Name } from "./named.js";
import { type HomeAnswer, isResolved, OpenScope, type OperationSettings } from "./scope.js";

// Many times what the last part of a move takes; a mover that died in it leaves a tenant that can only be read.
const FENCE_WAIT_MS = 5000;
const LONGEST_PAUSE_MS = 40;
/** How often the directory is asked: its answer may be overtaken on the way to the home. */
const MOST_LOOKS = 3;

/** How a query reads. */
export interface Query {
  /** All that it asks for. */
  readonly fields?: Fields | undefined;
  readonly replicas?: Replicas | undefined;
  /** How many statements its session is expected to be sent; 0 where nobody knows. */
  readonly expected?: number;
  /** What is read first, whatever the viewer may do. */
  readonly wanted?: WantedAhead | undefined;
  /** The document, its operation and its variables, where they say all that its answer depends on; else null. */
  readonly question?: string | null;
  /** Whether what was asked before is sent at once. */
  readonly flies?: boolean;
}

/** An open session, and who reads in it. */
export interface Entered {
  readonly scope: OpenScope;
  /** Whose session it is, where it is not the primary's. */
  readonly replica: Replica | null;
  readonly recalled: Recalled | null;
}

/** The answer to a question that was asked before, read again and found the same. Its session has ended. */
export interface Repeated {
  readonly body: string;
}

/**
 * Opens a session in the tenant's home, and reads the viewer's access in it: of what the directory says, the home decides.
 * @throws TenantNotFoundError where the home does not let the viewer in
 * @throws UnavailableError where there is no session to be had, or the tenant is being moved
 */
export async function enter(
  settings: OperationSettings,
  purpose: Purpose,
  named: readonly Name[],
  { fields, replicas, expected = 0, wanted, question = null, flies = true }: Query = {},
): Promise<Entered | Repeated> {
  const until = performance.now() + FENCE_WAIT_MS;
  let [looks, elsewhere, mayFly] = [0, replicas, flies];
  for (let pauseMs = 5; ; ) {
    const tenant = await settings.tenant(purpose, looks > 0);
    const replica = elsewhere?.of(tenant.home.database) ?? null;
    const recalled = replica ? null : (settings.asked?.recall(tenant, question) ?? null);
    const again = (mayFly && recalled?.again) || undefined;
    const session = await TenantSession.open(settings.leases, tenant, purpose, settings.signal, again);
    if (!session.flight) {
      if (recalled) session.note();
      if (!replica) session.expect(expected);
    }
    let answer: HomeAnswer;
    let position: Position | null = null;
    let ahead: SentAhead | undefined;
    try {
      const body = recalled && (await settings.asked!.answerIn(session, recalled));
      if (body !== null) {
        // Its end was answered with the rest.
        void session.commit().catch(() => {});
        return { body };
      }
      if (session.flight?.isSame) {
        // The clock has made another answer of the same bytes, which were not kept.
        await session.rollback();
        settings.asked!.missed(recalled!);
        mayFly = false;
        continue;
      }
      const asked = settings.readAccess(session, named);
      // Left before the replica is asked: nobody waits for one connection while holding another.
      const left = replica && session.leave();
      if (wanted?.size && !replica) ahead = new SentAhead(session, fields, wanted);
      [answer, position] = [await asked, await left];
    } catch (error) {
      await session.rollback();
      if (!session.flight || !sessionSurvives(error)) throw error;
      // What was asked once need not be what can be asked now.
      settings.asked!.missed(recalled!);
      mayFly = false;
      continue;
    }
    if (isResolved(answer)) {
      if (!replica) return { scope: new OpenScope(session, answer, fields, ahead), replica, recalled };
      const following = position && (await follow(settings, replica, tenant, position, named, answer));
      if (following) {
        // By the clock of the primary.
        const { session, answer } = following;
        const scope = new OpenScope(session, answer, fields, undefined, true);
        return { scope, replica, recalled: null };
      }
      elsewhere = undefined;
      continue;
    }
    await session.rollback();
    if (answer === null || (answer === "STALE" && ++looks > MOST_LOOKS)) throw new TenantNotFoundError();
    if (answer === "FENCED") {
      if (performance.now() > until || settings.signal.aborted)
        throw new UnavailableError("The tenant is being moved.");
      await pause(pauseMs, undefined, { signal: settings.signal }).catch(() => {});
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}
