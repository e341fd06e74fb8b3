import type { Lease } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { openRecord } from "../create.js";
import type { Owners } from "../owners.js";
import { eraseTenant } from "../tenants/erase.js";
import {
  findHomeRow,
  findTenant,
  hasSchema,
  listTenants,
  type Tenant,
  TenantBusyError,
  whileHolding,
} from "../tenants/record.js";
import type { Check, Problem } from "./problem.js";

/** Tenants whose making or erasing was interrupted, that have no home, or whose home and record disagree. */
export const tenantsCheck: Check = {
  name: "tenants",
  async look(owners, databases, onDone) {
    const main = await owners.main;
    const problems: Problem[] = [];
    const tenants = await listTenants(main);
    problems.push(...unnamed(owners, tenants));
    for (const [at, { id, database }] of tenants.entries()) {
      onDone(at, tenants.length);
      if (!databases.includes(database)) continue;
      problems.push(...(await judgeAlone(owners, main, id, databases)));
    }
    return problems;
  },
};

/** Databases in which tenants live, and that the settings do not name: nobody serves those, or looks at them. */
function unnamed(owners: Owners, tenants: readonly Tenant[]): Problem[] {
  const there = new Map<string, string[]>();
  for (const { slug, database } of tenants)
    if (!owners.databases.includes(database)) there.set(database, [...(there.get(database) ?? []), slug]);
  return [...there].map(([database, slugs]) => ({
    what: `${namesOf(slugs)} in the database ${database}, which the settings do not name, and nobody could look at.`,
    mend: "Name it in TENANTRY_DATABASES, and its owner in TENANTRY_DATABASE_OWNERS.",
  }));
}

const namesOf = ([first, ...others]: readonly string[]): string =>
  others.length === 0 ? `The tenant ${first} lives` : `The tenant ${first} and ${others.length} more live`;

/** Whoever makes, changes, moves or erases it at this moment knows better what becomes of it: then nothing is the matter. */
async function judgeAlone(owners: Owners, main: Lease, id: TenantId, databases: readonly string[]): Promise<Problem[]> {
  try {
    return await whileHolding(main, id, async () => {
      const tenant = await findTenant(main, id);
      return tenant && databases.includes(tenant.database) ? await judge(owners, main, tenant) : [];
    });
  } catch (error) {
    if (error instanceof TenantBusyError) return [];
    throw error;
  }
}

async function judge(owners: Owners, main: Lease, tenant: Tenant): Promise<Problem[]> {
  const { id, slug, status } = tenant;
  const readHome = async () => findHomeRow(await owners.of(tenant.database), tenant);
  // What was interrupted when it was seen may have been finished since, and be in use.
  const ifAsSeen = (fix: () => Promise<void>, home?: HomeRow | null) => () =>
    whileHolding(main, id, async () => {
      const isSame = isAlike(tenant, await findTenant(main, id));
      if (!isSame || (home !== undefined && !isAlike(home, await readHome())))
        throw new Error("Somebody has changed it meanwhile, so it was left as it is. Run `tenantry doctor` again.");
      await fix();
    });
  const erase = async () => {
    const { found } = await eraseTenant(owners, tenant);
    if (found.length > 0) throw new Error(`Something of ${slug} is left: ${found.join(", ")}.`);
  };
  if (status === "ERASING")
    return [
      {
        what: `The erasing of ${slug} was interrupted.`,
        mend: "`tenantry doctor --fix` finishes it.",
        fix: ifAsSeen(erase),
      },
    ];
  const home = await readHome();
  if (status === "CREATING") {
    return home
      ? [
          {
            what: `The making of ${slug} was interrupted when all of it was there.`,
            mend: "`tenantry doctor --fix` opens it.",
            fix: ifAsSeen(() => openRecord(main, id, home.status === "SUSPENDED" ? "SUSPENDED" : "ACTIVE"), home),
          },
        ]
      : [
          {
            what: `The making of ${slug} was interrupted.`,
            mend: "`tenantry doctor --fix` removes what there is of it.",
            fix: ifAsSeen(erase, null),
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
      fix: ifAsSeen(async () => {
        await main.run("update tenantry.tenants set status = $2, epoch = $3 where id = $1", [
          id,
          home.status,
          home.epoch,
        ]);
      }, home),
    },
  ];
}

type HomeRow = NonNullable<Awaited<ReturnType<typeof findHomeRow>>>;
type Stand = Pick<Tenant, "epoch"> & { readonly status: string };

const isAlike = (one: Stand | null, other: Stand | null): boolean =>
  one?.status === other?.status && one?.epoch === other?.epoch;

/** Homes that no tenant lives in or moves to, and schemas that look like a home and that the directory does not know. */
export const homesCheck: Check = {
  name: "homes",
  async look(owners, databases, onDone) {
    const main = await owners.main;
    const homes = await main.run(
      `select h.database, h.schema_name, h.status, h.isolation,
         exists (select from tenantry.tenants t where t.database = h.database and t.schema_name = h.schema_name)
           or exists (select from tenantry.moves m where m.to_database = h.database and m.to_schema = h.schema_name)
           as is_lived_in
       from tenantry.homes h order by 1, 2`,
    );
    const problems: Problem[] = [];
    let looked = 0;
    for (const name of databases) {
      const place = await owners.of(name);
      const here = homes.filter(({ database }) => database === name);
      for (const { schema_name, status, isolation, is_lived_in } of here) {
        const schema = String(schema_name);
        onDone(looked++, homes.length);
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
      const strange = schemas
        .map((row) => String(row.name))
        .filter((schema) => !here.some(({ schema_name }) => schema_name === schema));
      for (const schema of await thoseUnknown(main, place, name, strange))
        problems.push({
          what: `The directory knows nothing of the home ${schema} in ${name}.`,
          mend: `Look what is in it; nobody can get there. Then: drop schema ${schema} cascade.`,
        });
    }
    return problems;
  },
};

/**
 * Those of these schemas that the directory still knows nothing of, and that are still there: a home is written down before it
 * can be seen, so one that was made since the directory was read is known by now. One that a move takes away is struck off first.
 */
async function thoseUnknown(
  main: Lease,
  place: Lease,
  database: string,
  schemas: readonly string[],
): Promise<string[]> {
  if (schemas.length === 0) return [];
  const known = await main.run(
    `select schema_name as name from tenantry.homes where database = $1
     union select from_schema from tenantry.moves where from_database = $1
     union select to_schema from tenantry.moves where to_database = $1`,
    [database],
  );
  const left: string[] = [];
  for (const schema of schemas)
    if (!known.some(({ name }) => name === schema) && (await hasSchema(place, schema))) left.push(schema);
  return left;
}
