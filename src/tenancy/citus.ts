import { isUuid, type TenantId } from "../ids.js";
import { SCHEMA_NAME } from "./directory/directory.js";
import type { Isolation } from "./directory/table.js";

/**
 * What enters a tenant's home on Citus, in the transaction that has begun. `set_config` stays where it is called; SET LOCAL is
 * passed on to the servers on which the rows are, once Citus is told to. It takes no parameters, so both names are checked
 * here, where they are written into the text.
 */
export function enteringOnCitus(schema: string, tenant: TenantId): readonly string[] {
  if (!SCHEMA_NAME.test(schema)) throw new TypeError("A home is called t_ and 32 hexadecimal digits.");
  if (!isUuid(tenant)) throw new TypeError("A tenant's id is a UUID.");
  return [
    "set local citus.propagate_set_commands = 'local'",
    `set local search_path = ${schema}, pg_temp`,
    `set local tenantry.tenant_id = '${tenant}'`,
  ];
}

/** The table whose rows say where the others of the same tenant are. */
const FIRST = "tenant";
/** As drizzle writes it; a test holds every migration to this form. */
const CREATE_TABLE = /^CREATE TABLE "(\w+)" \([^;]*?\n\);$/gm;

/**
 * The SQL of a home for Citus: in a shared one each table is spread over the servers by tenant, all rows of a tenant together
 * on one, before a foreign key joins it to others; any other home is on one server as a whole.
 */
export function ddlOnCitus(sql: string, isolation: Isolation): string {
  const isSpread = isolation === "SHARED";
  const lines = [
    // Tables that refer to each other are made in this transaction, and each change of one must see that of the other.
    "set local citus.multi_shard_modify_mode = 'sequential'",
    `set local citus.enable_schema_based_sharding = ${isSpread ? "off" : "on"}`,
    isSpread ? sql.replaceAll(CREATE_TABLE, (text, table: string) => `${text}\n${distribute(table)}`) : sql,
  ];
  return lines.join(";\n");
}

const distribute = (table: string) =>
  `select pg_catalog.create_distributed_table('${table}', 'tenant_id', colocate_with => '${table === FIRST ? "none" : FIRST}');`;
