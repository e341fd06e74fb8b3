// By its own path: the whole of drizzle would cost each command a tenth of a second.
import { parsePgArray } from "drizzle-orm/pg-core/array";

/** What is quoted in the text of an array, or means something in it. */
const SPECIAL = /["\\]|.\{/;

/**
 * The elements of an array of texts or uuids, from its text; of none of ours is one null. Most hold nothing that had to be quoted:
 * those need no parser.
 */
export function parseArray(text: string): string[] {
  if (SPECIAL.test(text)) return parsePgArray(text) as string[];
  return text === "{}" ? [] : text.slice(1, -1).split(",");
}
