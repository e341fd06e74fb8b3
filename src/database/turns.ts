import { Queue } from "./queue.js";

/** What is waited for: of those who wait for something else nobody is before or behind. */
export interface Counter {
  /** The latest turn that was served: nobody who comes now has one before it. */
  served: number;
}

/** Somebody who waits on behalf of a party, such as a tenant. */
export interface Turn {
  readonly party: string;
  readonly counter: Counter;
  /** When they are served, beside those of other parties; set as they begin to wait. */
  turn: number;
}

/** So many of one party for each connection, and so many times as many of all: about as many as are served while one waits. */
const MOST_WAITING = 100;
const ALL_WAITING = 3;

/**
 * So many of one party at a turn: those who ask for no more at once are served as they come. With one at a turn the slowest hundredth of
 * a hundred tenants that ask for ten pages each at once waited half as long again, for what nobody else needed.
 */
const AT_A_TURN = 8;

/**
 * Those that wait, by turns: a few of each party, first come first, and then the next few of each. A party of which many wait keeps
 * nobody else waiting for more than two turns of them, among those whom the same connection may serve, and is served as soon as nobody
 * else waits. (Start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996, with every wait of one cost.) As short as
 * queues are, looking through them costs less than to keep count of each party.
 */
export class Turns<T extends Turn> extends Queue<T> {
  override add(one: T): void {
    const { counter, party } = one;
    const isTheirs = (other: T) => other.party === party && other.counter === counter;
    const last = this.findLast(isTheirs)?.turn ?? 0;
    const isFull = this.count((other) => other.turn === last && isTheirs(other)) >= AT_A_TURN;
    one.turn = Math.max(counter.served + 1, isFull ? last + 1 : last);
    this.addBefore((other) => other.counter === counter && other.turn > one.turn, one);
  }

  /** Whether so many wait for so many connections that one more of this party would wait in vain. One of each may always wait. */
  isCrowded(party: string, connections: number): boolean {
    const most = MOST_WAITING * connections;
    if (this.size < most) return false;
    const waiting = this.count((one) => one.party === party);
    return waiting >= most || (this.size >= ALL_WAITING * most && waiting > 0);
  }

  /** Takes out whose turn it is. */
  serve(one: T): boolean {
    one.counter.served = Math.max(one.counter.served, one.turn);
    return this.remove(one);
  }
}
