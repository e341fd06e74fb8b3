import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { type Catalogue, createCatalogue, PERMISSION_PATTERN, ROLE_KEY_PATTERN } from "./access/catalogue.js";

const text = z.string().min(1).max(500);
const file = z.strictObject({
  permissions: z
    .array(z.strictObject({ key: z.string().regex(PERMISSION_PATTERN, "must read noun:verb"), description: text }))
    .default([]),
  roles: z
    .array(
      z.strictObject({
        key: z.string().regex(ROLE_KEY_PATTERN, "must be lower-case letters, digits and hyphens"),
        name: text,
        description: text,
        permissions: z.array(z.string()).min(1),
      }),
    )
    .default([]),
});

/** Where the product's own permissions and role templates stand, in a checkout or an installation. */
export const PRODUCT_FILE = fileURLToPath(new URL("../tenantry.product.json", import.meta.url));

/**
 * The catalogue that a product file makes together with what is built in.
 * @throws Error that names the file and every entry that is wrong
 */
export function readProduct(path: string): Catalogue {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read as JSON: ${(error as Error).message}.`);
  }
  const { success, data, error } = file.safeParse(json);
  if (!success) {
    const entries = error.issues.map((issue) => `${issue.path.join(".") || "the file"} ${issue.message}`);
    throw new Error(`${path}: ${entries.join("; ")}.`);
  }
  try {
    return createCatalogue(data);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}
