import { sessionSurvives, UnavailableError } from "../database/errors.js";
import { untilItPasses } from "../database/retry.js";
import { pauseUntil } from "../database/signal.js";
import { TenantNotFoundError } from "../identity/errors.js";
import type { TenantRecord } from "../tenancy/directory/directory.js";
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
  /** Whether nothing is to be opened for a question whose answer is not remembered. */
  readonly isTold?: boolean;
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

/** A session that was opened, and has not been asked yet who the viewer is. */
export interface Embarked {
  readonly tenant: TenantRecord;
  readonly replica: Replica | null;
  readonly recalled: Recalled | null;
  readonly session: TenantSession;
}

/**
 * Opens a session in the tenant's home, and sends at once what was asked in it before.
 * @param isAgain whether the directory is to be asked afresh
 * @returns null where nothing was opened
 */
export async function embark(
  settings: OperationSettings,
  purpose: Purpose,
  { replicas, question = null, flies = true, isTold = false }: Query,
  isAgain = false,
): Promise<Embarked | null> {
  const tenant = await settings.tenant(purpose, isAgain);
  const replica = replicas?.of(tenant.home.database) ?? null;
  const recalled = replica ? null : (settings.asked?.recall(tenant, question) ?? null);
  if (isTold && !recalled?.known?.told) return null;
  const again = flies && recalled ? settings.asked!.again(recalled) : undefined;
  const session = await TenantSession.open(settings.leases, tenant, purpose, settings.signal, again);
  if (recalled && !session.flight) session.note();
  return { tenant, replica, recalled, session };
}

/**
 * The answer to what was asked before, where it is the same: then the session ends. Null where it has to be found. Rejects where
 * the session is lost, or PostgreSQL refused any of it.
 */
export async function repeated(settings: OperationSettings, { recalled, session }: Embarked): Promise<string | null> {
  const body = recalled && (await settings.asked!.answerIn(session, recalled));
  // Its end was answered with the rest.
  if (body !== null) void session.commit().catch(() => {});
  return body;
}

/**
 * Opens a session in the tenant's home, and reads the viewer's access in it: of what the directory says, the home decides.
 * @param first a session that was opened for this
 * @throws TenantNotFoundError where the home does not let the viewer in
 * @throws UnavailableError where there is no session to be had, or the tenant is being moved
 */
export async function enter(
  settings: OperationSettings,
  purpose: Purpose,
  named: readonly Name[],
  query: Query = {},
  first: Promise<Embarked | null> | null = null,
): Promise<Entered | Repeated> {
  const { fields, wanted } = query;
  const until = performance.now() + FENCE_WAIT_MS;
  let [looks, how, embarking] = [0, query, first];
  for (let pauseMs = 5; ; ) {
    const embarked = (await embarking) ?? (await embark(settings, purpose, how, looks > 0))!;
    const { tenant, replica, recalled, session }: Embarked = embarked;
    embarking = null;
    if (!replica && !session.flight) session.expect(query.expected ?? 0);
    let answer: HomeAnswer;
    let position: Position | null = null;
    let ahead: SentAhead | undefined;
    try {
      const body = await repeated(settings, embarked);
      if (body !== null) return { body };
      if (session.flight?.isSame) {
        // The clock has made another answer of the same bytes, which were not kept.
        await session.rollback();
        settings.asked!.missed(recalled!);
        how = { ...how, flies: false };
        continue;
      }
      const asked = settings.readAccess(session, named);
      // Left before the replica is asked: nobody waits for one connection while holding another.
      const left = replica && session.leave();
      if (wanted?.size && !replica) ahead = new SentAhead(session, fields, wanted);
      [answer, position] = [await asked, await left];
    } catch (error) {
      await session.rollback();
      // What was asked once need not be what can be asked now.
      if (session.flight && !settings.signal.aborted) settings.asked!.missed(recalled!);
      if (!session.flight || !sessionSurvives(error)) throw error;
      how = { ...how, flies: false };
      continue;
    }
    if (isResolved(answer)) {
      if (!replica) return { scope: new OpenScope(session, answer, fields, ahead), replica, recalled };
      const following = position && (await follow(settings, replica, tenant, position, named, answer));
      if (following) {
        // By the clock of the primary.
        const scope = new OpenScope(following.session, following.answer, fields, undefined, true);
        return { scope, replica, recalled: null };
      }
      how = { ...how, replicas: undefined };
      continue;
    }
    await session.rollback();
    if (answer === null || (answer === "STALE" && ++looks > MOST_LOOKS)) throw new TenantNotFoundError();
    if (answer === "FENCED") {
      if (performance.now() > until || settings.signal.aborted)
        throw new UnavailableError("The tenant is being moved.");
      await pauseUntil(settings.signal, pauseMs);
      pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
    }
  }
}

/** Null where the caller is nobody there. */
export const orNobody = <T>(entering: Promise<T>): Promise<T | null> =>
  entering.catch((error) => {
    if (error instanceof TenantNotFoundError) return null;
    throw error;
  });

/** The same to read, once more where it fails for a reason that passes. */
export function enterToRead(
  settings: OperationSettings,
  named: readonly Name[],
  how: Query,
  first?: Promise<Embarked | null> | null,
): Promise<Entered | Repeated> {
  let embarked = first;
  return untilItPasses(settings.signal, () => {
    const opened = embarked;
    embarked = null;
    return enter(settings, "read", named, how, opened);
  });
}
