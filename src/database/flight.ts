import { createHash } from "node:crypto";
import { isStale, sessionSurvives } from "./errors.js";
import type { Replies } from "./replies.js";
import type { Result } from "./result.js";
import type { Prepared, Sender, Unanswered, Waiter } from "./sent.js";
import type { Landing } from "./wire.js";

/** A statement as it was sent once, to be sent again as it is. */
export interface Repeatable {
  readonly text: string;
  /** Its values as they were given, by which it is found again. */
  readonly params: readonly unknown[];
  /** The same as they go over the wire. */
  readonly bound: Buffer;
  /** Whether it names tables of the home that the connection serves. */
  readonly isOfHome: boolean;
}

/** Statements that were asked before. */
export interface Again {
  readonly statements: readonly Repeatable[];
  /** The digest of what was answered to them; null where nobody knows. */
  readonly digest: string | null;
}

/** A transaction as a whole. */
export interface Course {
  readonly opening: readonly Repeatable[];
  readonly again: Again;
  readonly end: Repeatable;
}

const UNDONE = Object.assign([], { command: "ROLLBACK", count: 0 }) as Result;

/**
 * A transaction that is sent in one message before anybody asks for its statements, for they were asked the last time. Each is
 * the answer to whoever asks the same; what nobody asks was read in vain.
 */
export class Flight implements Landing, Unanswered {
  readonly waiter: Waiter<Result>;
  /** How its end was answered, which comes with all else. Rejects where the session is lost. */
  readonly closing: Promise<Result>;
  /** Whether what was asked again was answered with the very same bytes. */
  isSame = false;
  /** Of what was answered to what was asked again, for the next time; null while it is not answered, and where it was refused. */
  digest: string | null = null;
  /** Rejects where PostgreSQL refused a statement: then it ran none that came behind, and kept nothing. */
  readonly #landed: Promise<Result>;
  /** Where all is the same, only those that opened it. */
  #replies: Replies | null = null;

  /**
   * @param statements of the course, all in their order
   * @param prepared each of them; null where it is said by its text
   */
  constructor(
    private readonly sender: Sender,
    private readonly course: Course,
    readonly statements: readonly Repeatable[],
    private readonly prepared: readonly (Prepared | null)[],
  ) {
    let waiter: Waiter;
    this.#landed = new Promise((tell, refuse) => {
      waiter = { tell, refuse };
    });
    this.waiter = waiter!;
    this.closing = this.#landed.catch((why) => {
      // Before whoever waits heard of it.
      if (sessionSurvives(why)) return UNDONE;
      throw why;
    });
    // Nobody need wait for it.
    this.closing.catch(ignore);
  }

  /** Resolves when all is answered. Rejects where PostgreSQL refused any of it, or the session is lost. */
  async landed(): Promise<void> {
    await this.#landed;
  }

  /** The answer to a statement, where it is among these; null where it is not. */
  answerTo(text: string, params: readonly unknown[], isRaw: boolean): Promise<Result> | null {
    const nth = this.statements.findIndex((one) => one.text === text && isAlike(one.params, params));
    if (nth < 0) return null;
    const answer = this.#landed.then(() => {
      if (this.isSame && nth >= this.course.opening.length) throw new Error("What is the same was not kept.");
      return this.#replies!.read(nth, this.prepared[nth]?.columns ?? [], isRaw);
    });
    answer.catch(ignore);
    return answer;
  }

  resolve(replies: Replies): void {
    const { opening, again } = this.course;
    const last = this.statements.length - 1;
    this.digest = digestOf(replies.from(opening.length, last - 1));
    this.isSame = this.digest === again.digest;
    this.#replies = replies.copy(this.isSame ? opening.length - 1 : last);
    this.sender.hear(this, true);
    this.waiter.tell(replies.read(last, [], false));
  }

  reject(why: Error, nth: number): void {
    const refused = this.prepared[nth];
    if (refused && isStale(why)) refused.isStale = true;
    this.sender.hear(this, false);
    this.waiter.refuse(this.sender.meaningOf(why));
  }
}

export const statementsOf = ({ opening, again, end }: Course): readonly Repeatable[] => [
  ...opening,
  ...again.statements,
  end,
];

/** Takes the place of answers, which take a hundred times the room: two that differ have no digest in common that anybody could find. */
const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64");

const ignore = (): void => {};

const isAlike = (these: readonly unknown[], those: readonly unknown[]): boolean =>
  these.length === those.length && these.every((one, n) => isSame(one, those[n]));

const isSame = (one: unknown, other: unknown): boolean =>
  one === other || (Buffer.isBuffer(one) && Buffer.isBuffer(other) && one.equals(other));
