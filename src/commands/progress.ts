const WIDTH = 24;

/**
 * Says on stderr how far a long work is and about how long the rest takes: nothing in the first second, then at most once a
 * second; a bar that moves where somebody watches, else a line each time.
 */
export function progress(doing: string): (done: number, of: number) => void {
  const began = Date.now();
  let said = began;
  const isWatched = process.stderr.isTTY === true;
  return (done, of) => {
    const [now, isOver] = [Date.now(), done === of];
    // The bar is taken away when all is done, if it ever was there.
    if (isOver && isWatched && said > began) process.stderr.write("\r\x1b[K");
    if (isOver || now - said < 1000) return;
    said = now;
    const words = `${doing}: ${done} of ${of}${done > 0 ? `, about ${left(((now - began) / done) * (of - done))} left` : ""}`;
    if (!isWatched) return void process.stderr.write(`${words}\n`);
    const full = Math.floor((done / of) * WIDTH);
    process.stderr.write(`\r\x1b[K[${"#".repeat(full)}${"-".repeat(WIDTH - full)}] ${words}`);
  };
}

function left(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
}
