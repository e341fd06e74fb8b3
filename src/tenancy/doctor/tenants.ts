import type { Lease } from "../../database/lease.js";
import { openRecord } from "../create.js";
import type { Owners } from "../owners.js";
import { eraseTenant } from "../tenants/erase.js";
import { findHomeRow, findTenant, hasSchema, listTenants, type Tenant, whileHolding } from "../tenants/record.js";
import type { Check, Problem } from "./problem.js";

/** Tenants whose making or erasing was interrupted, that have no home, or whose home and record disagree. */
export const tenantsCheck: Check = {
  name: "tenants",
  async look(owners, databases) {
    const main = await owners.main;
    const problems: Problem[] = [];
    for (const seen of await listTenants(main)) {
      if (!databases.includes(seen.database)) continue;
      if (await isAtWork(main, seen)) continue;
      // As it is now, when nobody is at it.
      const tenant = await findTenant(main, seen.id);
      if (tenant) problems.push(...(await judge(owners, main, tenant)));
    }
    return problems;
  },
};

async function judge(owners: Owners, main: Lease, tenant: Tenant): Promise<Problem[]> {
  const { id, slug, status } = tenant;
  const erase = async () => {
    const { found } = await eraseTenant(owners, tenant);
    if (found.length > 0) throw new Error(`Something of ${slug} is left: ${found.join(", ")}.`);
  };
  if (status === "ERASING")
    return [
      { what: `The erasing of ${slug} was interrupted.`, mend: "`tenantry doctor --fix` finishes it.", fix: erase },
    ];
  const home = await findHomeRow(await owners.of(tenant.database), tenant);
  if (status === "CREATING") {
    return home
      ? [
          {
            what: `The making of ${slug} was interrupted when all of it was there.`,
            mend: "`tenantry doctor --fix` opens it.",
            fix: () =>
              whileHolding(main, id, () => openRecord(main, id, home.status === "SUSPENDED" ? "SUSPENDED" : "ACTIVE")),
          },
        ]
      : [
          {
            what: `The making of ${slug} was interrupted.`,
            mend: "`tenantry doctor --fix` removes what there is of it.",
            fix: erase,
          },
        ];
  }
  if (!home)
    return [
      {
        what: `The tenant ${slug} is not in its home, ${tenant.schemaName} in ${tenant.database}.`,
        mend: `Restore that database from a backup, or give the tenant up with \`tenantry tenant erase ${slug}\`.`,
      },
    ];
  if (home.status === "FENCED")
    return [
      {
        what: `The home of ${slug} is closed to changes, and nobody is moving it.`,
        mend: "A move was interrupted: run `tenantry tenant move` again.",
      },
    ];
  if (home.epoch === tenant.epoch && home.status === status) return [];
  return [
    {
      what: `The directory says that ${slug} is ${status} at epoch ${tenant.epoch}, and its home ${home.status} at epoch ${home.epoch}.`,
      mend: "The home decides: `tenantry doctor --fix` has the directory say the same.",
      fix: () =>
        whileHolding(main, id, async () => {
          await main.run("update tenantry.tenants set status = $2, epoch = $3 where id = $1", [
            id,
            home.status,
            home.epoch,
          ]);
        }),
    },
  ];
}

/** Whether somebody makes, changes, moves or erases it at this moment. */
async function isAtWork(main: Lease, { id }: Tenant): Promise<boolean> {
  return whileHolding(main, id, async () => false).catch(() => true);
}

/** Homes that no tenant lives in or moves to, and schemas that look like a home and that the directory does not know. */
export const homesCheck: Check = {
  name: "homes",
  async look(owners, databases) {
    const main = await owners.main;
    const homes = await main.run(
      `select h.database, h.schema_name, h.status, h.isolation,
         exists (select from tenantry.tenants t where t.database = h.database and t.schema_name = h.schema_name)
           or exists (select from tenantry.moves m where m.to_database = h.database and m.to_schema = h.schema_name)
           as is_lived_in
       from tenantry.homes h order by 1, 2`,
    );
    const problems: Problem[] = [];
    for (const name of databases) {
      const place = await owners.of(name);
      const here = homes.filter(({ database }) => database === name);
      for (const { schema_name, status, isolation, is_lived_in } of here) {
        const schema = String(schema_name);
        const isThere = await hasSchema(place, schema);
        if (isolation === "SHARED" || is_lived_in || status === "LEFT" || (status === "READY" && isThere)) continue;
        problems.push({
          what: `No tenant lives in ${schema} in ${name}, which the directory has as ${isThere ? "in use" : `${status}, and which is not there`}.`,
          mend: isThere
            ? `Look what is in it. Then: drop schema ${schema} cascade, and \`tenantry doctor --fix\`.`
            : "`tenantry doctor --fix` forgets it.",
          ...(!isThere && {
            fix: async () => {
              await main.run("delete from tenantry.homes where database = $1 and schema_name = $2", [name, schema]);
            },
          }),
        });
      }
      const schemas = await place.run(
        "select nspname as name from pg_catalog.pg_namespace where nspname ~ '^t_[0-9a-f]{32}$' order by 1",
      );
      for (const { name: schema } of schemas) {
        if (here.some(({ schema_name }) => schema_name === schema)) continue;
        problems.push({
          what: `The directory knows nothing of the home ${schema} in ${name}.`,
          mend: `Look what is in it; nobody can get there. Then: drop schema ${schema} cascade.`,
        });
      }
    }
    return problems;
  },
};
