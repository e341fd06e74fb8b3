import { z } from "zod";
import { shownText } from "../../graphql/form.js";

/** What the product keeps for its own addresses. Never told apart from a slug that is taken. */
const RESERVED = new Set(["admin", "api", "dev", "graphql", "health", "metrics", "tenantry", "www"]);

/** A path is stored with every organization and looked at with every rule. */
export const MOST_ABOVE = 16;

export const name = shownText("A name", 200);

export const slug = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9-]{0,62}$/,
    "A slug is made of lower-case letters, digits and hyphens, begins with a letter or digit, and has 63 at most.",
  );

export const isReserved = (value: string): boolean => RESERVED.has(value);
