import { sql } from "drizzle-orm";
import {
  type AnyPgColumnBuilder,
  type PgBuildExtraConfigColumns,
  type PgTableExtraConfigValue,
  pgPolicy,
  primaryKey,
  snakeCase,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";
import type { TenantId } from "../ids.js";

/** The one wall: a row exists for a session that has named its tenant, and for no other. Nothing named, nothing seen. */
const OF_THIS_TENANT = sql`tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid`;

const own = { tenantId: uuid().$type<TenantId>().notNull() };

type Columns = Record<string, AnyPgColumnBuilder>;
type Extra<C extends Columns> = PgBuildExtraConfigColumns<typeof own & C>;

/**
 * A table that every tenant has, found through the session's `search_path`. It comes with `tenant_id`, row security, and the
 * primary key `(tenant_id, id)`, or `(tenant_id, <key>)`, or for `key: null`, where a tenant has one row, `(tenant_id)`.
 */
export function tenantTable<Name extends string, C extends Columns>(
  name: Name,
  columns: C,
  rules: (table: Extra<C>) => PgTableExtraConfigValue[] = () => [],
  key: (keyof C & string) | null = "id",
) {
  return snakeCase.table.withRLS(name, { ...own, ...columns }, (table) => {
    const column = table as unknown as Extra<C>;
    return [
      primaryKey({
        name: `${name}_pkey`,
        columns: (key === null ? [column.tenantId] : [column.tenantId, column[key]]) as never,
      }),
      pgPolicy(`${name}_of_this_tenant`, {
        as: "permissive",
        for: "all",
        using: OF_THIS_TENANT,
        withCheck: OF_THIS_TENANT,
      }),
      ...rules(column),
    ];
  });
}

/** An instant to the millisecond, so that a cursor made of it finds its place again. */
export const instant = () => timestamp({ withTimezone: true, precision: 3, mode: "date" });
