import { createHash, randomBytes } from "node:crypto";
import type { TestDatabase } from "./database.js";
import { inHome, type Sql } from "./home.js";

/** Texts that stand in a tenant's rows and nowhere else: `<tenant>:<table>.<column>:<row>:<mac>`. */
export interface Canaries {
  /** Those in a text, by the tenant they belong to; what only looks like one is none. */
  in(text: string): Canary[];
}

export interface Canary {
  readonly text: string;
  readonly tenant: string;
  readonly table: string;
  readonly column: string;
  /** The last part of the row's primary key. */
  readonly row: string;
}

const SHAPE = /\b([a-z]+):([a-z_]+)\.([a-z_]+):(\w[\w.-]*):([0-9a-f]{16})/g;

/**
 * Writes a canary into every text of every row of every tenant: all columns of text and JSON but those whose values mean
 * something to the tables, which are those that a CHECK looks at or that PostgreSQL computes.
 */
export async function plantCanaries(database: TestDatabase): Promise<Canaries> {
  const key = randomBytes(16).toString("hex");
  const tenants = await database.owner("select slug from tenantry.tenants order by slug");
  for (const { slug } of tenants) await inHome({ database }, String(slug), (sql) => plantIn(sql, String(slug), key));
  const isMade = (name: string, mac: string) =>
    createHash("sha256").update(key).update(name).digest("hex").slice(0, 16) === mac;
  return {
    in: (answer) =>
      [...answer.matchAll(SHAPE)]
        .map(([text, tenant, table, column, row]) => ({ text, tenant, table, column, row }) as Canary)
        .filter(({ text }) => isMade(text.slice(0, -17), text.slice(-16))),
  };
}

async function plantIn(sql: Sql, tenant: string, key: string): Promise<void> {
  const columns = await sql(`
    select c.relname as table, a.attname as column, a.atttypid = 'jsonb'::regtype as json, i.attname as row
    from pg_namespace n
      join pg_class c on c.relnamespace = n.oid and c.relkind = 'r' and c.relname <> 'migrations'
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and a.attgenerated = ''
        and a.atttypid in ('text'::regtype, 'jsonb'::regtype)
      join pg_index k on k.indrelid = c.oid and k.indisprimary
      join pg_attribute i on i.attrelid = c.oid and i.attnum = k.indkey[k.indnatts - 1]
    where n.nspname = current_schema
      and not exists (select from pg_constraint x where x.conrelid = c.oid and x.contype = 'c' and a.attnum = any(x.conkey))
    order by 1, a.attnum`);
  for (const { table, column, json, row } of columns) {
    const name = `'${tenant}:${table}.${column}:' || "${row}"`;
    const mac = `left(encode(sha256(convert_to('${key}' || ${name}, 'UTF8')), 'hex'), 16)`;
    const canary = `${name} || ':' || ${mac}`;
    await sql(`update ${table} set "${column}" = ${json ? `jsonb_build_object('canary', ${canary})` : canary}`);
  }
}
