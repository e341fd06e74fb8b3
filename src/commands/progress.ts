/**
 * Says on stderr how far a long work is, and how long it may yet take: nothing in the first second, then a line each second
 * at most.
 */
export function progress(doing: string): (done: number, of: number) => void {
  const began = Date.now();
  let said = began;
  return (done, of) => {
    const now = Date.now();
    if (now - said < 1000) return;
    said = now;
    const left = done > 0 ? `, about ${Math.ceil((((now - began) / done) * (of - done)) / 1000)} s left` : "";
    process.stderr.write(`${doing}: ${done} of ${of}${left}\n`);
  };
}
