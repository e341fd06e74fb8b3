import { createHmac, randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { EmbeddedDatabaseError, reason } from "./failure.js";
import { dataFolder, statOrNull, syncFolder } from "./folder.js";

/** The owner, for migrations and commands; the two that serve, one per door. `migrate` makes the latter as roles. */
const LOGINS = ["tenantry_owner", "tenantry_serve", "tenantry_door"] as const;

export type Login = (typeof LOGINS)[number];

/** The password of each login. */
export type Logins = Readonly<Record<Login, string>>;

const fileOf = (root: string): string => join(root, "logins.json");

/**
 * The passwords of the data folder's logins.
 * @throws EmbeddedDatabaseError  there are none, or the file is damaged
 */
export async function readLogins(folder: string): Promise<Logins> {
  const file = fileOf(folder);
  try {
    const logins = JSON.parse(await readFile(file, "utf8")) as Partial<Logins>;
    if (LOGINS.every((login) => typeof logins[login] === "string")) return logins as Logins;
  } catch (error) {
    throw new EmbeddedDatabaseError(`The database passwords in ${file} cannot be read (${reason(error)}).`);
  }
  throw new EmbeddedDatabaseError(`The database passwords in ${file} are not complete.`);
}

/**
 * The passwords of the data folder's logins, made and stored (mode 0600, whole or not at all) the first time.
 * To be called by the holder of the folder's lock only.
 * @throws EmbeddedDatabaseError  there is a database already, whose passwords are lost
 */
export async function ensureLogins(root: string): Promise<Logins> {
  if (await statOrNull(fileOf(root))) return readLogins(root);
  if (await statOrNull(join(dataFolder(root), "PG_VERSION"))) {
    throw new EmbeddedDatabaseError(
      `${fileOf(root)} is missing and nobody can log in to the database without it: ` +
        `put it back, or remove ${dataFolder(root)} and all data with it.`,
    );
  }
  const made = LOGINS.map((login) => [login, randomBytes(24).toString("base64url")]);
  const draft = `${fileOf(root)}.new`;
  await rm(draft, { force: true });
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(Object.fromEntries(made), null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(draft, fileOf(root));
  await syncFolder(root);
  return readLogins(root);
}

/** A database that the embedded server has beside its first one, by its name in the settings; and the login that serves it. */
export const embeddedDatabase = (name: string) => ({ database: `tenantry_${name}`, login: `tenantry_serve_${name}` });

/** The URL by which the login that serves a further database reaches it. Its password follows from the owner's, and not back. */
export function servingUrl(logins: Logins, name: string, port: number): string {
  const { database, login } = embeddedDatabase(name);
  const password = createHmac("sha256", logins.tenantry_owner).update(`tenantry login ${login}`).digest("base64url");
  return `postgres://${login}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}

/** The URL by which `login` reaches `database` on the embedded server that listens on `port`. Holds the password. */
export function loginUrl(logins: Logins, login: Login, port: number, database: string): string {
  return `postgres://${login}:${logins[login]}@127.0.0.1:${port}/${encodeURIComponent(database)}`;
}
