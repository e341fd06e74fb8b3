import { z } from "zod";
import { shows } from "../identity/shows.js";
import { isStorable } from "./text.js";

// Pieces of the forms that inputs are checked by. What they refuse becomes an InvalidInputFailure with the field's path.

const MOST_METADATA_BYTES = 8192;

/** A text of at most so many characters, kept as it was sent. `label` begins its messages: "A name". */
export const text = (label: string, most: number) =>
  z
    .string()
    .refine((value) => [...value].length <= most, `${label} may have ${most} characters at most.`)
    .refine(isStorable, `${label} holds a character that no text can hold.`);

/** A text that people are called by, so that something of it must show. */
export const shownText = (label: string, most: number) =>
  text(label, most).refine(shows, `${label} needs at least one character that shows.`);

/** An id in the product's own system. */
export const externalId = text("An external id", 200).refine(
  (value) => value.length > 0,
  "An external id needs at least one character. Leave it out for none.",
);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whatever the product notes about something: a JSON object. Its size is checked when it is complete. */
export const metadata = z
  .custom<Record<string, unknown>>(isObject, "Metadata is an object: { … }.")
  // JSON can spell what PostgreSQL's jsonb cannot store.
  .refine(
    (value) => !/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i.test(JSON.stringify(value)),
    "Metadata holds a character that no text can hold.",
  );

/** Whether metadata is small enough to be kept. */
export const isMetadataTooLarge = (value: Record<string, unknown>): boolean =>
  Buffer.byteLength(JSON.stringify(value)) > MOST_METADATA_BYTES;

export const METADATA_TOO_LARGE = "Metadata may take 8 kB at most, written as JSON.";

/** What becomes of `target` by a merge patch (RFC 7396): null removes a key, objects are merged, anything else replaces. */
export function mergePatch(target: Record<string, unknown>, patch: Record<string, unknown>): Record<string, unknown> {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (isObject(value)) {
      const before = merged.get(key);
      merged.set(key, mergePatch(isObject(before) ? before : {}, value));
    } else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
