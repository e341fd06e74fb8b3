import type { Lease } from "../../database/lease.js";
import { readTables } from "../homeTables.js";
import type { Tenant } from "./record.js";

/** How many rows a tenant has in each table of its home, and the bytes of its tables on disk: those of a shared home are all tenants'. */
export async function describeHome(place: Lease, { id, schemaName }: Tenant) {
  const tables = await readTables(place, schemaName);
  const parts = tables.map(
    ({ name }) =>
      `select '${name}' as name, (select count(*) from "${schemaName}"."${name}" where tenant_id = $1) as rows,
         pg_total_relation_size('"${schemaName}"."${name}"') as bytes`,
  );
  const sizes = await place.run(parts.join(" union all "), [id]);
  return {
    rows: Object.fromEntries(sizes.map(({ name, rows }) => [String(name), Number(rows)])),
    bytes: sizes.reduce((sum, { bytes }) => sum + Number(bytes), 0),
  };
}
