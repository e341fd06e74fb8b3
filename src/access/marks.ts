import type { OrganizationId } from "../ids.js";

/**
 * Bits by id. Looked up by the last digits, which are random: a Map would hash all of a text that was read a moment ago, which
 * takes as long as everything else that is done with its row.
 */
export class Marks {
  readonly #slots: { readonly id: OrganizationId; readonly bits: number }[][];
  readonly #mask: number;

  constructor(all: ReadonlyMap<OrganizationId, number>) {
    const size = 2 ** Math.ceil(Math.log2(4 * all.size + 1));
    this.#mask = size - 1;
    this.#slots = Array.from({ length: size }, () => []);
    for (const [id, bits] of all) this.#slots[this.#slotOf(id)]!.push({ id, bits });
  }

  /** None where there are none for it. */
  get(id: OrganizationId): number {
    for (const one of this.#slots[this.#slotOf(id)]!) if (one.id === id) return one.bits;
    return 0;
  }

  /** By five hexadecimal digits. Whatever else an id ends in has a slot, too. */
  #slotOf(id: OrganizationId): number {
    const last = id.length - 1;
    let number = 0;
    for (let n = last; n > last - 5; n--) {
      const code = id.charCodeAt(n);
      number = (number << 4) ^ ((code & 15) + 9 * (code >> 6));
    }
    return number & this.#mask;
  }
}
