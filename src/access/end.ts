/** Whether something that ends then, or not at all, has not ended yet. */
export const isLive = (end: Date | null, now: Date): boolean => end === null || end > now;

/** The earlier of two ends; null where there is none. */
export const earlier = (one: Date | null, other: Date | null): Date | null =>
  one && other ? (one < other ? one : other) : (one ?? other);
