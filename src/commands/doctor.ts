import { readSettings, type Settings } from "../config.js";
import { Leases } from "../database/leases.js";
import { MAIN } from "../database/names.js";
import { ownersOf } from "../features/tenants/founding.js";
import { migrationsCheck } from "../tenancy/doctor/migrations.js";
import { movesCheck } from "../tenancy/doctor/moves.js";
import type { Check, Done, Problem } from "../tenancy/doctor/problem.js";
import { homesCheck, tenantsCheck } from "../tenancy/doctor/tenants.js";
import type { Owners } from "../tenancy/owners.js";
import { inHome } from "../tenancy/tenants/inHome.js";
import { findHomeRow, listTenants } from "../tenancy/tenants/record.js";
import { checkDoor, checkHomesOf } from "../tenancy/walls/walls.js";
import { withOwnersOf } from "./database.js";
import { EXIT } from "./explain.js";
import { keyProblems } from "./key.js";
import { clearProgress, print, progress } from "./progress.js";

/** What is looked at through the owner's logins, in this order. One more is one more entry. */
const CHECKS: readonly Check[] = [
  migrationsCheck,
  movesCheck,
  tenantsCheck,
  homesCheck,
  { name: "owners", look: ownerlessTenants },
];

interface Options {
  readonly fix?: boolean;
  readonly json?: boolean;
}

/** Everything but the walls, which show themselves to the logins that serve. */
const OWNERS_TO_LOOK_AT = [...CHECKS.map(({ name }) => name), "key"];

/** `tenantry doctor`: everything that can be wrong, and what mends it. Exits 0 when nothing is, 1 when something is left. */
export async function doctorCommand({ fix, json }: Options): Promise<void> {
  const settings = readSettings(process.env);
  let left = 0;
  let sound = "All is sound.";
  const tell = async (check: string, { what, mend, fix: mending }: Problem) => {
    let isMended = false;
    let trouble: string | undefined;
    if (fix && mending) {
      await mending().then(
        () => (isMended = true),
        (error: Error) => (trouble = error.message),
      );
    }
    if (!isMended) left++;
    if (json) print(`${JSON.stringify({ check, what, mend, isMended, trouble })}\n`);
    else print(`${check}: ${what}\n  ${isMended ? "Mended." : mend}${trouble ? ` It failed: ${trouble}` : ""}\n`);
  };
  const note = (text: string) => void (json || print(`${text}\n`));

  const { DATABASE_URL, DATABASE_DOOR_URL, DATABASE_OWNER_URL } = settings;
  if (DATABASE_URL && DATABASE_DOOR_URL && !DATABASE_OWNER_URL) {
    const urls = { ...settings.TENANTRY_DATABASES, [MAIN]: DATABASE_URL };
    for (const problem of (await lookAtWalls(urls, DATABASE_DOOR_URL)).problems) await tell("walls", problem);
    note("Without DATABASE_OWNER_URL only the walls were looked at.");
    if (json)
      for (const check of OWNERS_TO_LOOK_AT)
        print(`${JSON.stringify({ check, notLookedAt: "DATABASE_OWNER_URL is not set." })}\n`);
    sound = "The walls are sound.";
  } else {
    await withOwnersOf(settings, async (owners) => {
      if (await isEmpty(owners)) {
        const what = "There is nothing of Tenantry in the database yet.";
        return tell("migrations", { what, mend: "Run `tenantry migrate`, which makes all that it needs." });
      }
      const urls = Object.fromEntries(owners.databases.map((name) => [name, owners.servingUrl(name)]));
      const { problems, away } = await lookAtWalls({ ...urls, ...servingOf(settings) }, owners.doorUrl);
      for (const problem of problems) await tell("walls", problem);
      if (away.includes(MAIN)) return;
      const databases: string[] = [];
      for (const name of owners.databases) {
        const reached = await owners.of(name).then(
          () => true,
          () => false,
        );
        if (reached) databases.push(name);
        else if (!away.includes(name)) await tell("walls", awayOf(name, "the owner's login"));
      }
      // All of the rest begins with the directory.
      if (!databases.includes(MAIN)) return;
      for (const check of CHECKS) {
        const found = await check.look(owners, databases, progress(`Looking at ${check.name}`));
        for (const problem of found) await tell(check.name, problem);
      }
      clearProgress();
      for (const problem of await keyProblems(settings, await owners.main)) await tell("key", problem);
    });
  }
  if (left > 0) process.exitCode = EXIT.failed;
  else note(sound);
}

/** Whether nobody has migrated the main database. What does not answer is not empty. */
async function isEmpty(owners: Owners): Promise<boolean> {
  const main = await owners.main.catch(() => null);
  const [row] = (await main?.run("select to_regclass('tenantry.tenants') is null as is_empty")) ?? [];
  return row?.is_empty === true;
}

const servingOf = ({ DATABASE_URL, TENANTRY_DATABASES }: Settings): Record<string, string> => ({
  ...TENANTRY_DATABASES,
  ...(DATABASE_URL && { [MAIN]: DATABASE_URL }),
});

/** The walls of every database, through the very logins that serve it. */
async function lookAtWalls(databases: Record<string, string>, door: string) {
  const leases = (urls: Record<string, string>) =>
    new Leases({
      databases: urls,
      applicationName: "tenantry doctor",
      prepare: false,
      connectTimeoutMs: 5000,
      size: 2,
      waitMs: 6000,
      maxAgeMs: 60_000,
    });
  const [serving, directory] = [leases(databases), leases({ [MAIN]: door })];
  const problems: Problem[] = [];
  const away: string[] = [];
  try {
    const found = await checkDoor(directory).catch(() => null);
    problems.push(...(found ?? [awayOf(MAIN, "the login of DATABASE_DOOR_URL")]));
    for (const name of serving.databases) {
      const findings = await checkHomesOf(serving, name).catch(() => null);
      if (findings) problems.push(...findings);
      else {
        away.push(name);
        problems.push(awayOf(name, "its serving login"));
      }
    }
  } finally {
    await Promise.all([serving.close(), directory.close()]);
  }
  return { problems, away };
}

const awayOf = (name: string, login: string): Problem => ({
  what: `The database ${name} does not answer ${login}. Its tenants cannot be served; all others can.`,
  mend: "See that it runs and that the settings name it and its login rightly; `tenantry migrate` makes the serving logins.",
});

async function ownerlessTenants(owners: Owners, databases: readonly string[], onDone: Done): Promise<Problem[]> {
  const problems: Problem[] = [];
  const tenants = await listTenants(await owners.main);
  for (const [at, tenant] of tenants.entries()) {
    onDone(at, tenants.length);
    if (!databases.includes(tenant.database) || !["ACTIVE", "SUSPENDED"].includes(tenant.status)) continue;
    const place = await owners.of(tenant.database);
    if (!(await findHomeRow(place, tenant))) continue;
    if ((await inHome(place, tenant, (db) => ownersOf(db, tenant.id))).length > 0) continue;
    problems.push({
      what: `The tenant ${tenant.slug} has no owner: nobody there can give every right.`,
      mend: `Make somebody one: \`tenantry tenant recover ${tenant.slug} --owner <email>\`.`,
    });
  }
  return problems;
}
