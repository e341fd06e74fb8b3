import { readSettings } from "../../config.js";
import { type Purged, purgeDeleted } from "../../features/tree/purge.js";
import { withOwnersOf } from "../database.js";
import { inEach } from "./inEach.js";
import { beginRun, type Locked } from "./locked.js";
import { say } from "./shown.js";

/** `tenantry tenant purge`: organizations that were deleted and whose time is up, of one tenant or of all. */
export async function purgeCommand(slug: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  let count = 0;
  await withOwnersOf(readSettings(process.env), (owners) =>
    inEach(owners, slug, purge, (tenant, purged) => {
      for (const one of purged) {
        count += 1;
        const all = one.organizations === 1 ? "" : `, and ${one.organizations - 1} below it`;
        say(json, [`Removed ${one.slug} of ${tenant.slug}${all}.`], { tenant: tenant.slug, ...one });
      }
    }),
  );
  if (count === 0 && !json) say(false, ["Nothing is due."], {});
}

async function purge({ tenant, db, place }: Locked): Promise<Purged[]> {
  return purgeDeleted(db, tenant.id, await beginRun(place));
}
