import { open, rename, rm, stat } from "node:fs/promises";
import { readSettings } from "../../config.js";
import { keyMark } from "../../identity/key.js";
import { exportTenant } from "../../tenancy/archive/export.js";
import { importTenant } from "../../tenancy/archive/import.js";
import type { Manifest } from "../../tenancy/archive/manifest.js";
import { checkArchive } from "../../tenancy/archive/read.js";
import { getTenant } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { UsageError } from "../explain.js";
import { ownKey } from "../key.js";
import { clearProgress, progress } from "../progress.js";
import { slugIn } from "./arguments.js";
import { type PlaceOptions, placeOf } from "./place.js";
import { say, shown } from "./shown.js";

/** `tenantry tenant export`: a file appears when it is whole, and nobody but its owner may read it. */
export async function exportCommand(slug: string, file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const settings = readSettings(process.env);
  if (file !== "-" && (await stat(file).catch(() => null)))
    throw new UsageError(`<file> ${file} is there already. Name one that is not.`);
  await withOwnersOf(settings, async (owners) => {
    const key = keyMark(await ownKey(settings, owners));
    const tenant = await getTenant(await owners.main, slug);
    if (file === "-") {
      const manifest = await exportTenant(owners, tenant, key, process.stdout, progress("Rows exported"));
      clearProgress();
      process.stderr.write(`${json ? JSON.stringify(factsOf(manifest)) : inWords(manifest, "stdout")}\n`);
      return;
    }
    const part = `${file}.part`;
    // Never one that is there: it keeps its owner and its rights, or leads elsewhere.
    const handle = await open(part, "wx", 0o600).catch((cause) => {
      const isThere = cause.code === "EEXIST" && `${part} is there: remove it, unless another export is writing it.`;
      throw new UsageError(isThere || `<file> ${file} cannot be written.`, { cause });
    });
    try {
      const manifest = await exportTenant(owners, tenant, key, handle.createWriteStream(), progress("Rows exported"));
      await rename(part, file);
      say(json, [inWords(manifest, file)], { file, ...factsOf(manifest) });
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  });
}

/** `tenantry tenant import`: the whole archive, or nothing of it. */
export async function importCommand(
  file: string,
  options: PlaceOptions & { readonly slug?: string; readonly json?: boolean },
): Promise<void> {
  const settings = readSettings(process.env);
  const manifest = await checkArchive(file);
  const slug = slugIn(options.slug ?? manifest.tenant.slug, "--slug");
  await withOwnersOf(settings, async (owners) => {
    const isOurKey = manifest.key === keyMark(await ownKey(settings, owners));
    const place = await placeOf(owners, options);
    const tenant = await importTenant(owners, file, manifest, { slug, ...place }, progress("Rows imported"));
    const lines = [
      `Made ${slug} from ${file}: ${tenant.isolation} in ${tenant.database}, ${rowsOf(manifest)} rows, all checksums the same.`,
      ...(isOurKey
        ? []
        : [
            "It was exported with another TENANTRY_KEY, so none of its people is recognised here, and its audit is sealed no further before `tenantry audit reseal`.",
          ]),
      `Should nobody be able to sign in to it: \`tenantry tenant recover ${slug} --owner <email>\` lets its owner in again.`,
    ];
    say(options.json, lines, { ...shown(tenant), ...factsOf(manifest), peopleAreRecognised: isOurKey });
  });
}

const rowsOf = ({ files }: Manifest): number => Object.values(files).reduce((sum, { rows }) => sum + rows, 0);

const factsOf = ({ migration, files }: Manifest) => ({
  migration,
  files: Object.fromEntries(Object.entries(files).map(([name, { rows, sha256 }]) => [name, { rows, sha256 }])),
});

const inWords = (manifest: Manifest, to: string): string =>
  `Exported ${manifest.tenant.slug} to ${to}: ${rowsOf(manifest)} rows of ${Object.keys(manifest.files).length} files, at ${manifest.migration}.`;
