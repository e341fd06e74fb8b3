import { Queue } from "./queue.js";

/**
 * Tells whoever waits, or holds something, that nobody wants it any more. Each `AbortSignal` is one; a request has a `Cancellation`.
 */
export interface Signal {
  readonly aborted: boolean;
  /** Why; undefined while it has not aborted. */
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options: { readonly once: true }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

/**
 * A signal, and what makes it abort. Not one of Node.js, which V8 keeps, with all that it leads to, through each collection of what is
 * young: a request that is long over would be copied from collection to collection, which took each of them several times as long.
 */
export class Cancellation implements Signal {
  readonly #listeners = new Queue<() => void>();
  #reason: Error | undefined;

  get aborted(): boolean {
    return this.#reason !== undefined;
  }

  get reason(): Error | undefined {
    return this.#reason;
  }

  /** All are told, once, before this returns; they must not throw. Does nothing the second time. */
  abort(reason: Error): void {
    if (this.aborted) return;
    this.#reason = reason;
    for (const listener of this.#listeners) if (this.#listeners.remove(listener)) listener();
  }

  addEventListener(_type: "abort", listener: () => void): void {
    if (!this.aborted) this.#listeners.add(listener);
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.#listeners.remove(listener);
  }
}

/** Resolves when the time is over, or the signal has aborted. */
export function pauseUntil(signal: Signal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
