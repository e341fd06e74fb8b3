import type { Course, Flight } from "./flight.js";
import type { Noted, Sender, Unanswered, Waiter } from "./sent.js";

/** What a lease is of. */
export interface Leased {
  readonly pid: number;
  readonly isCitus: boolean;
  /** Whether transactions can be sent as a whole. */
  readonly canFly: boolean;
  send(
    sender: Sender,
    waiter: Waiter,
    text: string,
    params: readonly unknown[],
    isOfHome: boolean,
    isRaw: boolean,
    isAlone: boolean,
  ): Unanswered & Noted;
  fly(sender: Sender, course: Course): Flight | null;
  condemn(reason: Error): void;
  /** Has another lease learn when the session is gone, in place of the one that was told so far. */
  holdBy(holder: { revoke(reason: Error): void }): void;
}
