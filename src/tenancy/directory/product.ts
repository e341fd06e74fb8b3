import type { Product } from "../../access/catalogue.js";
import { sqlState } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import { alone } from "../migrations/directory.js";
import { inTransaction } from "../migrations/transaction.js";

/** The database is not at the version of this program. */
export class NotMigratedError extends Error {
  override readonly name = "NotMigratedError";
}

const TABLE_IS_MISSING = "42P01";
const MAY_NOT_READ = "42501";

/**
 * The product's own permissions and role templates, as they were last applied; nothing where none ever was.
 * @throws NotMigratedError
 */
export async function appliedProduct(lease: Lease): Promise<Product> {
  const rows = await lease.run("select kind, key, content from tenantry.product order by kind, key").catch((error) => {
    if (![TABLE_IS_MISSING, MAY_NOT_READ].includes(sqlState(error) ?? "")) throw error;
    throw new NotMigratedError("The database is at an older version. Run `tenantry migrate` first.", { cause: error });
  });
  const of = <T>(kind: string) =>
    rows.filter((row) => row.kind === kind).map(({ key, content }) => ({ key, ...(content as object) }) as T);
  return { permissions: of("PERMISSION"), roles: of("ROLE") };
}

/** Notes what is applied from now on, in the caller's transaction. What stays as it was keeps the instant of its application. */
export async function noteProduct(owner: Lease, { permissions, roles }: Product): Promise<void> {
  const entry =
    (kind: string) =>
    ({ key, ...content }: { readonly key: string }) => ({ kind, key, content });
  const entries = JSON.stringify([...permissions.map(entry("PERMISSION")), ...roles.map(entry("ROLE"))]);
  const listed = "jsonb_to_recordset($1::text::jsonb) as e(kind text, key text, content jsonb)";
  await owner.run(
    `delete from tenantry.product p where not exists (select from ${listed} where e.kind = p.kind and e.key = p.key)`,
    [entries],
  );
  await owner.run(
    `insert into tenantry.product as p (kind, key, content, applied_at)
     select e.kind, e.key, e.content, clock_timestamp() from ${listed}
     on conflict (kind, key) do update set content = excluded.content, applied_at = excluded.applied_at
       where p.content <> excluded.content`,
    [entries],
  );
}

/** Keeps the directory as it is until the transaction ends: a tenant that is being made waits for it, gateways do not. */
export const holdTenants = async (owner: Lease): Promise<void> =>
  void (await owner.run("lock table tenantry.tenants in share mode"));

/**
 * Takes a product's file for applied where nobody can lose by it: in a database without tenants, and in one where nothing
 * was ever applied, to which it is the beginning.
 */
export const adoptProduct = (owner: Lease, product: Product): Promise<void> =>
  alone(owner, undefined, () =>
    inTransaction(owner, async () => {
      await holdTenants(owner);
      const [row] = await owner.run(
        "select not exists (select from tenantry.tenants) or not exists (select from tenantry.product) as may",
      );
      if (row?.may) await noteProduct(owner, product);
    }),
  );
