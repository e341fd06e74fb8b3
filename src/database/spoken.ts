import { isStale } from "./errors.js";
import type { Sendable } from "./messages.js";
import type { Replies } from "./replies.js";
import type { Result } from "./result.js";
import type { Noted, Prepared, Sender, Unanswered, Waiter } from "./sent.js";

/** A statement that is known on its connection, and so is said in our own words, past the driver. */
export class Spoken implements Unanswered, Noted, Sendable {
  #isAnswered = false;

  /**
   * @param text where it was not prepared, what is said
   * @param args its values as they were given
   * @param bound the same, as `boundOf` writes them
   * @param isRaw whether rows are lists of their values
   */
  constructor(
    private readonly sender: Sender,
    readonly waiter: Waiter,
    readonly text: string,
    private readonly prepared: Prepared | null,
    readonly args: readonly unknown[],
    readonly bound: Buffer,
    private readonly isRaw: boolean,
  ) {}

  get name(): string | null {
    return this.prepared?.name ?? null;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** @param nth which of the replies is its own */
  resolve(replies: Replies, nth: number): void {
    let result: Result;
    try {
      result = replies.read(nth, this.prepared?.columns ?? [], this.isRaw);
    } catch (error) {
      this.reject(error as Error);
      return;
    }
    this.#isAnswered = true;
    this.sender.hear(this, true);
    this.waiter.tell(result);
  }

  reject(why: Error): void {
    this.#isAnswered = true;
    if (this.prepared && isStale(why)) this.prepared.isStale = true;
    this.sender.hear(this, false);
    this.waiter.refuse(this.sender.meaningOf(why));
  }
}
