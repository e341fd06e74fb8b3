import { Queue } from "./queue.js";
import type { Unanswered } from "./sent.js";

/** What was sent and is not answered yet. The driver leaves some statements of a dead session unanswered for ever. */
export class Outstanding {
  readonly #all = new Queue<Unanswered>();
  #silence: NodeJS.Timeout | undefined;

  /**
   * @param silenceMs how long each answer is waited for; undefined for ever
   * @param lose what is done when none comes
   * @param before what is answered before the first of these
   */
  constructor(
    private readonly silenceMs: number | undefined,
    private readonly lose: () => void,
    private readonly before: Outstanding | null,
  ) {}

  get isEmpty(): boolean {
    return this.#all.size === 0;
  }

  /** @param statements how many are answered together */
  add(one: Unanswered, statements = 1): void {
    if (this.isEmpty && this.silenceMs !== undefined)
      this.#silence = setTimeout(() => this.#miss(), this.silenceMs * statements);
    this.#all.add(one);
  }

  remove(one: Unanswered): void {
    this.#all.remove(one);
    if (this.isEmpty) clearTimeout(this.#silence);
    else this.#silence?.refresh();
  }

  /** Tells everybody who waits that no answer comes. What is answered nevertheless is still counted. */
  refuse(reason: Error): void {
    clearTimeout(this.#silence);
    this.#silence = undefined;
    for (const { waiter } of this.#all) waiter.refuse(reason);
  }

  #miss(): void {
    // As long as that is waited for, nothing is late here.
    if (this.before?.isEmpty === false) this.#silence?.refresh();
    else this.lose();
  }
}
