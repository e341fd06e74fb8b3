import { randomUUID } from "node:crypto";
import { readSettings, type Settings } from "../../config.js";
import { ownersOf } from "../../features/tenants/founding.js";
import { recoverOwner } from "../../features/tenants/recover.js";
import { identityDigest } from "../../identity/digest.js";
import { lockOf } from "../../tenancy/session.js";
import { inHome } from "../../tenancy/tenants/inHome.js";
import { findTenant, getTenant, mustBeWhole, whileHolding } from "../../tenancy/tenants/record.js";
import { keyOf, withOwnersOf } from "../database.js";
import { UsageError } from "../explain.js";
import { emailIn } from "./arguments.js";
import { howToSignIn, type OwnerOptions, signInOf } from "./create.js";
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
  const identity = identityDigest(await keyOf(settings), signIn);
  const { others, status } = await recover(settings, slug, email, identity);
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
async function recover(settings: Settings, slug: string, email: string, identity: Buffer) {
  return withOwnersOf(settings, async (owners) => {
    const main = await owners.main;
    const { id } = await getTenant(main, slug);
    return whileHolding(main, id, async () => {
      const tenant = await findTenant(main, id);
      mustBeWhole(tenant, slug);
      // A hint, which the home does not follow before it knows them: without it they would not be let as far as that.
      await main.run(
        "insert into tenantry.identities (digest, tenant_id) values ($1, $2) on conflict (digest, tenant_id) do nothing",
        [identity, id],
      );
      const place = await owners.of(tenant.database);
      return inHome(place, tenant, async (db) => {
        await place.run("select pg_advisory_xact_lock($1::bigint)", [lockOf(id)]);
        const [clock] = await place.run("select clock_timestamp() as now");
        const run = { id: randomUUID(), now: new Date(clock!.now as string) };
        await recoverOwner(db, id, { email, identity }, run);
        const all = await ownersOf(db, id);
        const others = all.filter((owner) => !owner.identity?.equals(identity));
        return { others: others.map((owner) => owner.email ?? "somebody"), status: tenant.status };
      });
    });
  });
}
