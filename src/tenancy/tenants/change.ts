import { refuseOn } from "../../database/errors.js";
import type { Lease } from "../../database/lease.js";
import { MAIN } from "../../database/names.js";
import { SlugTakenError } from "../create.js";
import { inTransaction } from "../migrations/transaction.js";
import type { Owners } from "../owners.js";
import { lockOf } from "../tenantLock.js";
import { findTenant, mustBeWhole, type Tenant, TenantRefusedError, whileHolding } from "./record.js";

/** Lets nobody into a tenant until it is resumed: from the next request on, in every process. Its data stays as it is. */
export const suspendTenant = (owners: Owners, tenant: Tenant): Promise<Tenant> =>
  changeTenant(owners, tenant, { status: "SUSPENDED" });

/** Lets people into a suspended tenant again. */
export const resumeTenant = (owners: Owners, tenant: Tenant): Promise<Tenant> =>
  changeTenant(owners, tenant, { status: "ACTIVE" });

/**
 * Gives a tenant another slug. The one before leads nowhere from the next request on, and stays this tenant's: it can be
 * taken back, and nobody else can have it.
 * @param note writes down what is done, in the transaction of the home; it is given the tenant as it was
 * @throws SlugTakenError it is, or was, another's
 */
export const renameTenant = (owners: Owners, tenant: Tenant, slug: string, note: Note): Promise<Tenant> =>
  changeTenant(owners, tenant, { slug }, note);

type Note = (place: Lease, before: Tenant) => Promise<void>;

/**
 * Changes the home row and the directory's record, and raises the epoch of both. Changes of the tenant's own that are under
 * way end first. In another database the home is committed before the directory: between the two nobody gets in, and
 * `doctor` makes the directory say what the home says.
 */
async function changeTenant(
  owners: Owners,
  { id, slug: called }: Tenant,
  to: { readonly status?: "ACTIVE" | "SUSPENDED"; readonly slug?: string },
  note: Note = async () => {},
): Promise<Tenant> {
  const main = await owners.main;
  await whileHolding(main, id, () =>
    inTransaction(main, async () => {
      await main.run("select from tenantry.tenants where id = $1 for update", [id]);
      const tenant = await findTenant(main, id);
      mustBeWhole(tenant, called);
      const { status = tenant.status, slug = tenant.slug } = to;
      if (status === tenant.status && slug === tenant.slug) return;

      const place = await owners.of(tenant.database);
      const inPlace = async () => {
        await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(id)]);
        const [row] = await place.run(
          `update "${tenant.schemaName}".tenant set epoch = greatest(epoch, $2::int) + 1, status = $3
           where tenant_id = $1 and status <> 'FENCED' returning epoch`,
          [id, tenant.epoch, status],
        );
        if (!row)
          throw new TenantRefusedError(
            `The home of ${called} is closed or not there. \`tenantry doctor\` says what to do.`,
          );
        await note(place, tenant);
        return Number(row.epoch);
      };
      await refuseOn(
        { slugs_pkey: () => new SlugTakenError(slug), tenants_slug_key: () => new SlugTakenError(slug) },
        takeSlug(),
      );
      const epoch = tenant.database === MAIN ? await inPlace() : await inTransaction(place, inPlace);
      await main.run("update tenantry.tenants set status = $2, epoch = $3 where id = $1", [id, status, epoch]);

      async function takeSlug() {
        await main.run("update tenantry.tenants set slug = $2 where id = $1", [id, slug]);
        const [own] = await main.run("select from tenantry.slugs where slug = $2 and tenant_id = $1", [id, slug]);
        if (!own) await main.run("insert into tenantry.slugs (slug, tenant_id) values ($2, $1)", [id, slug]);
      }
    }),
  );
  return (await findTenant(main, id))!;
}
