const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** Whether there is such a day: JavaScript takes the 30th of February for the 2nd of March. */
function isDay(instant: string): boolean {
  const day = new Date(`${instant.slice(0, 10)}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(instant.slice(0, 10));
}

/** The instant that a text writes as ISO 8601 does, with its offset; null for anything else, of which JavaScript makes guesses. */
export function instantOf(text: string): Date | null {
  const instant = new Date(text);
  // PostgreSQL knows no year 0, and years of more digits are written in another way.
  const year = instant.getUTCFullYear();
  return INSTANT.test(text) && isDay(text) && year >= 1 && year <= 9999 ? instant : null;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The same, or the beginning of a day, which is one of UTC wherever the process runs. */
export const instantOrDayOf = (text: string): Date | null => instantOf(DAY.test(text) ? `${text}T00:00:00Z` : text);
