const CELLS = 24;

/**
 * Says on stderr how far a long work is, and how long it may yet take: nothing in the first second, then on a terminal a bar
 * that is drawn anew, and elsewhere a line each second at most.
 */
export function progress(doing: string): (done: number, of: number) => void {
  const began = Date.now();
  let said = began;
  let isDrawn = false;
  return (done, of) => {
    const now = Date.now();
    const isOver = isDrawn && done >= of;
    if (!isOver && now - said < (isDrawn ? 100 : 1000)) return;
    said = now;
    const left = done > 0 ? `, about ${Math.ceil((((now - began) / done) * (of - done)) / 1000)} s left` : "";
    if (!process.stderr.isTTY) {
      process.stderr.write(`${doing}: ${done} of ${of}${left}\n`);
      return;
    }
    const filled = Math.round((CELLS * done) / Math.max(of, 1));
    const bar = "█".repeat(filled) + "░".repeat(CELLS - filled);
    process.stderr.write(`\r\x1b[K${isOver ? "" : `${doing} ${bar} ${done} of ${of}${left}`}`);
    isDrawn = !isOver;
  };
}
