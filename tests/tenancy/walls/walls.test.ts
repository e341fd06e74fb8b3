import { checkHomesOf, checkWalls, watchWalls } from "../../../src/tenancy/walls/walls.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { openLeases } from "../../support/sessions.js";
import { until } from "../../support/until.js";
import { openWeb } from "../../support/web.js";

let gateway: TestGateway;

beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(async () => {
  await gateway.close();
});

describe("checkWalls", () => {
  it("finds nothing in a migrated database", async () => {
    expect(await checkWalls(gateway)).toEqual([]);
  });

  it("finds that there is no directory where nothing was migrated", async () => {
    const url = gateway.database.url("tenantry_owner").replace(/[^/]*$/, "postgres");
    const doors = { serve: openLeases(url), door: openLeases(url) };

    const found = await checkWalls(doors);

    // A session that looked at every table of every home remembers them all, and serves nobody.
    expect([doors.serve.counts.open, doors.door.counts.open]).toEqual([0, 0]);
    await Promise.all([doors.serve.close(), doors.door.close()]);
    expect(found).toContainEqual({
      what: "There is no directory of tenants in this database.",
      mend: "Run `tenantry migrate`, which makes it.",
    });
  });
});

describe("checkHomesOf", () => {
  it("finds that everybody may connect to a database that is there for homes alone, and lets them connect to the first", async () => {
    const name = await gateway.database.spare();
    const { databases } = gateway.database;
    const serve = openLeases({ main: databases.main!, [name]: databases[name]! });
    const closed = await checkHomesOf(serve, name);
    await gateway.database.owner(
      `do $$ begin execute format('grant connect on database %I to public', current_database()); end $$`,
      [],
      name,
    );

    const found = await checkHomesOf(serve, name);

    expect([closed, await checkHomesOf(serve, "main")]).toEqual([[], []]);
    expect(found.map(({ what }) => what)).toEqual([
      expect.stringContaining("Every login of the server (PUBLIC) can connect"),
    ]);
    await serve.close();
  });
});

describe("watchWalls", () => {
  it("turns the health of the gateway red while a login has a right too many, and says which", async () => {
    const told: string[] = [];
    const users = `${(await gateway.database.owner("select schema_name from tenantry.tenants where database = 'main' limit 1"))[0]!.schema_name}.users`;
    const walls = watchWalls(
      gateway,
      (findings) => told.push(...findings.map(({ what }) => what)),
      undefined,
      undefined,
      20,
    );
    const web = await openWeb(gateway, {}, walls.isSound);
    const health = async () => (await web.send("GET", "/health/ready")).status;
    expect(await health()).toBe(200);

    await gateway.database.owner(`grant truncate on ${users} to tenantry_serve`);
    await until(async () => (await health()) === 503);
    await gateway.database.owner(`revoke truncate on ${users} from tenantry_serve`);
    await until(async () => (await health()) === 200);

    walls.stop();
    await web.close();
    expect(told[0]).toContain("tenantry_serve");
    expect(told[0]).toContain(users);
  });

  it("begins no look while another is under way, and none after it was stopped", async () => {
    const settings = { size: 1, waitMs: 30_000 };
    const open = (login: "tenantry_serve" | "tenantry_door") => openLeases(gateway.database.url(login), settings);
    const doors = { serve: open("tenantry_serve"), door: open("tenantry_door") };
    const held = await doors.serve.acquire("");
    const walls = watchWalls(doors, () => {}, undefined, undefined, 1);
    await until(() => doors.serve.counts.waiting === 1);

    await held.run("select pg_sleep(0.1)");
    expect(doors.serve.counts.waiting).toBe(1);

    walls.stop();
    held.release();
    // Behind the look that waited.
    const next = await doors.serve.acquire("");
    await next.run("select pg_sleep(0.1)");
    expect(doors.serve.counts.waiting).toBe(0);
    next.release();
    await Promise.all([doors.serve.close(), doors.door.close()]);
  });

  it("takes a database that cannot be looked at for an open one", async () => {
    const nowhere = openLeases("postgres://nobody:nothing@127.0.0.1:1/nowhere");
    const walls = watchWalls({ serve: nowhere, door: nowhere }, () => {}, undefined, undefined, 20);
    expect(walls.isSound()).toBe(true);

    await until(() => !walls.isSound());

    walls.stop();
    await nowhere.close();
  });
});
