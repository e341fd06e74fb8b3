import { loadKey } from "../../src/identity/key.js";
import { FOLDER, type TestDatabase } from "./database.js";

/** The settings by which a command of the owner's reaches a test file's databases: `main`, and those that are named. */
export async function owningSettings(database: TestDatabase, ...names: string[]): Promise<Record<string, string>> {
  const some = (of: (name: string) => string) =>
    JSON.stringify(Object.fromEntries(names.map((name) => [name, of(name)])));
  return {
    DATABASE_URL: database.databases.main!,
    DATABASE_DOOR_URL: database.url("tenantry_door"),
    DATABASE_OWNER_URL: database.url("tenantry_owner"),
    TENANTRY_DATABASES: some((name) => database.databases[name]!),
    TENANTRY_DATABASE_OWNERS: some((name) => database.owning.databases[name]!.url),
    TENANTRY_KEY: (await loadKey({ dataDir: FOLDER })).toString("base64url"),
    TENANTRY_DATA_DIR: FOLDER,
    TENANTRY_DEVELOPMENT: "on",
  };
}
