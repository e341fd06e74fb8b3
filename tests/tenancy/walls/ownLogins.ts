import { randomBytes } from "node:crypto";
import postgres from "postgres";
import { loginUrl, readLogins } from "../../../src/database/embedded/logins.js";
import type { Lease } from "../../../src/database/lease.js";
import { withOwner } from "../../../src/database/owner.js";
import { createHome } from "../../../src/tenancy/migrations/baseline.js";
import { migrate } from "../../../src/tenancy/migrations/migrate.js";
import { inTransaction } from "../../../src/tenancy/migrations/transaction.js";
import { ensureAllLogins, withOwners } from "../../../src/tenancy/owners.js";
import type { Kind } from "../../../src/tenancy/walls/reach.js";
import { FOLDER, owningOf } from "../../support/database.js";

/**
 * A migrated database with one home and with serving logins of its own, for logins belong to the whole server, and what is
 * done to them here must not reach the other tests.
 */
export async function databaseWithOwnLogins() {
  const name = `walls_${randomBytes(6).toString("hex")}`;
  const home = `t_${"a".repeat(32)}`;
  const logins = { door: `${name}_door`, serve: `${name}_serve` };
  const password = randomBytes(18).toString("base64url");
  const passwords = await readLogins(FOLDER);
  const urlOf = (database: string) =>
    new URL(loginUrl(passwords, "tenantry_owner", Number(process.env.TENANTRY_TEST_PORT), database));

  await withOwner(urlOf("postgres").href, (owner) => owner.run(`create database ${name}`));
  const owning = owningOf(urlOf(name).href, { name: logins.door, password }, { name: logins.serve, password });
  await withOwners(owning, async (owners) => {
    await ensureAllLogins(owners);
    await migrate(owners);
    const owner = await owners.main;
    await inTransaction(owner, () => createHome(owner, home, logins, "SCHEMA"));
  });

  const options = { max: 1, fetch_types: false, onnotice: () => {} };
  return {
    name,
    home,
    logins,
    owner: postgres(urlOf(name).href, options),
    /** A connection of the login's own, with the settings that it has now. */
    connect(kind: Kind, settings: Record<string, string> = {}): postgres.Sql {
      const url = urlOf(name);
      url.username = logins[kind];
      url.password = password;
      return postgres(url.href, { ...options, connection: settings });
    },
    /** Runs `work` on a connection of the owner's. */
    asOwner: <T>(work: (owner: Lease) => Promise<T>) => withOwner(urlOf(name).href, work),
    /** Changes another database of the server, the one that is always there. */
    changeElsewhere: (text: string) => withOwner(urlOf("postgres").href, (owner) => owner.run(text)),
    async drop() {
      await this.owner.end();
      await withOwner(urlOf("postgres").href, async (owner) => {
        await owner.run(`drop database ${name} with (force)`);
        for (const login of Object.values(logins)) await owner.run(`drop role ${login}`);
      });
    },
  };
}
