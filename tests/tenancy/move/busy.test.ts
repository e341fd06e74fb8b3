import { setTimeout as pause } from "node:timers/promises";
import { mintToken } from "../../../src/identity/developmentToken.js";
import { command, stopCommands } from "../../support/command.js";
import { cloneDatabase, FOLDER, type TestDatabase } from "../../support/database.js";
import { homeRowsOf, rowsIn, rowsOf, settingsOf } from "../../support/moves.js";
import { recordOf } from "../../support/sessions.js";

/** For a run of fewer or more: TENANTRY_TEST_MOVED_ROWS=2000000. */
const ROWS = Number(process.env.TENANTRY_TEST_MOVED_ROWS ?? 200_000);
const PLANTED = "test.planted";
const WRITERS = 4;
const READERS = 2;

let database: TestDatabase;
let elsewhere: string;
beforeAll(async () => {
  database = await cloneDatabase();
  elsewhere = await database.spare();
});
afterAll(async () => {
  await stopCommands();
  await database.drop();
});

/** An answer's body, and between which instants it was asked for. */
async function ask(url: string, token: string, query: string) {
  const sent = Date.now();
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}`, "x-tenant": "northwind" },
    body: JSON.stringify({ query }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own document asked for
  const { data, errors } = (await response.json()) as { data?: any; errors?: unknown };
  return { data, errors, status: response.status, sent, answered: Date.now() };
}

const createOrganization = (parentId: string, slug: string) => `mutation {
  createOrganization(input: { parentId: "${parentId}", name: "${slug}", slug: "${slug}" }) {
    ... on CreateOrganizationPayload { organization { id } } ... on Failure { message }
  }
}`;
const bySlug = (slug: string) => `{ organization(by: { slug: "${slug}" }) { id name } }`;

/** A sum over the rows that were there before, the same in whatever order they are. */
const sumOf = async (name: string, schema: string) =>
  (
    await database.owner(
      `select count(*)::int as rows, count(distinct id)::int as ids, count(*) filter (where tenant_id <> $1)::int as foreign,
         sum(('x' || left(md5(t::text), 15))::bit(60)::bigint)::text as checksum
       from ${schema}.audit_events t where action = '${PLANTED}'`,
      [(await recordOf(database, "northwind")).id],
      name,
    )
  )[0];

interface Write {
  readonly slug: string;
  readonly sent: number;
  readonly answered: number;
}

describe("a tenant that is moved while it is in use", () => {
  it(
    `loses none of ${ROWS} rows and no change, doubles none, and makes changes wait for less than a second`,
    async () => {
      const old = await recordOf(database, "northwind");
      await database.owner(
        `insert into ${old.home.schemaName}.audit_events (tenant_id, id, at, action, actor_type, actor_id, organization_id, path,
         target_type, target_id, changes, request_id)
       select $1, gen_random_uuid(), now(), '${PLANTED}', 'USER', $1, $1, '{}', 'Test', $1, jsonb_build_object('n', n), 'planted ' || n
       from generate_series(1, $2::int) n`,
        [old.id, ROWS],
      );
      const planted = await sumOf(old.home.database, old.home.schemaName);
      const neighbours = [await rowsOf(database, "meridian"), await rowsOf(database, "lumen")];
      const { serving, owning } = await settingsOf(database);
      const gateways = [command(["serve"], { env: serving }), command(["serve"], { env: serving })];
      const urls = await Promise.all(gateways.map(({ ready }) => ready));
      const token = await mintToken(FOLDER, { email: "ada@northwind.test" });
      const root = (await ask(urls[0]!, token, bySlug("northwind"))).data.organization.id;

      const writes: Write[] = [];
      const failures: unknown[] = [];
      let reads = 0;
      let isOver = false;
      const writers = Array.from({ length: WRITERS }, async (_, writer) => {
        for (let n = 0; !isOver; n++) {
          const slug = `w-${writer}-${n}`;
          const answer = await ask(urls[(writer + n) % 2]!, token, createOrganization(root, slug));
          if (answer.data?.createOrganization?.organization) writes.push({ slug, ...answer });
          else failures.push(answer);
          // No faster than a tenant would be, so that what is measured is the move.
          await pause(20);
        }
      });
      const readers = Array.from({ length: READERS }, async (_, reader) => {
        for (let n = 0; !isOver; n++) {
          const { slug } = writes.at(-1) ?? { slug: "northwind" };
          const answer = await ask(urls[(reader + n) % 2]!, token, bySlug(slug));
          reads++;
          // What was acknowledged by one gateway is there for the other.
          if (answer.errors || !answer.data.organization) failures.push(answer);
          await pause(10);
        }
      });
      const mover = command(["tenant", "move", "northwind", "--to", `database:${elsewhere}`, "--json"], {
        env: owning,
      });
      const code = await mover.ended;
      await pause(200);
      isOver = true;
      await Promise.all([...writers, ...readers]);

      expect([code, code === 0 ? "" : mover.stderr()]).toEqual([0, ""]);
      const steps = mover
        .stdout()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      const at = (name: string) => new Date(steps.findLast(({ step }) => step === name).at).getTime();
      const { pauseMs } = steps.at(-1);
      const during = (from: number, to: number) =>
        writes.filter(({ sent, answered }) => answered >= from && sent <= to).length;
      const copying = writes.filter(({ answered }) => answered >= at("COPYING") && answered < at("FENCED")).length;
      const fenced = during(at("SWITCHED") - pauseMs, at("SWITCHED"));
      const now = await recordOf(database, "northwind");
      const held = await rowsOf(database, "northwind", PLANTED);
      const slugs = held.organizations!.flatMap((row) => /,(w-\d+-\d+),/.exec(row)?.[1] ?? []);
      console.log(
        `${steps.at(-1).rows} rows moved in ${at("MOVED") - at("COPYING")} ms; changes waited ${pauseMs} ms; ` +
          `${copying} writes acknowledged during the copy, ${fenced} sent or waiting during the fence and acknowledged, ${writes.length} in all; ${reads} reads`,
      );

      expect(failures).toEqual([]);
      expect(copying).toBeGreaterThan(0);
      expect(fenced).toBeGreaterThan(0);
      expect(pauseMs).toBeLessThan(1000);
      expect(slugs.sort()).toEqual(writes.map(({ slug }) => slug).sort());
      expect(held.audit_events!.filter((row) => row.includes("organization.created"))).toHaveLength(writes.length);
      expect(now.home.database).toBe(elsewhere);
      expect(await sumOf(elsewhere, now.home.schemaName)).toEqual(planted);
      expect(planted).toMatchObject({ rows: ROWS, ids: ROWS, foreign: 0 });
      // The old home, which is kept, has nothing that the new one has not.
      const kept = await rowsIn(database, old.home, old.id, PLANTED);
      for (const [table, rows] of Object.entries(kept)) {
        const found = new Set(held[table]);
        expect(rows.filter((row) => !found.has(row))).toEqual([]);
      }
      expect(await homeRowsOf(database, old.id)).toMatchObject([{ status: "FENCED" }, { status: "ACTIVE" }]);
      expect([await rowsOf(database, "meridian"), await rowsOf(database, "lumen")]).toEqual(neighbours);
    },
    10 * ROWS,
  );
});
