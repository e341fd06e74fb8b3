import type { Logger } from "pino";
import { type Catalogue, productOf } from "../../access/catalogue.js";
import { changesOf, type ProductChange, takesAway } from "../../access/productChange.js";
import type { Leases } from "../../database/leases.js";
import { appliedProduct } from "../../tenancy/directory/product.js";
import { RefusedError } from "../explain.js";

/**
 * Lets a gateway serve with a product's file: nobody loses a right by a mere restart. What the file adds, or words anew,
 * counts at once, with a word in the log.
 * @throws RefusedError when it takes away what is applied
 * @throws NotMigratedError
 */
export async function checkProduct(door: Leases, catalogue: Catalogue, log: Logger): Promise<void> {
  const lease = await door.acquire("");
  let changes: ProductChange[];
  try {
    changes = changesOf(await appliedProduct(lease), productOf(catalogue));
  } finally {
    lease.release();
  }
  const less = changes.filter(takesAway).map(whatGoes);
  if (less.length > 0)
    throw new RefusedError(
      `The product's file takes away what is applied: ${less.join("; ")}. \`tenantry product plan\` shows whose it is, and \`tenantry product apply\` does it.`,
    );
  const more = changes.map(({ kind, key, what, gained }) => ({ kind, key, what, gained }));
  if (more.length > 0)
    log.warn({ changes: more }, "the product's file says more than is applied; `tenantry product apply` notes it");
}

const whatGoes = ({ kind, key, what, lost }: ProductChange): string => {
  if (kind === "PERMISSION") return `the permission ${key}`;
  return what === "REMOVED" ? `the role template ${key}` : `${lost.join(", ")} of the role template ${key}`;
};
