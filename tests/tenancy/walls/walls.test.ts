import type { Leases } from "../../../src/database/leases.js";
import { watchWalls } from "../../../src/tenancy/walls/walls.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { openLeases } from "../../support/sessions.js";
import { until } from "../../support/until.js";

let database: TestDatabase;
let serve: Leases;
let door: Leases;
beforeAll(async () => {
  database = await cloneDatabase();
  [serve, door] = [openLeases(database.url("tenantry_serve")), openLeases(database.url("tenantry_door"))];
});
afterAll(async () => {
  await Promise.all([serve.close(), door.close()]);
  await database.drop();
});

describe("watchWalls", () => {
  it("notices a wall that is opened while the gateway runs, says which, and when it stands again", async () => {
    const told: string[] = [];
    const walls = watchWalls({ serve, door }, (findings) => told.push(...findings.map(({ what }) => what)), 20);
    expect(walls.isSound()).toBe(true);

    // In this database alone: roles are the whole server's.
    await database.owner(`grant create on database ${database.name} to tenantry_serve`);
    await until(() => !walls.isSound());
    await database.owner(`revoke create on database ${database.name} from tenantry_serve`);
    await until(() => walls.isSound());
    walls.stop();

    expect(told[0]).toContain("tenantry_serve");
  });

  it("takes a database that cannot be looked at for open", async () => {
    const away = openLeases(database.url("tenantry_serve").replace(/:\d+\//, ":1/"));
    const walls = watchWalls({ serve: away, door }, () => {}, 20);

    await until(() => !walls.isSound());

    walls.stop();
    await away.close();
  });
});
