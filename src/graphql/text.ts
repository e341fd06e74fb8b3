import { BadInputError } from "./errors.js";

const LONGEST_SEARCH = 200;

/** Whether PostgreSQL can store a text: it has no place for NUL, and half of a surrogate pair is no character. */
export const isStorable = (text: string): boolean => !text.includes("\0") && text.isWellFormed();

/**
 * The text, if it can be stored; nothing is called what cannot.
 * @throws BadInputError when it cannot
 */
export function storable(text: string, field: string): string {
  if (!isStorable(text)) throw new BadInputError(`\`${field}\` holds a character that no text can hold.`, field);
  return text;
}

/**
 * A search as a pattern for `~`: the text begins with it, or a word of the text does, whatever the capitals. Null where there
 * is nothing to search for. Both cases of a letter are written out here, so that no server's locale decides which are the
 * same; whatever means something in a pattern stands for itself.
 * @throws BadInputError when it is too long, or no text
 */
export function wordPattern(search: string | null | undefined, field: string): string | null {
  const wanted = [...storable(search ?? "", field).trim()];
  if (wanted.length > LONGEST_SEARCH)
    throw new BadInputError(`\`${field}\` may have ${LONGEST_SEARCH} characters at most.`, field);
  return wanted.length === 0 ? null : `${WORD_BEGINS}${wanted.map(inEitherCase).join("")}`;
}

// At the start, or behind an ASCII character that is neither letter nor digit, or one of Unicode's spaces, dashes and quotes:
// `de la`, `ada@north`, `O'Neill`, `client-01`.
const WORD_BEGINS = String.raw`(^|[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a0\u1680\u2000-\u206f\u3000\ufeff])`;

function inEitherCase(letter: string): string {
  const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()];
  // Of some letters there are three: both small sigmas have one capital.
  const forms = new Set([letter, lower, upper, upper.toLowerCase(), lower.toUpperCase()]);
  const single = [...forms].filter((form) => [...form].length === 1);
  if (single.length > 1) return `[${single.join("")}]`;
  return /[a-z0-9\u{80}-\u{10ffff}]/iu.test(letter) ? letter : `\\${letter}`;
}
