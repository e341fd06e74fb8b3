// Runs that take too long for every change: `npm run night` runs all of them, one after the other, `npm run night -- oracle` one.
// Prints the name, size, seed and time of each, and ends with 1 when one failed.
import { spawnSync } from "node:child_process";
import { randomInt } from "node:crypto";

/**
 * Another run is another entry: what it shows, a command, the settings that make it long, and what it then is the size of.
 * `TENANTRY_SEED` is the same for all; a run that has no use for it leaves it alone.
 */
const RUNS = {
  oracle: {
    shows: "answers are what a judge of its own foresees",
    size: "2,000 tenants, 200,000 documents",
    test: "tests/oracle.test.ts",
    env: { TENANTRY_ORACLE_TENANTS: "2000", TENANTRY_ORACLE_DOCUMENTS: "100" },
  },
  rules: {
    shows: "a rule that is deleted, or asks for anything else, is noticed",
    size: "every rule, with every permission",
    test: "tests/graphql/rules.test.ts",
    env: { TENANTRY_RULES: "all" },
  },
  guesses: {
    shows: "no error tells a name that the schema does not show",
    size: "every word, wherever a name can be guessed",
    test: "tests/server/guessing.test.ts",
    env: { TENANTRY_GUESSES: "all" },
  },
  giving: {
    shows: "nobody ever holds what no holder gave",
    size: "60 tenants, 15,000 changes",
    test: "tests/giving.test.ts",
    env: { TENANTRY_WALKS: "60" },
  },
  circles: {
    shows: "of two moves that would make a circle one is refused",
    size: "500 rounds",
    test: "tests/features/tree/moveOrganization.test.ts",
    env: { TENANTRY_CIRCLES: "500" },
  },
  acceptances: {
    shows: "of fifty who accept one invitation at once one becomes a member",
    size: "200 rounds",
    test: "tests/features/invitations/accepting.test.ts",
    env: { TENANTRY_ACCEPTANCES: "200" },
  },
  revocations: {
    shows: "nobody uses a right that was withdrawn, at either of two processes",
    size: "10,000 operations",
    test: "tests/revocation.test.ts",
    env: { TENANTRY_REVOCATIONS: "10000" },
  },
  executions: {
    shows: "the executor answers, calls and fails as graphql-js does",
    size: "20,000 documents",
    test: "tests/graphql/executor/execute.test.ts",
    env: { TENANTRY_EXECUTIONS: "20000" },
  },
  remedies: {
    shows: "the remedy of a no is the smallest grant that turns it",
    size: "500 tenants",
    test: "tests/features/checks/remedy.test.ts",
    env: { TENANTRY_REMEDIES: "500" },
  },
  replica: {
    shows: "with a replica no answer is older, and no right lasts longer, than without",
    size: "20,000 reads, with a replica that stops and goes on",
    test: "tests/server/replica.test.ts",
    env: { TENANTRY_REPLICA_READS: "20000" },
  },
  walls: {
    shows: "nothing of another tenant is ever shown",
    size: "40,000 documents",
    test: "tests/walls.test.ts",
    env: { TENANTRY_WALL_DOCUMENTS: "40000" },
  },
  isolation: {
    shows: "sessions see and change the rows of their own tenant alone, whatever becomes of them",
    size: "1,000,000 operations",
    test: "tests/tenancy/isolation.test.ts",
    env: { TENANTRY_ISOLATION_OPERATIONS: "1000000" },
  },
  kills: {
    shows: "a migration that is killed again and again leaves every recorded version true",
    size: "500 homes, 30 kills",
    test: "tests/commands/kills.test.ts",
    env: { TENANTRY_FLEET_HOMES: "500", TENANTRY_FLEET_KILLS: "30" },
  },
  locks: {
    shows: "many homes are made, migrated and removed with the locks that PostgreSQL has",
    size: "2,000 homes",
    test: "tests/tenancy/manyHomes.test.ts",
    env: { TENANTRY_MANY_HOMES: "2000" },
  },
  killedMoves: {
    shows: "a mover may be killed at any step",
    size: "every step",
    test: "tests/tenancy/move/killed.test.ts",
    env: { TENANTRY_SAMPLES: "all" },
  },
  lastOwners: {
    shows: "of two owners who end at once one stays",
    size: "every way with every other",
    test: "tests/features/memberships/lastOwner.test.ts",
    env: { TENANTRY_SAMPLES: "all" },
  },
  moves: {
    shows: "a tenant that is moved while it is in use loses nothing and doubles nothing",
    size: "2,000,000 rows",
    test: "tests/tenancy/move/busy.test.ts",
    env: { TENANTRY_TEST_MOVED_ROWS: "2000000" },
  },
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in RUNS));
if (unknown.length > 0) {
  console.error(`There is no run ${unknown.join(", ")}. There are: ${Object.keys(RUNS).join(", ")}.`);
  process.exit(2);
}

const seed = process.env.TENANTRY_SEED ?? String(randomInt(2 ** 31));
const failed = [];
for (const name of asked.length > 0 ? asked : Object.keys(RUNS)) {
  const { shows, size, test, env } = RUNS[name];
  console.log(`${name}: ${shows}; ${size}; TENANTRY_SEED=${seed}`);
  const from = Date.now();
  const { status } = spawnSync("npm", ["run", "-s", "test", "--", "--testTimeout=86400000", test], {
    stdio: "inherit",
    env: { ...env, ...process.env, TENANTRY_SEED: seed },
  });
  console.log(`${name}: ${status === 0 ? "passed" : "FAILED"} after ${Math.round((Date.now() - from) / 1000)} s`);
  if (status !== 0) failed.push(name);
}

if (failed.length > 0)
  console.error(`Failed: ${failed.join(", ")}. Again: TENANTRY_SEED=${seed} npm run night -- ${failed.join(" ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
