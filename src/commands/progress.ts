/** Says on stderr how far a long work is: nothing in the first second, then a line each second at most. */
export function progress(doing: string): (done: number, of: number) => void {
  let said = Date.now();
  return (done, of) => {
    if (Date.now() - said < 1000) return;
    said = Date.now();
    process.stderr.write(`${doing}: ${done} of ${of}\n`);
  };
}
