/**
 * Those that wait, or listen, first come first. No `Set`: one that changes all the time makes itself a new table every few times, and V8 keeps the old
 * ones, linked to the new, with all that was ever in them, through each collection of what is young.
 */
export class Queue<T> {
  readonly #all: T[] = [];

  get size(): number {
    return this.#all.length;
  }

  add(one: T): void {
    this.#all.push(one);
  }

  /** Adds it before the first of which this is true, or else behind all. */
  protected addBefore(isBehind: (other: T) => boolean, one: T): void {
    const at = this.#all.findIndex(isBehind);
    this.#all.splice(at < 0 ? this.#all.length : at, 0, one);
  }

  /** Of how many this is true. */
  protected count(isIt: (one: T) => boolean): number {
    return this.#all.reduce((sum, one) => sum + (isIt(one) ? 1 : 0), 0);
  }

  protected findLast(isIt: (other: T) => boolean): T | undefined {
    return this.#all.findLast(isIt);
  }

  /** @returns whether it was there */
  remove(one: T): boolean {
    const at = this.#all.indexOf(one);
    if (at >= 0) this.#all.splice(at, 1);
    return at >= 0;
  }

  /** Those that came before this one. */
  before(one: T): readonly T[] {
    return this.#all.slice(0, this.#all.indexOf(one));
  }

  /** Those that wait now, also where some leave meanwhile. */
  [Symbol.iterator](): Iterator<T> {
    return this.#all.slice().values();
  }
}
