import { EXIT } from "../explain.js";
import { onStop } from "../signals.js";

// As long as a gateway has for what runs.
const GRACE_MS = 10_000;

/** How those who work learn that they are to end. */
export interface Stop {
  readonly isAsked: boolean;
  /** Returns when it was asked to end, or after so long. */
  orAfter(ms: number): Promise<void>;
  end(): void;
}

/** What tells this process to end: a signal; or, started by `tenantry start`, the end of that. */
export function stopping(): Stop {
  const waiting = new Set<() => void>();
  const stop = {
    isAsked: false,
    /** Returns when it was asked to end, or after so long. */
    orAfter: (ms: number) =>
      new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, ms);
        waiting.add(wake);
        if (stop.isAsked) wake();
      }),
    end: () => {
      goOn();
      if (process.connected) process.disconnect();
    },
  };
  const ask = () => {
    stop.isAsked = true;
    setTimeout(() => process.exit(EXIT.partly), GRACE_MS).unref();
    for (const wake of waiting) wake();
  };
  const goOn = onStop(ask);
  process.on("disconnect", ask);
  return stop;
}
