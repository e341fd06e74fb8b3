import { z } from "zod";

/** What the product keeps for its own addresses. Never told apart from a slug that is taken. */
const RESERVED = new Set(["admin", "api", "dev", "graphql", "health", "metrics", "tenantry", "www"]);

const MOST_METADATA_BYTES = 8192;

// PostgreSQL stores no NUL, and half of a surrogate pair is no text.
const storable = (value: string) => !value.includes("\0") && value.isWellFormed();

const text = (label: string, most: number) =>
  z
    .string()
    .refine((value) => [...value].length <= most, `${label} may have ${most} characters at most.`)
    .refine(storable, `${label} holds a character that no text can hold.`);

export const name = text("A name", 200).refine(
  (value) => value.trim().length > 0,
  "A name needs at least one character that shows.",
);

export const slug = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    "A slug is made of lower-case letters, digits and hyphens, begins with a letter or digit, and has 63 at most.",
  );

export const externalId = text("An external id", 200)
  .refine((value) => value.length > 0, "An external id needs at least one character. Leave it out for none.")
  .nullish()
  .transform((value) => value ?? null);

export const imageUrl = z
  .string()
  .nullish()
  .transform((value) => value ?? null);

export const metadata = z
  .unknown()
  .optional()
  .transform((value) => value ?? {})
  .refine((value) => typeof value === "object" && !Array.isArray(value), "Metadata is an object: { … }.")
  .refine(
    (value) => Buffer.byteLength(JSON.stringify(value)) <= MOST_METADATA_BYTES,
    "Metadata may take 8 kB at most, written as JSON.",
  )
  // JSON can spell what PostgreSQL's jsonb cannot store.
  .refine(
    (value) => !/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/i.test(JSON.stringify(value)),
    "Metadata holds a character that no text can hold.",
  )
  .transform((value) => value as Record<string, unknown>);

export const isReserved = (value: string): boolean => RESERVED.has(value);
