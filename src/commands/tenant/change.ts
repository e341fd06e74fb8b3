import { readSettings, type Settings } from "../../config.js";
import { noteSlug, renameRoot } from "../../features/tenants/rename.js";
import { renameTenantOfPeople } from "../../identity/development.js";
import type { Owners } from "../../tenancy/owners.js";
import { renameTenant, resumeTenant, suspendTenant } from "../../tenancy/tenants/change.js";
import { enterHome } from "../../tenancy/tenants/inHome.js";
import { getTenant, type Tenant, whileHolding } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { UsageError } from "../explain.js";
import { nameIn, slugIn } from "./arguments.js";
import { beginRun, holding } from "./locked.js";
import { say, shown } from "./shown.js";

interface Options {
  readonly json?: boolean;
}

/** `tenantry tenant suspend`: from the next request on nobody gets in. */
export const suspendCommand = (slug: string, options: Options): Promise<void> => setStatus(slug, "SUSPENDED", options);

/** `tenantry tenant resume`: people get in again. */
export const resumeCommand = (slug: string, options: Options): Promise<void> => setStatus(slug, "ACTIVE", options);

async function setStatus(slug: string, status: "ACTIVE" | "SUSPENDED", { json }: Options): Promise<void> {
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const tenant = await getTenant(await owners.main, slug);
    const changed = await (status === "ACTIVE" ? resumeTenant : suspendTenant)(owners, tenant);
    const words = status === "ACTIVE" ? "People get into it again" : "Nobody gets into it until it is resumed";
    const what =
      changed.epoch === tenant.epoch ? `${slug} is ${status} already.` : `${slug} is ${status} now. ${words}.`;
    say(json, [what], shown(changed));
  });
}

/** `tenantry tenant rename`: another slug, another name of the root, or both. */
export async function renameCommand(
  slug: string,
  to: string | undefined,
  { name: given, json }: Options & { readonly name?: string },
): Promise<void> {
  const settings = readSettings(process.env);
  if (to === undefined && given === undefined)
    throw new UsageError("Say what is to change: <new-slug>, --name, or both.");
  const name = given === undefined ? undefined : nameIn(given);
  const slugNow = to === undefined ? slug : slugIn(to, "<new-slug>");
  await withOwnersOf(settings, async (owners) => {
    const tenant = await getTenant(await owners.main, slug);
    const changed = await rename(owners, settings, tenant, { from: slug, slug: slugNow, name });
    const lines = [
      ...(slugNow === slug
        ? []
        : [`${slug} is called ${slugNow} now. Nobody else can have ${slug}, and it leads nowhere.`]),
      ...(name === undefined ? [] : [`Its name is ${name} now.`]),
      ...leftToName(settings, slug, slugNow),
    ];
    if (lines.length === 0) lines.push(`${slug} is called so already.`);
    say(json, lines, { ...shown(changed), ...(name !== undefined && { name }) });
  });
}

/** What renaming leaves to whoever has the settings: issuers with a list go on to name the former slug, and their people stay out. */
export const leftToName = ({ TENANTRY_ISSUERS }: Settings, from: string, slug: string): string[] =>
  TENANTRY_ISSUERS.filter(({ tenants }) => slug !== from && tenants !== "any" && tenants.includes(from)).map(
    ({ issuer }) => `Name ${slug} among the tenants of ${issuer} in TENANTRY_ISSUERS.`,
  );

/**
 * Gives a tenant another slug, its root another name, or both, each with its event in the tenant's audit; doing it again
 * changes nothing.
 * @param to.from what it was called when this was asked for
 */
export async function rename(
  owners: Owners,
  settings: Settings,
  tenant: Tenant,
  { from, slug, name }: { readonly from: string; readonly slug: string; readonly name: string | undefined },
): Promise<Tenant> {
  // Held over both: who comes between would leave half of it done, and the whole refused as if it had not been begun.
  const changed = await whileHolding(await owners.main, tenant.id, async () => {
    const renamed =
      slug === tenant.slug
        ? tenant
        : await renameTenant(owners, tenant, slug, async (place, now) =>
            noteSlug(await enterHome(place, now), now.id, { before: now.slug, after: slug }, await beginRun(place)),
          );
    if (name !== undefined)
      await holding(owners, renamed, async ({ db, place }) => renameRoot(db, tenant.id, name, await beginRun(place)));
    return renamed;
  });
  if (slug !== from && settings.TENANTRY_DEVELOPMENT)
    await renameTenantOfPeople(settings.TENANTRY_DATA_DIR, from, slug);
  return changed;
}
