import { Cancellation, pauseUntil } from "../../database/signal.js";
import { EXIT } from "../explain.js";
import { isChild } from "../parent.js";
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
  const asked = new Cancellation();
  const ask = () => {
    setTimeout(() => process.exit(EXIT.partly), GRACE_MS).unref();
    asked.abort(new Error("The process is to end."));
  };
  const goOn = onStop(ask);
  if (isChild) process.on("disconnect", ask);
  return {
    get isAsked() {
      return asked.aborted;
    },
    orAfter: (ms) => pauseUntil(asked, ms),
    end: () => {
      goOn();
      if (isChild && process.connected) process.disconnect();
    },
  };
}
