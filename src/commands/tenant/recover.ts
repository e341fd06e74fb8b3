import { readSettings, type Settings } from "../../config.js";
import { ownersOf } from "../../features/tenants/founding.js";
import { recoverOwner } from "../../features/tenants/recover.js";
import { identityDigest } from "../../identity/digest.js";
import type { NewOwner } from "../../tenancy/jobs/job.js";
import { getTenant } from "../../tenancy/tenants/record.js";
import { withOwnersOf } from "../database.js";
import { UsageError } from "../explain.js";
import { ownKey } from "../key.js";
import { emailIn } from "./arguments.js";
import { howToSignIn, type OwnerOptions, signInOf } from "./create.js";
import { beginRun, holding } from "./locked.js";
import { letDevelopmentKnow } from "./make.js";
import { say } from "./shown.js";

interface Options extends OwnerOptions {
  readonly json?: boolean;
}

/** `tenantry tenant recover`: another owner for a tenant whose own cannot be reached any more. Its audit says so. */
export async function recoverCommand(slug: string, options: Options): Promise<void> {
  const settings = readSettings(process.env);
  const email = emailIn(options.owner);
  const signIn = await signInOf(settings, email, slug, options);
  if (signIn === null)
    throw new UsageError(
      "Say whom the owner's tokens mean: --owner-issuer and --owner-subject, their claims iss and sub.",
    );
  const { others, status } = await recover(settings, slug, email, signIn);
  await letDevelopmentKnow(settings, { slug, owner: { email, name: email, signIn } });
  const remain =
    others.length === 0 ? "Nobody else owns it." : `It is owned by ${others.join(", ")} as well, as it was before.`;
  const lines = [
    `Recovered ${slug}. ${howToSignIn(settings, email, slug, signIn)}`,
    ...(status === "SUSPENDED" ? [`It is SUSPENDED: nobody gets in before \`tenantry tenant resume ${slug}\`.`] : []),
    remain,
  ];
  say(options.json, lines, { slug, owner: email, others });
}

/** @returns the addresses of the others who own it, and what it is */
async function recover(settings: Settings, slug: string, email: string, signIn: NonNullable<NewOwner["signIn"]>) {
  return withOwnersOf(settings, async (owners) => {
    const identity = identityDigest(await ownKey(settings, owners), signIn);
    const main = await owners.main;
    return holding(owners, await getTenant(main, slug), async ({ tenant: { id, status }, db, place }) => {
      // A hint, which the home does not follow before it knows them: without it they would not be let as far as that.
      await main.run(
        "insert into tenantry.identities (digest, tenant_id) values ($1, $2) on conflict (digest, tenant_id) do nothing",
        [identity, id],
      );
      await recoverOwner(db, id, { email, identity }, await beginRun(place));
      const others = (await ownersOf(db, id)).filter((owner) => !owner.identity?.equals(identity));
      return { others: others.map((owner) => owner.email ?? "somebody"), status };
    });
  });
}
