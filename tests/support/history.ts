/** A change of a right that somebody sent at one moment of the driver's clock, and saw acknowledged at another. */
interface Turn {
  readonly sent: number;
  acknowledged: number;
}

/**
 * When one right was held, as far as one clock can tell: it is given and withdrawn in turns, each of which takes effect
 * somewhere between being sent and being acknowledged.
 */
export class History {
  readonly #turns: Turn[] = [];

  /** Turns it: withdraws what is held, or gives back what was withdrawn. */
  async turn(work: () => Promise<unknown>): Promise<void> {
    const turn: Turn = { sent: performance.now(), acknowledged: Number.POSITIVE_INFINITY };
    this.#turns.push(turn);
    await work();
    turn.acknowledged = performance.now();
  }

  /** Whether it was held all through a span, or all through not; null where it may have been either. */
  during(begin: number, end: number): boolean | null {
    const before = this.#turns.filter(({ acknowledged }) => acknowledged < begin).length;
    const isTurning = this.#turns.some(({ sent, acknowledged }) => sent <= end && acknowledged >= begin);
    return isTurning ? null : before % 2 === 0;
  }
}
