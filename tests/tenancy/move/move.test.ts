import { MAIN } from "../../../src/database/names.js";
import { sealTenant } from "../../../src/features/audit/seal.js";
import { loadKey } from "../../../src/identity/key.js";
import { type Destination, moveTenant } from "../../../src/tenancy/move/move.js";
import { recoverMoves } from "../../../src/tenancy/move/recover.js";
import { TenantSession } from "../../../src/tenancy/session.js";
import { checkHomes } from "../../../src/tenancy/walls/catalogue.js";
import { sealNow, verifyIn } from "../../support/audit.js";
import { cloneDatabase, FOLDER, type TestDatabase } from "../../support/database.js";
import { homeOf, ownerInHome } from "../../support/home.js";
import { homeRowsOf, rowsOf, stopAt } from "../../support/moves.js";
import { openLeases, recordOf } from "../../support/sessions.js";

let database: TestDatabase;
const PLACES: Record<string, Destination> = {};
beforeAll(async () => {
  database = await cloneDatabase();
  const [alone, other, second] = [await database.spare(), await database.spare(), await database.spare()];
  Object.assign(PLACES, {
    "a schema": { isolation: "SCHEMA", database: MAIN },
    "a schema elsewhere": { isolation: "SCHEMA", database: other },
    shared: { isolation: "SHARED", database: MAIN },
    "shared elsewhere": { isolation: "SHARED", database: other },
    "a database": { isolation: "DATABASE", database: alone },
    "another database": { isolation: "DATABASE", database: second },
  });
  // Whatever text can hold, and what looks like nothing and is not.
  await homeOf({ database }, "northwind")(
    `update users set display_name = $1, metadata = '{"a": [1.50, null, "\\u00e9{}\\""], "b": {"c": 1e400}}',
       external_id = '', image_url = '{NULL,"\\"}', locale = 'NULL'
     where email = 'cleo@northwind.test'`,
    ["\\N\t{\"a\",b}\n'quoted' \\\\ ünï 😀 ,,"],
  );
  await homeOf(
    { database },
    "northwind",
  )("update users set metadata = 'null' where email in ('ada@northwind.test', 'ben@northwind.test')");
  await plantAudit();
});
afterAll(() => database.drop());

/** Two events that are sealed, one of them with values that stand apart, and one that waits. */
async function plantAudit(): Promise<void> {
  const { id } = await recordOf(database, "northwind");
  const sql = homeOf({ database }, "northwind");
  const happens = (n: number) =>
    sql(
      `with apart as (
         insert into audit_values select $1, sha256(('salt' || $2 || '{"after":{}}')::bytea), $1, ('salt' || $2)::bytea, '{"after":{}}'
         returning commitment
       ), waits as (
         insert into audit_unsealed select $1, md5($2)::uuid from apart
       )
       insert into audit_events (tenant_id, id, at, action, actor_type, organization_id, path, target_type, target_id, changes,
         commitment, request_id)
       select $1, md5($2)::uuid, clock_timestamp(), 'user.created', 'OPERATOR', o.id, array[o.id, $1], 'User', $1,
         '{"personal": ["né", 1.50]}'::jsonb, commitment, 'r' from apart, organizations o where o.parent_id is null`,
      [id, String(n)],
    );
  await happens(1);
  await happens(2);
  const serve = openLeases(database.databases);
  await sealNow({ serve, database }, "northwind");
  await serve.close();
  await happens(3);
}

/** Of a home that was removed meanwhile nothing is sealed either. */
const orGone = (error: Error): null => {
  if (error.message.includes('relation "tenant" does not exist')) return null;
  throw error;
};

const move = (slug: string, to: Destination, keepSeconds = 0) =>
  database.owners((owners) => moveTenant(owners, slug, to, { keepSeconds }));

describe("moveTenant", () => {
  it.each([
    ["a schema", "shared"],
    ["a schema", "a database"],
    ["a schema", "a schema elsewhere"],
    ["shared", "a database"],
    ["shared", "shared elsewhere"],
    ["a database", "another database"],
  ])("brings every row from %s to %s, and back", async (here, there) => {
    const { id } = await recordOf(database, "northwind");
    const start = PLACES[here]!;
    const [at] = await database.owner("select isolation, database from tenantry.tenants where id = $1", [id]);
    if (at!.isolation !== start.isolation || at!.database !== start.database) await move("northwind", start);
    const before = await rowsOf(database, "northwind");
    const neighbours = [await rowsOf(database, "meridian"), await rowsOf(database, "lumen")];
    const counts = Object.values(before).map((rows) => rows.length);

    const moved = await move("northwind", PLACES[there]!);
    const after = await rowsOf(database, "northwind");
    const homesAfter = await homeRowsOf(database, id);
    const verified = await ownerInHome({ database }, "northwind", (sql) => verifyIn(sql, id));
    const back = await move("northwind", start);

    expect(moved.rows).toBe(counts.reduce((sum, count) => sum + count));
    expect(moved.rows).toBeGreaterThan(600);
    expect(moved.to).toMatchObject(PLACES[there]!);
    expect(after).toEqual(before);
    expect(verified).toMatchObject({ newest: 1, unsealed: 1, broken: null });
    expect(homesAfter).toMatchObject([
      { schemaName: moved.to.schemaName, database: moved.to.database, status: "ACTIVE" },
    ]);
    expect(await rowsOf(database, "northwind")).toEqual(before);
    expect(await homeRowsOf(database, id)).toMatchObject([{ ...(await recordOf(database, "northwind")).home }]);
    expect(back.to).toMatchObject(start);
    expect([await rowsOf(database, "meridian"), await rowsOf(database, "lumen")]).toEqual(neighbours);
    await mustBeTidy();
  });

  it("moves a suspended tenant, and leaves it suspended", async () => {
    const { id, home } = await recordOf(database, "northwind");
    const set = (status: string, at = home) =>
      Promise.all([
        database.owner("update tenantry.tenants set status = $2 where id = $1", [id, status]),
        database.owner(
          `update ${at.schemaName}.tenant set status = $2 where tenant_id = $1`,
          [id, status],
          at.database,
        ),
      ]);
    await set("SUSPENDED");
    const before = await recordOf(database, "northwind");
    const serve = openLeases(database.databases);
    const key = await loadKey({ dataDir: FOLDER });
    const sealings: unknown[] = [];

    // Gateways seal what waits also where nobody is let in: not in a home that is left at this moment.
    await database.owners((owners) =>
      moveTenant(owners, "northwind", PLACES["a schema"]!, {
        keepSeconds: 0,
        onStep: ({ step }) => {
          if (step === "FENCED") sealings.push(sealTenant(serve, before, key).catch(orGone));
        },
      }),
    );

    const now = await recordOf(database, "northwind");
    expect(await Promise.all(sealings)).toEqual(sealings.map(() => null));
    expect(sealings.length).toBeGreaterThan(0);
    await sealNow({ serve, database }, "northwind");
    await serve.close();
    expect(await ownerInHome({ database }, "northwind", (sql) => verifyIn(sql, id))).toMatchObject({ broken: null });
    expect(await homeRowsOf(database, id)).toEqual([{ ...now.home, epoch: now.epoch, status: "SUSPENDED" }]);
    await set("ACTIVE", now.home);
  });

  it("opens no wall meanwhile: the serving login may note its own tenant's rows, and reads nothing of it", async () => {
    const northwind = await recordOf(database, "northwind");
    const stop = await stopAt(database, "update on tenantry.moves", "new.step = 'FENCING'");
    const moving = move("northwind", PLACES.shared!);
    await stop.reached();
    const leases = openLeases(database.databases);
    const traces = `moving_${northwind.id.replaceAll("-", "")}`;
    const trying = async (text: string) => {
      const session = await TenantSession.open(leases, northwind, "change");
      const refusal = await session.query(text, []).catch((error) => error.code);
      await session.rollback();
      return refusal;
    };

    const findings = await database.owners(async (owners) =>
      checkHomes(async (text, params) => (await owners.of(northwind.home.database)).run(text, params)),
    );
    const note = (id: string) => `insert into ${traces} (tenant_id, relation, key) values ('${id}', 'users', '{}')`;
    const refusals = [
      await trying(`select * from ${traces}`),
      await trying(`delete from ${traces}`),
      await trying(note((await recordOf(database, "meridian")).id)),
    ];
    const allowed = await trying(note(northwind.id));
    await leases.close();
    await stop.open();
    await moving;

    expect(findings).toEqual([]);
    expect(refusals).toEqual(["42501", "42501", "42501"]);
    expect(allowed).toMatchObject({ count: 1 });
  });

  it("brings over whatever was changed meanwhile, in whatever order", async () => {
    await move("northwind", PLACES["a schema elsewhere"]!);
    const inside = homeOf({ database }, "northwind");
    const stop = await stopAt(database, "update on tenantry.moves", "new.step = 'FENCING'");
    const moving = move("northwind", PLACES.shared!);
    await stop.reached();

    const [membership] = await inside(
      "select * from memberships where exists (select from grants g where g.membership_id = memberships.id) limit 1",
    );
    await inside("delete from grants where membership_id = $1", [membership!.id]);
    await inside("delete from memberships where id = $1", [membership!.id]);
    // The same person in the same place once more, under another id.
    await inside(
      `insert into memberships select (jsonb_populate_record(m, jsonb_build_object('id', gen_random_uuid()))).*
       from jsonb_populate_record(null::memberships, $1::text::jsonb) m`,
      [JSON.stringify(membership)],
    );
    // Slugs that pass from one to another, and a parent that changes.
    await inside("update organizations set slug = 'for-a-moment' where slug = 'north-1'");
    await inside("update organizations set slug = 'north-1' where slug = 'north-2'");
    await inside("update organizations set slug = 'north-2' where slug = 'for-a-moment'");
    await inside("update users set display_name = 'Changed Meanwhile' where email = 'ben@northwind.test'");
    const expected = await rowsOf(database, "northwind");
    await stop.open();
    const moved = await moving;

    expect(moved.changes).toBeGreaterThanOrEqual(7);
    const traces = Object.keys(expected).filter((table) => table.startsWith("moving_"));
    expect(traces).toHaveLength(1);
    delete expected[traces[0]!];
    expect(await rowsOf(database, "northwind")).toEqual(expected);
    expect((await inside("select email from users where display_name = 'Changed Meanwhile'"))[0]).toMatchObject({
      email: "ben@northwind.test",
    });
    await mustBeTidy();
  });

  it("says that the tenant was moved, where only its old home could not be removed", async () => {
    const isolated = "select isolation from tenantry.tenants where slug = 'northwind'";
    const [at] = await database.owner(isolated);
    if (at!.isolation !== "SCHEMA") await move("northwind", PLACES["a schema"]!);
    await database.owner(
      "create function refuse() returns trigger language plpgsql as $$ begin raise 'not now'; end $$",
    );
    await database.owner("create trigger refuse before delete on tenantry.homes execute function refuse()");

    const error = await move("northwind", PLACES.shared!).catch((thrown) => thrown);
    await database.owner("drop function refuse cascade");

    expect(error).toMatchObject({
      name: "MovedPartlyError",
      message:
        "The tenant northwind was moved, but its old home could not be removed: `tenantry doctor --fix` removes it.",
      cause: { message: expect.stringContaining("not now") },
    });
    expect(await database.owner(isolated)).toEqual([{ isolation: "SHARED" }]);
    expect(await database.owners((owners) => recoverMoves(owners))).toEqual([
      { slug: "northwind", outcome: "REMOVED" },
    ]);
    await mustBeTidy();
  });
});

/** Nothing of a mover is left anywhere, and every wall stands. */
function mustBeTidy(): Promise<void> {
  return database.owners(async (owners) => {
    const main = await owners.main;
    expect([...(await main.run("select * from tenantry.moves"))]).toEqual([]);
    const known = await main.run("select database, schema_name from tenantry.homes");
    for (const one of database.made()) {
      const owner = await owners.of(one);
      const [left] = await owner.run(
        `select (select count(*) from pg_class where relname ~ '^moving_') + (select count(*) from pg_proc where proname ~ '^moving_')
           + (select count(*) from pg_trigger where tgname ~ '^moving_') as traces,
           (select array_agg(nspname::text order by nspname) from pg_namespace where nspname ~ '^t_') as homes`,
      );
      expect(Number(left!.traces)).toBe(0);
      const homes = known.filter((home) => home.database === one).map((home) => String(home.schema_name));
      expect(left!.homes ?? []).toEqual(homes.sort());
      expect(await checkHomes((text, params) => owner.run(text, params))).toEqual([]);
    }
  });
}
