import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { readSettings, type Settings } from "../../config.js";
import type { Lease } from "../../database/lease.js";
import { SealKey } from "../../features/audit/chain.js";
import { exportEvents } from "../../features/audit/exportEvents.js";
import { pruneAudit } from "../../features/audit/prune.js";
import { isSealedWith } from "../../features/audit/reseal.js";
import { SEALED } from "../../features/audit/sealer.js";
import { type Verified, verifyAudit } from "../../features/audit/verify.js";
import { instantOrDayOf } from "../../graphql/instant.js";
import type { TenantId } from "../../ids.js";
import { findWitness, type Witness } from "../../tenancy/directory/witness.js";
import { inTransaction } from "../../tenancy/migrations/transaction.js";
import type { Owners } from "../../tenancy/owners.js";
import {
  findHomeRow,
  findTenant,
  getTenant,
  noSuchTenant,
  type Tenant,
  TenantBusyError,
  whileHolding,
} from "../../tenancy/tenants/record.js";
import { keyOf, withOwnersOf } from "../database.js";
import { EXIT, RefusedError, UsageError } from "../explain.js";
import { ownKey } from "../key.js";
import { progress } from "../progress.js";
import { say } from "../tenant/shown.js";

/** A tenant is moved by hand: once while it is looked at, hardly ever twice. */
const MOST_LOOKS = 3;

interface OfTenant {
  readonly tenant: string;
  readonly json?: boolean;
}

/** `tenantry audit verify`: ends with 1 when the audit is not what was written. */
export async function auditVerify(options: OfTenant & { readonly log?: string }): Promise<void> {
  const { tenant: slug, json, log } = options;
  const settings = readSettings(process.env);
  await withOwnersOf(settings, async (owners) => {
    const tenant = await getTenant(await owners.main, slug);
    const key = await keyFor(settings, owners, tenant);
    const logged = log === undefined ? [] : await witnessesIn(log, tenant.id);
    const verified = await verifyWhereItIs(owners, tenant, key, logged);
    say(json, inWords(slug, verified), { tenant: slug, ...verified });
    if (verified.broken !== null) process.exitCode = EXIT.failed;
  });
}

/** `tenantry audit export`: a line of JSON for each event. */
export async function auditExport(
  options: OfTenant & { readonly from?: string; readonly to?: string; readonly action?: readonly string[] },
): Promise<void> {
  const wanted = {
    from: instantIn("--from", options.from),
    to: instantIn("--to", options.to),
    actions: options.action ?? null,
  };
  await withOwnersOf(readSettings(process.env), async (owners) => {
    const tenant = await getTenant(await owners.main, options.tenant);
    await inItsHome(owners, tenant, (run) =>
      pipeline(Readable.from(exportEvents(run, tenant.id, wanted)), process.stdout, { end: false }),
    );
  });
}

/** `tenantry audit prune`: whole seals, and only of an audit that is what was written. */
export async function auditPrune(options: OfTenant & { readonly before: string }): Promise<void> {
  const { tenant: slug, json } = options;
  const before = instantIn("--before", options.before)!;
  const settings = readSettings(process.env);
  await withOwnersOf(settings, async (owners) => {
    const main = await owners.main;
    const { id } = await getTenant(main, slug);
    const pruned = await whileHolding(main, id, async () => {
      // Where it is while nobody moves it.
      const tenant = await getTenant(main, slug);
      const witness = await findWitness(main, id);
      const key = await keyFor(settings, owners, tenant);
      return inItsHome(owners, tenant, async (run) => {
        const { broken } = await verify(run, tenant, key, witness, []);
        if (broken !== null)
          throw new RefusedError(
            `Nothing was removed, because the audit of ${slug} is not what was written. ${broken}`,
          );
        return pruneAudit(run, id, new SealKey(key, id), before);
      });
    });
    const done =
      pruned.checkpoint === null
        ? `Nothing of ${slug} was sealed before ${before.toISOString()} and is still there.`
        : `Removed ${pruned.events} events of ${slug}: all up to seal ${pruned.checkpoint}, which is a signed checkpoint now.`;
    say(json, [done], { tenant: slug, ...pruned });
  });
}

/**
 * The installation's key, or the one of another installation that sealed the audit of a tenant which came from there.
 * @throws OtherKeyError when the key at hand is neither
 */
async function keyFor(settings: Settings, owners: Owners, tenant: Tenant): Promise<Buffer> {
  const key = await keyOf(settings);
  const hasSealed = await inItsHome(owners, tenant, (run) => isSealedWith(run, tenant.id, new SealKey(key, tenant.id)));
  return hasSealed ? key : ownKey(settings, owners);
}

/**
 * Verifies the audit of a tenant that nobody holds, and that may be moved meanwhile: an old home that is kept is without what was
 * sealed in the new one.
 * @throws TenantBusyError when it is moved again and again
 */
async function verifyWhereItIs(
  owners: Owners,
  found: Tenant,
  key: Buffer,
  logged: readonly Witness[],
): Promise<Verified> {
  const main = await owners.main;
  let tenant = found;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const witness = await findWitness(main, tenant.id);
    const verified = await inItsHome(owners, tenant, async (run) => {
      const home = await findHomeRow({ run }, tenant);
      // While it was open nothing was sealed elsewhere. Where it is not, the directory says whether it is the tenant's home still.
      const isOpen = home?.epoch === tenant.epoch && home.status === "ACTIVE";
      const isHere = isOpen || (await findTenant(main, tenant.id))?.epoch === tenant.epoch;
      return isHere ? verify(run, tenant, key, witness, logged) : null;
    });
    if (verified) return verified;
    const now = await findTenant(main, tenant.id);
    if (!now) throw await noSuchTenant(main, tenant.slug);
    tenant = now;
  }
  throw new TenantBusyError();
}

/** @param witness what the directory knows, read before the home: a seal is made there first, and noted outside of it afterwards */
async function verify(
  run: Lease["run"],
  { id }: Tenant,
  key: Buffer,
  witness: Witness | null,
  logged: readonly Witness[],
): Promise<Verified> {
  const witnesses = witness ? [witness, ...logged] : logged;
  const tell = progress("Seals verified");
  return verifyAudit(run, id, new SealKey(key, id), witnesses, (done) =>
    tell(done, Math.max(done, witness?.number ?? 0)),
  );
}

/** One transaction that sees one moment of the tenant's home, and no connection but its own. */
async function inItsHome<T>(
  owners: Owners,
  { database, schemaName }: Tenant,
  work: (run: Lease["run"]) => Promise<T>,
): Promise<T> {
  const { lease, connection } = await owners.connect(database);
  try {
    const run: Lease["run"] = (text, params) => lease.run(text, params);
    return await inTransaction(
      lease,
      async () => {
        await run("select set_config('search_path', $1, true)", [`${schemaName}, pg_temp`]);
        return work(run);
      },
      "repeatable read",
    );
  } finally {
    lease.release();
    await connection.close();
  }
}

/** The seals of a tenant that a log of the gateway tells of. Lines of something else are passed over. */
async function witnessesIn(file: string, tenant: TenantId): Promise<Witness[]> {
  const found: Witness[] = [];
  const input = file === "-" ? process.stdin : createReadStream(file);
  try {
    for await (const line of createInterface({ input })) {
      if (!line.includes(SEALED) || !line.includes(tenant)) continue;
      const told = parsed(line.slice(line.indexOf("{")));
      if (!told) {
        process.stderr.write(`--log ${file}: a line that tells of a seal is cut off, and was passed over.\n`);
        continue;
      }
      const { msg, tenant: of, seal, mac } = told;
      if (msg === SEALED && of === tenant) found.push({ number: Number(seal), mac: String(mac) });
    }
  } catch (error) {
    throw new UsageError(`--log ${file} cannot be read: ${(error as Error).message}.`);
  }
  return found;
}

/** A line that is still being written, or was when its file was rotated, ends anywhere. */
function parsed(json: string): { msg?: unknown; tenant?: unknown; seal?: unknown; mac?: unknown } | null {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

function instantIn(option: string, text: string | undefined): Date | null {
  if (text === undefined) return null;
  const at = instantOrDayOf(text);
  if (!at)
    throw new UsageError(
      `${option} ${text} is no instant, such as 2026-01-31T00:00:00Z, and no day, such as 2026-01-31.`,
    );
  return at;
}

function inWords(
  slug: string,
  { events, newest, checkpoint, unsealed, notTakenIn, unsealedSeconds, broken }: Verified,
): string[] {
  const old =
    notTakenIn === 0 ? "" : ` ${notTakenIn} were written by an older version: run \`tenantry audit take-in\`.`;
  const waiting = unsealed === 0 ? "" : ` ${unsealed} wait for a seal, the oldest for ${unsealedSeconds} s.`;
  const all = unsealed + notTakenIn === 0 ? " All are sealed." : "";
  const kept = checkpoint === null ? "" : ` Those up to seal ${checkpoint} were removed, behind a signed checkpoint.`;
  if (broken !== null) return [`The audit of ${slug} is not what was written. ${broken}`];
  return [`The audit of ${slug} is what was written: ${events} events, ${newest} seals.${all}${waiting}${old}${kept}`];
}
