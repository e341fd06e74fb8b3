const CELLS = 24;

/** Whether a bar stands in the line that is written to next. */
let isDrawn = false;

/** Takes the bar away, where one is drawn: to be called before anything else is said. */
export function clearProgress(): void {
  if (isDrawn) process.stderr.write("\r\x1b[K");
  isDrawn = false;
}

/** Says something on stdout. */
export function print(text: string): void {
  clearProgress();
  process.stdout.write(text);
}

/**
 * Says on stderr how far a long work is, and how long it may yet take: nothing in the first second, then on a terminal a bar
 * that is drawn anew, and elsewhere a line each second at most.
 */
export function progress(doing: string): (done: number, of: number) => void {
  const began = Date.now();
  let said = began;
  return (done, of) => {
    if (done >= of) return clearProgress();
    const now = Date.now();
    if (now - said < (isDrawn ? 100 : 1000)) return;
    said = now;
    const left = done > 0 ? `, about ${Math.ceil((((now - began) / done) * (of - done)) / 1000)} s left` : "";
    if (!process.stderr.isTTY) {
      process.stderr.write(`${doing}: ${done} of ${of}${left}\n`);
      return;
    }
    const filled = Math.round((CELLS * done) / Math.max(of, 1));
    const bar = "█".repeat(filled) + "░".repeat(CELLS - filled);
    process.stderr.write(`\r\x1b[K${doing} ${bar} ${done} of ${of}${left}`);
    isDrawn = true;
  };
}
