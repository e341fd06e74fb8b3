import type { Repeatable } from "./flight.js";
import type { Sent } from "./sent.js";
import { boundOf } from "./wire.js";

/** What was asked, to be asked again. */
export class Notes {
  readonly #all: { readonly sent: Sent; readonly text: string; readonly isOfHome: boolean }[] = [];

  add(sent: Sent, text: string, isOfHome: boolean): void {
    this.#all.push({ sent, text, isOfHome });
  }

  /**
   * The statements as they were sent. Null where any has no values: it is parsed anew each time, and so cannot be repeated; and where
   * any is not answered yet: its values may not have been written as they are sent.
   */
  get repeatable(): readonly Repeatable[] | null {
    if (!this.#all.every(({ sent }) => sent.isAnswered && sent.args.length > 0)) return null;
    return this.#all.map(({ sent, text, isOfHome }) => ({
      text,
      params: sent.args,
      bound: boundOf(sent.parameters!),
      isOfHome,
    }));
  }
}
