import type { Lease } from "../../database/lease.js";
import { type Table, tableIn } from "../homeTables.js";
import { quote } from "../migrations/logins.js";
import { inTransaction } from "../migrations/transaction.js";
import { tracing } from "../walls/moving.js";
import { type Route, tracesOf } from "./route.js";
import { withShortLocks } from "./worker.js";

const OF_THIS_TENANT = "tenant_id = nullif(current_setting('tenantry.tenant_id', true), '')::uuid";

/**
 * From its return on, every change of the tenant's rows leaves its key in the mover's table, in the transaction that makes
 * it. The serving login may add to that table and nothing else; other tenants of the home do not run the triggers.
 */
export async function layTraces(
  from: Lease,
  route: Route,
  tables: readonly Table[],
  { serve }: { readonly serve: string },
): Promise<void> {
  const { schemaName } = route.from;
  const name = tracesOf(route);
  const own = tableIn(schemaName, name);
  await inTransaction(from, async () => {
    await from.run(
      `create table ${own} (tenant_id uuid not null, id uuid not null default gen_random_uuid(), relation text not null,
         key jsonb not null, primary key (tenant_id, id))`,
    );
    await from.run(`alter table ${own} enable row level security`);
    await from.run(`create policy ${name} on ${own} using (${OF_THIS_TENANT}) with check (${OF_THIS_TENANT})`);
    await from.run(`grant insert on ${own} to ${quote(serve)}`);
    await from.run(
      `create function ${own}() returns trigger language plpgsql set search_path = '' as $body$${tracing(schemaName, name)}$body$`,
    );
    await from.run(`revoke all on function ${own}() from public`);
  });
  for (const table of tables) {
    const keys = table.key.map((column) => `'${column.name.replaceAll("'", "''")}'`).join(", ");
    const on = `on ${tableIn(schemaName, table.name)} for each row`;
    // One table at a time: the lock that a trigger needs waits for those who write, and holds up those who come after.
    await withShortLocks(from, async () => {
      await from.run(
        `create trigger ${name}_written after insert or update ${on} when (new.tenant_id = '${route.tenant}') execute function ${own}(${keys})`,
      );
      await from.run(
        `create trigger ${name}_deleted after delete ${on} when (old.tenant_id = '${route.tenant}') execute function ${own}(${keys})`,
      );
    });
  }
}

/** Takes away what was laid, or what there is of it; the home and all else in it stays. */
export async function removeTraces(from: Lease, route: Route): Promise<void> {
  const { schemaName } = route.from;
  const name = tracesOf(route);
  const laid = await from.run(
    `select g.tgname as trigger, c.relname as table from pg_catalog.pg_trigger g
     join pg_catalog.pg_class c on c.oid = g.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and g.tgname in ($2 || '_written', $2 || '_deleted')`,
    [schemaName, name],
  );
  for (const { trigger, table } of laid)
    await withShortLocks(from, () =>
      from.run(`drop trigger if exists ${quote(String(trigger))} on ${tableIn(schemaName, String(table))}`),
    );
  const [there] = await from.run("select from pg_catalog.pg_namespace where nspname = $1", [schemaName]);
  if (!there) return;
  await from.run(`drop function if exists ${tableIn(schemaName, name)}()`);
  await from.run(`drop table if exists ${tableIn(schemaName, name)}`);
}
