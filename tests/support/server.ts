import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loginUrl, readLogins } from "../../src/database/embedded/logins.js";
import { withOwner } from "../../src/database/owner.js";
import { quote } from "../../src/tenancy/migrations/logins.js";
import { FOLDER } from "./database.js";

/** A PostgreSQL of somebody's own, as the settings see one: an empty database, and serving logins that are not made yet. */
export interface OwnServer {
  readonly serve: string;
  readonly door: string;
  /** The settings of the process that serves. */
  readonly serving: Record<string, string>;
  /** Those of the owner's commands. */
  readonly owning: Record<string, string>;
  /** A statement of the owner's, in the database. */
  owner(text: string, params?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Removes the database and its logins. */
  remove(): Promise<void>;
}

export async function ownServer(): Promise<OwnServer> {
  const suffix = randomBytes(5).toString("hex");
  const [name, serve, door] = [`own_${suffix}`, `serve_${suffix}`, `door_${suffix}`];
  const logins = await readLogins(FOLDER);
  const port = Number(process.env.TENANTRY_TEST_PORT);
  const ownerUrl = (database: string) => loginUrl(logins, "tenantry_owner", port, database);
  const admin = (text: string) => withOwner(ownerUrl("postgres"), (owner) => owner.run(text));
  await admin(`create database ${name}`);

  const folder = mkdtempSync(join(tmpdir(), "own-server-"));
  const serving = {
    PORT: "0",
    TENANTRY_DATA_DIR: folder,
    TENANTRY_DEVELOPMENT: "on",
    TENANTRY_KEY: randomBytes(32).toString("base64url"),
    DATABASE_URL: `postgres://${serve}:serve-it%27s@127.0.0.1:${port}/${name}`,
    DATABASE_DOOR_URL: `postgres://${door}:door@127.0.0.1:${port}/${name}`,
  };
  return {
    serve,
    door,
    serving,
    owning: { ...serving, DATABASE_OWNER_URL: ownerUrl(name) },
    owner: (text, params = []) => withOwner(ownerUrl(name), async (owner) => [...(await owner.run(text, params))]),
    async remove() {
      await admin(`drop database ${name} with (force)`);
      const roles = await withOwner(ownerUrl("postgres"), (owner) =>
        owner.run("select rolname from pg_roles where rolname like $1", [`%\\_${suffix}`]),
      );
      for (const { rolname } of roles) await admin(`drop role ${quote(String(rolname))}`);
      rmSync(folder, { recursive: true });
    },
  };
}
