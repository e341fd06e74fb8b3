import type { Repeatable } from "./flight.js";
import type { Noted } from "./sent.js";

/** What was asked, to be asked again. */
export class Notes {
  readonly #all: { readonly sent: Noted; readonly text: string; readonly isOfHome: boolean }[] = [];

  add(sent: Noted, text: string, isOfHome: boolean): void {
    this.#all.push({ sent, text, isOfHome });
  }

  /**
   * The statements as they were sent. Null where any has no values: it is parsed anew each time, and so cannot be repeated; and where
   * any is not answered yet: its values may not have been written as they are sent.
   */
  get repeatable(): readonly Repeatable[] | null {
    if (!this.#all.every(({ sent }) => sent.isAnswered && sent.args.length > 0)) return null;
    return this.#all.map(({ sent: { args, bound }, text, isOfHome }) => ({ text, params: args, bound, isOfHome }));
  }
}
