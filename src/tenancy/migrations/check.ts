import { MAIN } from "../../database/names.js";
import type { Owners } from "../owners.js";
import { alone, inDirectory } from "./directory.js";
import { lookAtHomes, type Odd } from "./drift.js";
import { type Files, ownFiles } from "./files.js";
import { type Behind, tenantsIn } from "./summary.js";

/** Every home, and whether it is yet to be made. */
const HOMES = `
select h.database, h.schema_name, h.version is null and (exists (
    select from tenantry.tenants t where (t.database, t.schema_name) = (h.database, h.schema_name)
      and t.status = 'CREATING')
  or exists (
    select from tenantry.moves m where (m.to_database, m.to_schema) = (h.database, h.schema_name))) as is_coming
from tenantry.homes h order by h.database, h.created_at, h.schema_name`;

/** What a look at everything found. */
export interface Checked {
  readonly homes: number;
  /** Migrations that the directory lacks. */
  readonly directory: readonly string[];
  readonly behind: readonly Behind[];
  readonly drifted: readonly Behind[];
  /** How many homes are just being made: for tenants that are, and for those that move. */
  readonly unmade: number;
}

/**
 * Looks at every home of every database, whatever the directory remembers of it, and changes nothing. Homes are compared with
 * one that is made anew, so that whatever somebody changed by hand is named.
 */
export async function checkFleet(
  owners: Owners,
  files: Files = ownFiles(),
  onHome: (done: number, of: number) => void = () => {},
): Promise<Checked> {
  const main = await owners.main;
  return alone(main, undefined, async () => {
    const [directory, homes, tenants] = await inDirectory(owners, main, files, async (applied) => {
      const all = await main.run(HOMES);
      const names = all.map((home) => String(home.schema_name));
      return [applied, all, await tenantsIn(main, names)] as const;
    });
    const [behind, drifted]: [Behind[], Behind[]] = [[], []];
    let [unmade, done] = [0, 0];
    onHome(0, homes.length);
    for (const database of new Set(homes.map((home) => String(home.database)))) {
      const own = homes.filter((home) => home.database === database);
      const schemas = own.map((home) => String(home.schema_name));
      const looked = await look(owners, database, schemas, files, (more) => {
        done += more;
        onHome(done, homes.length);
      });
      const told = (odd: Odd): Behind => ({ database, tenants: tenants(database, odd.schema), ...odd });
      const isComing = ({ schema, version }: Odd) =>
        version === null && own.some((home) => home.schema_name === schema && home.is_coming);
      unmade += looked.behind.filter(isComing).length;
      behind.push(...looked.behind.filter((odd) => !isComing(odd)).map(told));
      drifted.push(...looked.drifted.map(told));
    }
    return { homes: homes.length, directory: directory.map(({ migration }) => migration), behind, drifted, unmade };
  });
}

async function look(
  owners: Owners,
  database: string,
  schemas: readonly string[],
  files: Files,
  onLooked: (homes: number) => void,
) {
  try {
    const owner = await owners.of(database);
    const logins = database === MAIN ? owners.logins(MAIN) : [];
    return await lookAtHomes(owner, schemas, files.tenant, owners.names(database), false, logins, onLooked);
  } catch (error) {
    // The directory's own database cannot be passed over.
    if (database === MAIN) throw error;
    const why = `It could not be looked at. ${(error as Error).message}`;
    return { behind: schemas.map((schema) => ({ schema, version: null, why })), drifted: [] };
  }
}
