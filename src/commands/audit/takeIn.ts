import { readSettings } from "../../config.js";
import { takeInEvents } from "../../features/audit/takeIn.js";
import { withOwnersOf } from "../database.js";
import { inEach } from "../tenant/inEach.js";
import { say } from "../tenant/shown.js";

/** `tenantry audit take-in`: what gateways of an older version wrote, of one tenant or of all. */
export async function auditTakeIn({ tenant: slug, json }: { readonly tenant?: string; readonly json?: boolean }) {
  let all = 0;
  await withOwnersOf(readSettings(process.env), (owners) =>
    inEach(
      owners,
      slug,
      // The tenant's lock: nobody is erased meanwhile.
      ({ tenant, place }) => takeInEvents((text, params) => place.run(text, params), tenant.id),
      (tenant, events) => {
        if (events === 0) return;
        all += events;
        const told = { tenant: tenant.slug, events };
        say(json, [`Took in ${events} events of ${tenant.slug}: they are sealed next.`], told);
      },
    ),
  );
  if (all === 0 && !json) say(false, ["Nothing was written by an older version."], {});
}
