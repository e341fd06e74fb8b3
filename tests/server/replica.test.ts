import { openGateway, type TestGateway } from "../support/gateway.js";
import { type Pair, startPair } from "../support/standby.js";
import { until } from "../support/until.js";
import { type Planted, world } from "../support/world.js";

let pair: Pair;
let gateway: TestGateway;
let acme: Planted;
const open = (replicas: Record<string, string>, options: Parameters<typeof openGateway>[0] = {}) =>
  openGateway({ database: pair.database, replicas, ...options });
const ofMain = () => pair.url(pair.database.databases.main!);

beforeAll(async () => {
  pair = await startPair();
  gateway = await open({ main: ofMain() });
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { north: {}, south: {} } },
      people: {
        boss: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        mia: [{ at: "north", roles: ["member"] }],
        noa: [{ at: "north", roles: ["admin"] }],
      },
      events: { north: 3 },
    },
  }));
  await pair.caughtUp();
});
afterAll(async () => {
  await gateway?.close();
  await pair?.close();
});

const MEMBERS = '{ organization(by: { slug: "north" }) { name memberships(first: 9) { nodes { user { email } } } } }';
const ofNorth = ["boss", "mia", "noa"].map((name) => `${name}@acme.test`);
const RENAME = `mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) {
  ... on UpdateOrganizationPayload { organization { name } } } }`;

/** What a statement is for, by how it begins. */
const KINDS = [
  ["begin isolation level repeatable read read only", "begin"],
  ["select set_config(", "enter"],
  ["with clock as materialized", "access"],
  ["select pg_current_wal_insert_lsn()", "position"],
  ["select o.is_ours", "catch up"],
  ["commit", "end"],
  ["rollback", "end"],
] as const;
const kinds = (statements: readonly string[]) =>
  statements
    .filter((text) => !text.includes("tenantry.tenants"))
    .map((text) => KINDS.find(([beginning]) => text.startsWith(beginning))?.[1] ?? "data");

/** What each of the two servers was asked while `work` ran. */
async function asked(work: () => Promise<unknown>, through = gateway) {
  let primary: string[] = [];
  const replica = await pair.statements(async () => {
    primary = await pair.database.statements(async () => {
      await work();
      await through.settled();
    });
  });
  return { primary: kinds(primary), replica: kinds(replica) };
}
/** Asks until the replica is the one that answers. */
const served = (document = MEMBERS, who = "noa", through = gateway, tenant = acme) =>
  until(async () => {
    const person = through.as(`${who}@acme.test`, tenant.slug);
    return (await asked(() => person.get(document), through)).replica.includes("data");
  });
const pause = () => pair.replica("select pg_wal_replay_pause()");
const resume = () => pair.replica("select pg_wal_replay_resume()");
const paused = async (work: () => Promise<void>) => {
  await pause();
  try {
    await work();
  } finally {
    await resume();
    await pair.caughtUp();
  }
};

describe("a query with a replica", () => {
  it("reads nothing but access from the primary, and everything else from the replica", async () => {
    await served();

    const { primary, replica } = await asked(async () => {
      const { organization } = await acme.as("noa").get(MEMBERS);
      expect(organization.name).toBe("north");
    });

    expect(primary).toEqual(["begin", "enter", "access", "position", "end"]);
    expect(replica.slice(0, 4)).toEqual(["catch up", "begin", "enter", "access"]);
    expect(replica.slice(4)).toEqual([...replica.slice(4, -1).map(() => "data"), "end"]);
    expect(replica.length).toBeGreaterThan(6);
  });
});
