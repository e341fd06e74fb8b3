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

  /** Adds it behind the last of which this is true. */
  protected addBehind(isBefore: (other: T) => boolean, one: T): void {
    this.#all.splice(this.#all.findLastIndex(isBefore) + 1, 0, one);
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
