import { readSettings } from "../../config.js";
import { SealKey } from "../../features/audit/chain.js";
import { resealAudit } from "../../features/audit/reseal.js";
import { forgetWitness } from "../../tenancy/directory/witness.js";
import { withOwnersOf } from "../database.js";
import { ownKey } from "../key.js";
import { inEach } from "../tenant/inEach.js";
import { say } from "../tenant/shown.js";

/** `tenantry audit reseal`: audits that another key sealed are sealed anew with this one, of one tenant or of all. */
export async function auditReseal({ tenant: slug, json }: { readonly tenant?: string; readonly json?: boolean }) {
  const settings = readSettings(process.env);
  let isNone = true;
  await withOwnersOf(settings, async (owners) => {
    const key = await ownKey(settings, owners);
    const main = await owners.main;
    await inEach(
      owners,
      slug,
      async ({ tenant: { id }, place }) => {
        const events = await resealAudit((text, params) => place.run(text, params), id, new SealKey(key, id));
        // Before the new seals can be: none of them is held against an old one.
        if (events !== null) await forgetWitness(main, id);
        return events;
      },
      async (tenant, events) => {
        if (events === null) return;
        // Of a gateway that had seen the old seal, and has noted it since.
        await forgetWitness(main, tenant.id);
        isNone = false;
        say(json, [`${events} events of ${tenant.slug} are sealed anew, next.`], { tenant: tenant.slug, events });
      },
    );
  });
  if (isNone && !json) say(false, ["No audit was sealed with another key."], {});
}
