/**
 * Calls `stop` when this process is asked to end: by Ctrl-C, by a supervisor, or because its terminal was closed. Asked
 * again, it goes on stopping.
 * @returns what takes this back
 */
export function onStop(stop: () => void): () => void {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}
