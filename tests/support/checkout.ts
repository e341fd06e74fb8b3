import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Migration } from "../../src/tenancy/migrations/files.js";
import { REPOSITORY } from "./command.js";

/** The product as it is installed, in a folder of its own, where a later version can be made of it. */
export interface Checkout {
  readonly path: string;
  /** Adds a migration of homes, as a later version would bring it. */
  add(migration: Migration): void;
  /** Takes a migration of homes away. */
  take(name: string): void;
  remove(): void;
}

export function checkout(): Checkout {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "checkout-")));
  // Without `src`, as in a package: what is in `dist` is what runs.
  for (const part of ["dist", "drizzle", "tenantry.mjs", "build.mjs", "package.json", "tenantry.product.json"])
    cpSync(join(REPOSITORY, part), join(path, part), { recursive: true });
  symlinkSync(realpathSync(join(REPOSITORY, "node_modules")), join(path, "node_modules"));
  const folderOf = (name: string) => join(path, "drizzle", "tenant", name);
  return {
    path,
    add({ name, sql }) {
      mkdirSync(folderOf(name));
      writeFileSync(join(folderOf(name), "migration.sql"), sql);
    },
    take: (name) => rmSync(folderOf(name), { recursive: true }),
    remove: () => rmSync(path, { recursive: true }),
  };
}
