import pino, { type Logger } from "pino";

const unheard = () => true;

/** Writes lines of JSON to stderr, for as long as somebody reads there: the process goes on without. */
export function openLog(level: string): Logger {
  const destination = pino.destination(2);
  // A terminal that was closed. Of a closed pipe pino itself takes no notice.
  destination.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EIO") throw error;
    destination.write = unheard;
    // Else it would try at the end of the process, for ever, to write what it could not.
    destination.destroy();
  });
  return pino({ level, base: null }, destination);
}
