import type { TenantSession } from "../tenancy/session.js";
import { type Ahead, SentAhead, type WantedAhead, wantedOf } from "./ahead.js";
import type { Embarked, Entered } from "./enter.js";
import { OpenScope, type OperationSettings, type Resolved } from "./scope.js";

/** How the answer to a change is read. */
export interface Answering {
  /** What is likely to be read for it. */
  readonly ahead: Ahead;
  /** Whether the viewer may do after the change exactly what they might before it, neither less nor more, and is called the same. */
  readonly keepsAccess: (viewer: Resolved) => boolean;
}

/** Opens the session in which an answer is read, or goes on with one that was opened for it; null where the viewer is nobody there. */
export type Read = (wanted?: WantedAhead, opened?: Promise<Embarked>) => Promise<Entered | null>;

/** When and how the answer to a change is read. */
interface How {
  readonly answering: Answering | undefined;
  readonly read: Read;
  /** Whether something is to be done between the commit and the answer, which holds no session. */
  readonly isApart: boolean;
  /** Whether all that the answer asks for is expected to be sent ahead. */
  readonly isAnsweredAhead: boolean;
}

interface Kept {
  /** What gives the session of the answer. */
  readonly opening: Read;
  /** Whether all that is expected of it was read before the commit. */
  readonly isAnsweredAhead: boolean;
}

/**
 * Commits.
 * @param changed what the change came to
 */
export async function keep(
  { onChange }: OperationSettings,
  scope: OpenScope,
  changed: unknown,
  { answering, read, isApart, isAnsweredAhead }: How,
): Promise<Kept> {
  const { session } = scope;
  const wanted = wantedOf(answering?.ahead, changed);
  const told = () => onChange(session.tenant);
  if (isApart) {
    await session.commit().finally(told);
    return { opening: () => read(wanted), isAnsweredAhead: false };
  }
  if (wanted && isAnsweredAhead && answering!.keepsAccess(scope)) {
    const entered = await readAndKeep(scope, told, wanted);
    return { opening: async () => entered, isAnsweredAhead };
  }
  return { opening: await keepAndRead(session, told, wanted, read), isAnsweredAhead: false };
}

/** Asks in the same breath for what the answer is read in. */
async function keepAndRead(
  session: TenantSession,
  told: () => void,
  wanted: WantedAhead | undefined,
  read: Read,
): Promise<Read> {
  const { tenant } = session;
  const { kept, reading } = session.commitAndRead();
  const entering = read(wanted, Promise.resolve({ tenant, replica: null, recalled: null, session: reading }));
  const [outcome, entered] = await Promise.allSettled([kept.finally(told), entering]);
  if (outcome.status === "fulfilled") return () => entering;
  if (entered.status === "fulfilled") await entered.value?.scope.session.rollback();
  throw outcome.reason;
}

/**
 * Reads in the transaction of the change what its answer needs; that and the commit travel together. It is judged on the access
 * that the change was judged on, which nobody can have withdrawn before the commit. What was read earlier is not looked at: it may
 * have been changed since.
 * @returns a session that has ended, with what was read in it; who asks for more finds it `isExceeded`
 */
async function readAndKeep(scope: OpenScope, told: () => void, wanted: WantedAhead): Promise<Entered> {
  const { session } = scope;
  const ahead = new SentAhead(session, undefined, wanted);
  await session.commit().finally(told);
  return { scope: new OpenScope(session, scope, undefined, ahead), replica: null, recalled: null };
}
