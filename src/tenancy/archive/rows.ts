import { createHash } from "node:crypto";
import type { Result } from "../../database/lease.js";
import type { TenantId } from "../../ids.js";
import { orderOf, type Table } from "../homeTables.js";
import type { FileFacts } from "./manifest.js";

const AT_ONCE = 500;

/** Runs a statement in a transaction, with a home's tables before it. */
export type Run = (text: string, params?: readonly unknown[]) => Promise<Result>;

/** Has every value come as the same text, wherever it is read. For the length of the transaction. */
export async function settleTexts(run: Run): Promise<void> {
  await run(
    `select set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO, MDY', true),
       set_config('IntervalStyle', 'postgres', true), set_config('bytea_output', 'hex', true),
       set_config('extra_float_digits', '1', true)`,
  );
}

/** How many rows and bytes the lines of a table will be. */
export async function measure(run: Run, id: TenantId, { name }: Table): Promise<{ rows: number; bytes: number }> {
  const [row] = await run(
    `select count(*) as rows, coalesce(sum(octet_length(convert_to(row_to_json(t)::text, 'UTF8')) + 1), 0) as bytes
     from "${name}" t where tenant_id = $1`,
    [id],
  );
  return { rows: Number(row!.rows), bytes: Number(row!.bytes) };
}

/** A tenant's rows of a table, a line of JSON each, some at a time. */
export async function* linesOf(run: Run, id: TenantId, table: Table): AsyncGenerator<string[]> {
  await run(
    `declare archived no scroll cursor for select row_to_json(t)::text as line from "${table.name}" t
     where tenant_id = $1 order by ${orderOf(table)}`,
    [id],
  );
  for (;;) {
    const rows = await run(`fetch ${AT_ONCE} from archived`);
    if (rows.length > 0) yield rows.map(({ line }) => `${line}\n`);
    if (rows.length < AT_ONCE) break;
  }
  await run("close archived");
}

/** What the lines of a table come to. */
export async function factsOf(lines: AsyncIterable<readonly string[]>): Promise<FileFacts> {
  const hash = createHash("sha256");
  let [rows, bytes] = [0, 0];
  for await (const some of lines) {
    const text = some.join("");
    hash.update(text);
    rows += some.length;
    bytes += Buffer.byteLength(text);
  }
  return { rows, bytes, sha256: hash.digest("hex") };
}
