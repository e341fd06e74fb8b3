/** Whether something of a text shows: one of spaces and invisible characters alone is nothing to call anybody by. */
export const shows = (text: string): boolean => /[^\p{Z}\p{C}]/u.test(text);
