import { isatty } from "node:tty";

/** `nohup`, and whoever else starts what outlives a terminal, leaves none of the three at one. */
const isAtTerminal = [0, 1, 2].some((stream) => isatty(stream));

/** Lets this process outlive a terminal that it is not at: that SIGHUP is to be ignored, Node.js takes back at its start. */
export function outliveTerminal(): void {
  if (!isAtTerminal) process.on("SIGHUP", () => {});
}

/** Node.js sets its terminal back as it exits, and where that is closed it hangs, or aborts. */
const endWithoutTerminal = () => void process.once("exit", () => process.kill(process.pid, "SIGKILL"));

/**
 * Calls `stop` when this process is asked to end: by Ctrl-C, by a supervisor, or because its terminal was closed. Asked
 * again, it goes on stopping.
 * @returns what takes this back
 */
export function onStop(stop: () => void): () => void {
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", ...(isAtTerminal ? (["SIGHUP"] as const) : [])];
  for (const signal of signals) process.on(signal, stop);
  if (isAtTerminal) process.once("SIGHUP", endWithoutTerminal);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}
