import type { Lease } from "../../database/lease.js";
import type { Brought } from "./fleet.js";

export interface Applied {
  readonly schema: string;
  readonly migration: string;
}

/** A home that is not where it shall be. */
export interface Behind {
  readonly database: string;
  readonly schema: string;
  /** Slugs of the tenants that live there; none in a home that waits for one. */
  readonly tenants: readonly string[];
  /** The last migration that is known to have run in it. */
  readonly version: string | null;
  readonly why: string;
}

/** What a run did. */
export interface Migrated {
  /** How many homes there are. */
  readonly homes: number;
  /** Every migration that ran, by where it ran. */
  readonly applied: readonly Applied[];
  readonly behind: readonly Behind[];
  /** How many homes belong to tenants that are just being made. */
  readonly unmade: number;
}

/** What became of every home, and of the directory before them. */
export async function summaryOf(
  main: Lease,
  homes: number,
  applied: readonly Applied[],
  brought: readonly Brought[],
): Promise<Migrated> {
  const failed = brought.flatMap(({ home, why }) => (why === null ? [] : { home, why }));
  const tenants = await tenantsIn(
    main,
    failed.map(({ home }) => home.schemaName),
  );
  return {
    homes,
    applied: [
      ...applied,
      ...brought.flatMap(({ home, applied: ran }) => ran.map((migration) => ({ schema: home.schemaName, migration }))),
    ],
    behind: failed.map(({ home, why }) => ({
      database: home.database,
      schema: home.schemaName,
      tenants: tenants(home.database, home.schemaName),
      version: home.version,
      why,
    })),
    unmade: brought.filter(({ isMade }) => !isMade).length,
  };
}

/** Looks up who lives in homes of these names: by database and schema, slugs in order. */
export async function tenantsIn(
  main: Lease,
  schemas: readonly string[],
): Promise<(database: string, schema: string) => string[]> {
  // Of none nobody need ask, not even where there is no directory yet.
  if (schemas.length === 0) return () => [];
  const rows = await main.run(
    `select slug, database, schema_name from tenantry.tenants where schema_name = any (string_to_array($1, ','))
     order by slug collate "C"`,
    [schemas.join()],
  );
  const slugs = new Map<string, string[]>();
  for (const row of rows) {
    const home = `${row.database} ${row.schema_name}`;
    const there = slugs.get(home);
    if (there) there.push(String(row.slug));
    else slugs.set(home, [String(row.slug)]);
  }
  return (database, schema) => slugs.get(`${database} ${schema}`) ?? [];
}
