import { randomInt } from "node:crypto";
import { replicaOf } from "../../src/database/names.js";
import { withOwner } from "../../src/database/owner.js";
import { readAccess } from "../../src/features/memberships/readAccess.js";
import { Operation } from "../../src/graphql/operation.js";
import { identityDigest } from "../../src/identity/digest.js";
import { DEVELOPMENT_ISSUER } from "../../src/identity/issuers.js";
import { loadKey } from "../../src/identity/key.js";
import { PRODUCT_FILE, readProduct } from "../../src/product.js";
import { Replicas } from "../../src/tenancy/replicas.js";
import { TenantSession } from "../../src/tenancy/session.js";
import { FOLDER } from "../support/database.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { History } from "../support/history.js";
import { seeded } from "../support/random.js";
import { recordOf } from "../support/sessions.js";
import { type Pair, startPair } from "../support/standby.js";
import { ACCESS } from "../support/statements.js";
import { until } from "../support/until.js";
import { type Planted, type TenantSketch, world } from "../support/world.js";

const READS = Number(process.env.TENANTRY_REPLICA_READS ?? 60);
const SEED = Number(process.env.TENANTRY_SEED ?? randomInt(2 ** 31));

/** Longer than a busy machine takes to answer: what is shown here has nothing to do with time. */
const WAIT_MS = 400;

let pair: Pair;
let gateway: TestGateway;
let acme: Planted;
/** A gateway that has, as `serve` has at its start, a connection to each replica that lets it in. */
async function open(replicas: Record<string, string>, options: Parameters<typeof openGateway>[0] = {}) {
  const opened = await openGateway({ database: pair.database, replicas, replicaWaitMs: WAIT_MS, ...options });
  for (const name of Object.keys(replicas))
    await opened.serve.acquire("", undefined, replicaOf(name)).then(
      (lease) => lease.release(),
      () => {},
    );
  return opened;
}
const ofMain = () => pair.url(pair.database.databases.main!);

beforeAll(async () => {
  pair = await startPair();
  gateway = await open({ main: ofMain() });
  ({ acme } = await world(gateway, { acme: sketch("acme") }));
  await pair.caughtUp();
});
afterAll(async () => {
  await gateway?.close();
  await pair?.close();
});

function sketch(name: string): TenantSketch {
  return {
    tree: { [name]: { north: {}, south: {} } },
    people: {
      boss: [{ at: name, roles: ["owner"], reach: "SUBTREE" }],
      mia: [{ at: "north", roles: ["member"], reach: "SUBTREE" }],
      noa: [{ at: "north", roles: ["admin"] }],
    },
    events: { north: 3 },
  };
}

const MEMBERS = '{ organization(by: { slug: "north" }) { name memberships(first: 9) { nodes { user { email } } } } }';
const EVENTS = '{ organization(by: { slug: "north" }) { name auditEvents(first: 9) { nodes { id } } } }';
/** A change by the owner, and the type of what it answers. */
const change = async (name: string, input: object, payload = "") => {
  const title = name[0]!.toUpperCase() + name.slice(1);
  const document = `mutation($input: ${title}Input!) { ${name}(input: $input) { __typename ... on ${title}Payload { ${payload} } } }`;
  const data = await acme.as("boss").get(document, { input });
  expect(data[name].__typename).toBe(`${title}Payload`);
  return data[name];
};
const turn = (how: "suspend" | "resume", name: string) =>
  change(`${how}Membership`, { membershipId: acme.id("Membership", `${name}@north`) }, "membership { id }");
const rename = (name: string) =>
  change("updateOrganization", { organizationId: acme.id("Organization", "north"), name }, "organization { name }");

/** What a statement is for, by how it begins. */
const KINDS = [
  ["begin isolation level repeatable read read only", "begin"],
  ["select set_config(", "enter"],
  [ACCESS, "access"],
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
/** Asks until it is the replica that answers. */
const served = (through = gateway, { slug } = acme) =>
  until(async () => {
    const noa = through.as(`noa@${slug}.test`, slug);
    return (await asked(() => noa.get(MEMBERS), through)).replica.includes("data");
  });
/** How often the gateway said that a replica does not serve. */
const told = (one: TestGateway) => one.log().match(/a replica does not serve[^}]*/g)?.length ?? 0;
const pause = () => pair.replica("select pg_wal_replay_pause()");
const resume = () => pair.replica("select pg_wal_replay_resume()");
/** Runs `work` while nothing reaches the replica. */
const paused = async (work: () => Promise<void>) => {
  await pause();
  try {
    await work();
  } finally {
    await resume();
    await pair.caughtUp();
  }
};

const ON_PRIMARY = ["begin", "enter", "access"];
const ACCESS_ONLY = [...ON_PRIMARY, "position", "end"];

describe("a query with a replica", () => {
  it("reads nothing but access from the primary, and everything else from the replica, in as many statements each time", async () => {
    await served();

    const [members, again] = [
      await asked(() => acme.as("noa").get(MEMBERS)),
      await asked(() => acme.as("boss").get(MEMBERS)),
    ];

    expect(members.primary).toEqual(ACCESS_ONLY);
    expect(members.replica).toEqual(["catch up", ...ON_PRIMARY, "data", "data", "end"]);
    expect(again).toEqual(members);
  });

  it("refuses what has been withdrawn, whatever the replica has heard of it", async () => {
    await served();
    expect((await acme.as("mia").get(MEMBERS)).organization.name).toBe("north");

    await paused(async () => {
      await turn("suspend", "mia");

      const { primary, replica } = await asked(async () => {
        expect(await acme.as("mia").get(MEMBERS)).toEqual({ organization: null });
      });
      expect(replica).not.toContain("data");
      expect(primary.slice(-4)).toEqual([...ON_PRIMARY.slice(1), "data", "end"]);
    });

    await served();
    expect(await acme.as("mia").get(MEMBERS)).toEqual({ organization: null });
    await turn("resume", "mia");
    expect((await acme.as("mia").get(MEMBERS)).organization.name).toBe("north");
  });

  it("shows every change that was acknowledged before it was asked", async () => {
    const names = async (to: string) => {
      await rename(to);
      expect((await acme.as("noa").get(MEMBERS)).organization.name).toBe(to);
    };

    for (let nth = 0; nth < 5; nth++) await names(`north ${nth}`);
    await paused(() => names("north unheard of"));
    await served();

    expect((await acme.as("noa").get(MEMBERS)).organization.name).toBe("north unheard of");
    await rename("north");
  });

  it("keeps changes, and what they answer, to the primary", async () => {
    await served();

    const { replica } = await asked(() => rename("north"));

    expect(replica).toEqual([]);
  });

  it("says once that the replica lags, not for every query", async () => {
    const own = await open({ main: ofMain() });
    await served(own);

    await paused(async () => {
      await rename("north");
      for (let nth = 0; nth < 10; nth++) await own.as("noa@acme.test", "acme").get(MEMBERS);
    });
    await served(own);

    expect(told(own)).toBe(1);
    expect(own.log()).toContain("It lags behind the primary.");
    await own.close();
  });

  it("takes no more connections for both than without", async () => {
    const own = await open({ main: ofMain() }, { leases: 3 });
    const most: number[] = [];

    await Promise.all(
      Array.from({ length: 30 }, async () => {
        await own.as("noa@acme.test", "acme").get(MEMBERS);
        most.push(own.serve.counts.open);
      }),
    );

    expect(Math.max(...most)).toBeLessThanOrEqual(3);
    await own.close();
  });

  it.each(["SHARED", "DATABASE"] as const)("serves tenants of %s just so", async (isolation) => {
    const database = isolation === "DATABASE" ? await pair.database.spare() : "main";
    const name = isolation.toLowerCase();
    const placed = { ...pair.database, placeForTenant: async () => ({ isolation, database }) };
    const own = await open({ [database]: pair.url(pair.database.databases[database]!) }, { database: placed });
    const { [name]: planted } = await world(own, { [name]: sketch(name) });

    await served(own, planted);

    const { primary } = await asked(() => planted!.as("noa").get(MEMBERS), own);
    expect(primary).toEqual(ACCESS_ONLY);
    await own.close();
  });

  it("leaves everything as it is for tenants of a database without one", async () => {
    const own = await open({ more: pair.url(pair.database.databases.more!) });

    const { primary, replica } = await asked(() => own.as("noa@acme.test", "acme").get(MEMBERS), own);

    expect(primary).toEqual([...ON_PRIMARY, "data", "data", "end"]);
    expect(replica).toEqual([]);
    await own.close();
  });
});

describe("a replica that will not do", () => {
  it.each([
    ["is the primary itself", () => pair.database.databases.main!, "It is not a replica"],
    ["is of another database", () => ofMain().replace(/[^/]*$/, "tenantry"), "It is not a replica"],
    ["is entered by another login", () => pair.url(pair.database.url("tenantry_owner")), "It is not a replica"],
    ["is not there", () => "postgres://tenantry_serve:sesame@127.0.0.1:1/tenantry", "It does not answer"],
  ])("is told of and serves nothing where it %s", async (_what, url, why) => {
    const own = await open({ main: url() });

    for (let nth = 0; nth < 3 || told(own) === 0; nth++)
      expect((await own.as("noa@acme.test", "acme").get(MEMBERS)).organization.name).toBe("north");
    const { replica } = await asked(() => own.as("noa@acme.test", "acme").get(MEMBERS), own);

    expect(replica).not.toContain("data");
    expect(told(own)).toBe(1);
    expect(own.log()).toContain(why);
    await own.close();
  });

  it("is one of another server or another timeline, though it is in recovery and far enough", async () => {
    const record = await recordOf(pair.database, "acme");
    const session = await TenantSession.open(gateway.serve, record, "read");
    const position = (await session.leave())!;
    const [system, timeline, ...rest] = position.origin.split(" ");
    await pair.caughtUp();
    const why: unknown[] = [];
    const enter = async (origin: string) => {
      const replica = new Replicas(gateway.serve, WAIT_MS, (...told) => why.push(told)).of("main")!;
      const { session, isReady } = (await replica.enter(
        record,
        { ...position, origin },
        new AbortController().signal,
      ))!;
      const answer = await isReady;
      await session.rollback();
      return answer;
    };

    expect(await enter(position.origin)).toBe(true);
    expect(await enter([`${BigInt(system!) + 1n}`, timeline, ...rest].join(" "))).toBe(false);
    expect(await enter([system, `${Number(timeline) + 1}`, ...rest].join(" "))).toBe(false);
    expect(why).toEqual(Array(2).fill(["main", expect.stringContaining("another server, timeline")]));
  });

  it("fails nobody when it is killed in the middle of traffic, and serves again when it is back", async () => {
    const own = await open({ main: ofMain() });
    await served(own);
    let [isDown, after] = [false, 0];

    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (after < 20) {
          const { errors, data } = await own.as("noa@acme.test", "acme").ask(MEMBERS);
          expect(errors).toBeUndefined();
          expect(data.organization.memberships.nodes).toHaveLength(2);
          if (isDown) after++;
        }
      }),
    );
    await pair.kill();
    isDown = true;
    await asking;

    expect(told(own)).toBe(1);
    await pair.start();
    await served(own);
    await own.close();
  });
});

describe("a query that the replica does not finish", () => {
  /**
   * Asks, and has the replica in the middle of its answer when `then` runs; what holds it up ends after that. Says how often the
   * gateway had told before that the replica does not serve: on a busy machine it may lag for a moment, and is asked again.
   */
  async function interrupted(own: TestGateway, then: (pid: number) => Promise<void>) {
    const { schemaName } = (await recordOf(pair.database, "acme")).home;
    return withOwner(pair.database.url("tenantry_owner"), async (owner) => {
      await owner.run("begin");
      await owner.run(`lock table ${schemaName}.audit_events in access exclusive mode`);
      await pair.caughtUp();
      for (;;) {
        await served(own);
        const before = told(own);
        let [pid, isOver] = [0, false];
        const answer = own.as("boss@acme.test", "acme").ask(EVENTS);
        void answer.finally(() => {
          isOver = true;
        });
        await until(async () => {
          const [waiting] = await pair.replica("select pid from pg_locks where not granted");
          pid = Number(waiting?.pid ?? 0);
          return pid > 0 || isOver;
        });
        if (pid === 0) continue;
        await then(pid);
        await owner.run("rollback");
        return { ...(await answer), before };
      }
    });
  }
  /** The owner locks what the query has read already: PostgreSQL prefers what comes from the primary. */
  const conflict = async () => {
    const { schemaName } = (await recordOf(pair.database, "acme")).home;
    const conflicts = () => pair.log().split("due to conflict with recovery").length;
    const before = conflicts();
    await withOwner(pair.database.url("tenantry_owner"), async (owner) => {
      await owner.run("begin");
      await owner.run(`lock table ${schemaName}.organizations in access exclusive mode`);
      await pair.database.owner("select pg_logical_emit_message(true, 'test', 'sends the lock')");
      await until(() => conflicts() > before);
      await owner.run("rollback");
    });
  };

  it.each<[string, (pid: number) => Promise<void>, { silenceMs?: number }?]>([
    ["in the way of what the primary sends", conflict],
    [
      "on a connection that ends",
      async (pid: number) => void (await pair.replica("select pg_terminate_backend($1)", [pid])),
    ],
    ["on one that goes silent", async () => pair.way.mute(), { silenceMs: 300 }],
  ])("is answered by the primary: %s", async (_how, then, pool = {}) => {
    const own = await open({ main: ofMain() }, { pool });

    let toldBefore = 0;
    const { primary } = await asked(async () => {
      const { data, errors, before } = await interrupted(own, then);
      toldBefore = before;
      expect(errors).toBeUndefined();
      expect(data.organization.auditEvents.nodes.length).toBeGreaterThanOrEqual(3);
    }, own);
    pair.way.open();

    expect(primary.slice(-2)).toEqual(["data", "end"]);
    // Once told, it is not told again before it has served for a while.
    expect(told(own)).toBe(1);
    if (toldBefore === 0) expect(own.log()).toContain("It broke off what it was asked.");
    await own.close();
  });
});

describe("rows and rights", () => {
  it("are of one moment: a row that comes into reach after the right to it has gone is not shown", async () => {
    const record = await recordOf(pair.database, "acme");
    const digest = identityDigest(await loadKey({ dataDir: FOLDER }), {
      issuer: DEVELOPMENT_ISSUER,
      subject: "mia@acme.test",
    });
    const { schemaName } = record.home;
    const { north, south } = acme.organizations;
    const place = { id: south!, path: [acme.organizations.acme!, north!] };
    let readings = 0;
    await served();
    const operation = new Operation({
      leases: gateway.serve,
      signal: new AbortController().signal,
      replicas: new Replicas(gateway.serve, WAIT_MS, () => {}),
      onChange: () => {},
      tenant: async () => record,
      readAccess: async (session, named) => {
        const answer = await readAccess(readProduct(PRODUCT_FILE), session, digest, named);
        if (readings++ > 0) return answer;
        await turn("suspend", "mia");
        await pair.database.owner(`update ${schemaName}.organizations set parent_id = $1, path = $2 where id = $3`, [
          north,
          `{${place.path}}`,
          south,
        ]);
        await pair.caughtUp();
        return answer;
      },
    });

    await operation.query([], {});

    const { access, session } = operation.scope!;
    expect(access.allows(place, "members:read")).toBe(false);
    expect(await session.query("select pg_is_in_recovery() as is", [])).toMatchObject([{ is: false }]);
    expect(readings).toBe(3);
    await operation.end();
    await turn("resume", "mia");
    await pair.database.owner(`update ${schemaName}.organizations set parent_id = $1, path = $2 where id = $3`, [
      acme.organizations.acme,
      `{${acme.organizations.acme}}`,
      south,
    ]);
  });

  it("are never older than what was acknowledged, with a replica that stops and goes on", async () => {
    await served();
    const random = seeded(SEED);
    const held = new History();
    const wrong: string[] = [];
    const counts = { replica: 0, primary: 0, refused: 0, turns: 0, pauses: 0 };
    let [started, done, reads] = [0, 0, 0];
    const mia = acme.as("mia");
    await rename("0");

    const read = async () => {
      const [least, begin] = [done, performance.now()];
      const { organization } = await mia.get(MEMBERS);
      const right = held.during(begin, performance.now());
      if (right !== null && right !== (organization !== null))
        wrong.push(`read ${reads}: ${organization}, held ${right}`);
      const shown = Number(organization?.name ?? least);
      if (shown < least || shown > started) wrong.push(`read ${reads}: ${shown}, between ${least} and ${started}`);
      if (!organization) counts.refused++;
      reads++;
    };
    const isOver = () => reads >= READS;
    const statements = await asked(() =>
      Promise.all([
        ...Array.from({ length: 3 }, async () => {
          while (!isOver()) await read();
        }),
        (async () => {
          while (!isOver()) {
            await rename(String(++started));
            done = started;
            await held.turn(() => turn(counts.turns % 2 ? "resume" : "suspend", "mia"));
            counts.turns++;
            const goOn = reads + random() * 20;
            await until(() => reads >= goOn || isOver());
          }
          if (counts.turns % 2) await held.turn(() => turn("resume", "mia"));
        })(),
        (async () => {
          while (!isOver()) {
            const goOn = reads + random() * 30;
            await until(() => reads >= goOn || isOver());
            await pause();
            counts.pauses++;
            const enough = reads + random() * 15;
            await until(() => reads >= enough || isOver());
            await resume();
          }
        })(),
      ]),
    );
    await rename("north");

    counts.replica = statements.replica.filter((one) => one === "data").length;
    counts.primary = statements.primary.filter((one) => one === "data").length;
    console.info(JSON.stringify({ seed: SEED, reads, changes: started, ...counts }));
    expect({ seed: SEED, wrong }).toEqual({ seed: SEED, wrong: [] });
    for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0);
  });
});
