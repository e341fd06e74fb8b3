import type { Settings } from "../config.js";
import type { Lease } from "../database/lease.js";
import { loadDevelopmentIssuer } from "../identity/development.js";
import { identityDigest } from "../identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../identity/issuers.js";
import { keyMark } from "../identity/key.js";
import {
  findKeyMark,
  isKeyMarkKept,
  noteKeyMark,
  OtherKeyError,
  replaceKeyMark,
} from "../tenancy/directory/installation.js";
import type { Problem } from "../tenancy/doctor/problem.js";
import type { Owners } from "../tenancy/owners.js";
import { keyOf, lostKey, RESTORE_KEY } from "./database.js";

const RESTORE: Pick<Problem, "mend"> = { mend: RESTORE_KEY };
/** Tenants whose seals are looked at. */
const WITNESSES = 100;

/**
 * The installation key, for an owner's command that uses it. Where no key was noted yet, this one is.
 * @throws OtherKeyError when it is not the one that is noted, or, where none is, that audits were last sealed with
 * @throws RefusedError when it is lost
 */
export async function ownKey(settings: Settings, owners: Owners): Promise<Buffer> {
  const key = await keyOf(settings);
  const main = await owners.main;
  const mark = keyMark(key);
  const noted = await findKeyMark(main);
  if (noted === mark) return key;
  const marks = noted === null ? await marksOfSeals(owners) : [noted];
  if (marks.length > 0 && !marks.includes(mark)) throw new OtherKeyError(noted === null);
  await noteKeyMark(main, mark);
  return key;
}

/** The same before a migration, which may be the one that makes the place where it is noted. */
export async function refuseOtherKey(settings: Settings, owners: Owners): Promise<void> {
  if (await isKeyMarkKept(await owners.main)) await ownKey(settings, owners);
}

/** Takes the key of the settings for the installation's, whatever it was; one of the embedded database is made where it is lost. */
export async function takeNewKey(settings: Settings, owners: Owners): Promise<void> {
  await replaceKeyMark(await owners.main, keyMark(await keyOf(settings, true)));
}

/** What tells the keys that audits of some tenants were sealed with: of an installation that has noted none. */
async function marksOfSeals(owners: Owners): Promise<string[]> {
  const rows = await (await owners.main).run(
    `select t.id, t.database, t.schema_name from tenantry.audit_witnesses w join tenantry.tenants t on t.id = w.tenant_id
     order by w.witnessed_at desc limit ${WITNESSES}`,
  );
  const found = rows.map(async ({ id, database, schema_name }) => {
    const place = await owners.of(String(database));
    const marks = `select distinct key_mark from "${schema_name}".audit_seals where tenant_id = $1`;
    return (await place.run(marks, [id])).map((row) => String(row.key_mark));
  });
  // What is away, or was moved meanwhile, tells nothing.
  return (await Promise.all(found.map((marks) => marks.catch(() => [])))).flat();
}

/** Whether the installation key is the one that everything was made with, as far as that can be told. Makes none. */
export async function keyProblems(settings: Settings, main: Lease): Promise<Problem[]> {
  const [row] = await main.run("select count(*)::int as count from tenantry.identities");
  const count = Number(row!.count);
  const lost = lostKey(settings);
  if (lost)
    return [
      { what: `${lost} is lost, and ${count} identities are known by digests that were made with it.`, ...RESTORE },
    ];
  const key = await keyOf(settings);
  // What is behind is told by another look.
  if (!(await isKeyMarkKept(main))) return [];
  const noted = await findKeyMark(main);
  if (noted === null)
    return [
      {
        what: "Nobody has noted which TENANTRY_KEY is this installation's, so that no gateway starts.",
        mend: "Run `tenantry migrate`.",
      },
    ];
  if (noted !== keyMark(key))
    return [{ what: "TENANTRY_KEY is not the key that this installation was made with.", ...RESTORE }];
  const people = await (await loadDevelopmentIssuer(settings.TENANTRY_DATA_DIR))?.people();
  if (count === 0 || !settings.TENANTRY_DEVELOPMENT || !people || people.length === 0) return [];
  const digests = people.map(({ subject }) =>
    identityDigest(key, { issuer: DEVELOPMENT_ISSUER, subject }).toString("hex"),
  );
  const [known] = await main.run(
    "select exists (select from tenantry.identities where encode(digest, 'hex') = any (string_to_array($1, ','))) as known",
    [digests.join()],
  );
  if (known?.known) return [];
  return [
    {
      what: "Nobody of the development issuer is recognised: the key is not the one that their digests were made with.",
      ...RESTORE,
    },
  ];
}
