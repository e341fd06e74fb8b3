import { Queue } from "./queue.js";

/** Somebody who waits on behalf of a party, such as a tenant. */
export interface Turn {
  readonly party: string;
  /** When they are served, beside those of other parties; set as they begin to wait. */
  turn: number;
}

/**
 * Those that wait, by turns: one of each party, first come first, and then the next of each. A party of which many wait keeps
 * nobody else waiting for more than one of them at a time, and is served as soon as nobody else waits. (Start-time fair queueing:
 * Goyal, Vin, Cheng, SIGCOMM 1996, with every wait of one cost.) As short as queues are, looking through them costs less than to
 * keep count of each party.
 */
export class Turns<T extends Turn> extends Queue<T> {
  /** The latest turn that was served: nobody who comes now has one before it. */
  #served = 0;

  override add(one: T): void {
    one.turn = Math.max(this.#served, this.findLast(({ party }) => party === one.party)?.turn ?? 0) + 1;
    this.addBehind(({ turn }) => turn <= one.turn, one);
  }

  /** Takes out whose turn it is. */
  serve(one: T): boolean {
    this.#served = Math.max(this.#served, one.turn);
    return this.remove(one);
  }
}
