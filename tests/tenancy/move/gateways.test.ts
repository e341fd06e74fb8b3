import { MAIN } from "../../../src/database/names.js";
import { readAccess } from "../../../src/features/memberships/readAccess.js";
import { identityDigest } from "../../../src/identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../../../src/identity/issuers.js";
import { loadKey } from "../../../src/identity/key.js";
import { PRODUCT_FILE, readProduct } from "../../../src/product.js";
import type { TenantRecord } from "../../../src/tenancy/directory/directory.js";
import { type Destination, moveTenant } from "../../../src/tenancy/move/move.js";
import { type Purpose, TenantSession } from "../../../src/tenancy/session.js";
import { FOLDER } from "../../support/database.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { stopAt } from "../../support/moves.js";
import { recordOf, write, written } from "../../support/sessions.js";
import { until } from "../../support/until.js";

let gateway: TestGateway;
let digest: Buffer;
const CATALOGUE = readProduct(PRODUCT_FILE);
const PURPOSES: readonly Purpose[] = ["read", "change", "withdraw"];
const HERE: Destination = { isolation: "SCHEMA", database: MAIN };
const SHARED: Destination = { isolation: "SHARED", database: MAIN };

beforeAll(async () => {
  gateway = await openGateway({ requestTimeoutMs: 10_000 });
  digest = identityDigest(await loadKey({ dataDir: FOLDER }), {
    issuer: DEVELOPMENT_ISSUER,
    subject: "ada@northwind.test",
  });
});
afterAll(() => gateway.close());

const move = (to: Destination, keepSeconds = 0) =>
  gateway.database.owners((owners) => moveTenant(owners, "northwind", to, { keepSeconds }));
const northwind = () => recordOf(gateway.database, "northwind");

/** What the home of a record answers to ada, in a session that believes in it. */
async function answerOf(record: TenantRecord, purpose: Purpose) {
  const session = await TenantSession.open(gateway.serve, record, purpose);
  try {
    return await readAccess(CATALOGUE, session, digest, []);
  } finally {
    await session.rollback();
  }
}

const ada = () => gateway.as("ada@northwind.test", "northwind");
const rename = (name: string) => `mutation {
  updateOrganization(input: { organizationId: "${root}", name: "${name}" }) { ... on UpdateOrganizationPayload { organization { name } } }
}`;
const NAME = '{ organization(by: { slug: "northwind" }) { id name } }';
let root: string;

describe("a gateway", () => {
  it("that believes in the old home neither reads nor writes there, whether it is kept or gone", async () => {
    for (const [to, keepSeconds] of [
      [SHARED, 60],
      [HERE, 60],
      [SHARED, 0],
      [HERE, 0],
    ] as const) {
      const before = await northwind();
      await move(to, keepSeconds);

      for (const purpose of PURPOSES) expect(await answerOf(before, purpose)).toBe("STALE");
      for (const purpose of PURPOSES) expect(await answerOf(await northwind(), purpose)).toMatchObject({ viewer: {} });
    }
  });

  it("that remembers the old home finds the new one with the request that needs it", async () => {
    const { organization } = await ada().get(NAME);
    root = organization.id;
    await move(SHARED);

    expect(await ada().get(NAME)).toEqual({ organization });
    await move(HERE);
    expect(await ada().get(rename("Northwind"))).toMatchObject({
      updateOrganization: { organization: { name: "Northwind" } },
    });
  });

  it("lets changes wait while the home is fenced, and goes on reading", async () => {
    const fenced = await stopAt(gateway.database, "update on tenantry.tenants", "new.slug = 'northwind'");
    const moving = move(SHARED);
    await fenced.reached();

    let isAnswered = false;
    const change = ada()
      .get(rename("Renamed in the fence"))
      .finally(() => (isAnswered = true));
    const read = await ada().get(NAME);
    expect([read.organization.name, isAnswered]).toEqual(["Northwind", false]);
    await fenced.open();
    await moving;

    expect(await change).toMatchObject({ updateOrganization: { organization: { name: "Renamed in the fence" } } });
    expect((await ada().get(NAME)).organization.name).toBe("Renamed in the fence");
  });

  it("waits no longer than a request may take, and changed nothing then", async () => {
    const { home } = await northwind();
    const set = (status: string) =>
      gateway.database.owner(
        `update ${home.schemaName}.tenant set status = $1 where tenant_id = $2`,
        [status, tenantId],
        home.database,
      );
    const { id: tenantId } = await northwind();
    await set("FENCED");

    const { status, errors } = await ada().ask(rename("Too late"));
    await set("ACTIVE");

    expect([status, errors?.[0]?.extensions.code]).toEqual([503, "UNAVAILABLE"]);
    expect((await ada().get(NAME)).organization.name).not.toBe("Too late");
  });

  it("loses no change that was past its access check when the home was fenced", async () => {
    const fencing = await stopAt(gateway.database, "update on tenantry.moves", "new.step = 'FENCING'");
    const moving = move(HERE);
    await fencing.reached();
    const session = await TenantSession.open(gateway.serve, await northwind(), "change");
    const row = await write(session);
    await fencing.open();
    await until(async () => (await waitingForTheLock()) > 0);

    await session.commit();
    const moved = await moving;

    expect(moved.to).toMatchObject(HERE);
    expect(await written(gateway.database, await northwind())).toContain(row);
  });
});

const waitingForTheLock = async () => {
  const [row] = await gateway.database.owner(
    `select count(*) as waiting from pg_locks where locktype = 'advisory' and not granted
     and database = (select oid from pg_database where datname = current_database())`,
  );
  return Number(row!.waiting);
};
