import { randomInt } from "node:crypto";
import { Agent, request } from "node:http";
import type { Lease } from "../src/database/lease.js";
import { withOwner } from "../src/database/owner.js";
import { mintToken } from "../src/identity/developmentToken.js";
import { loadKey } from "../src/identity/key.js";
import { lockOf } from "../src/tenancy/tenantLock.js";
import { command, stopCommands } from "./support/command.js";
import { FOLDER } from "./support/database.js";
import { openGateway, type TestGateway } from "./support/gateway.js";
import { History } from "./support/history.js";
import { homeOf } from "./support/home.js";
import { seeded } from "./support/random.js";
import { recordOf } from "./support/sessions.js";
import { until } from "./support/until.js";
import { type Planted, type TenantSketch, world } from "./support/world.js";

const OPERATIONS = Number(process.env.TENANTRY_REVOCATIONS ?? 2000);
const SEED = Number(process.env.TENANTRY_SEED ?? randomInt(2 ** 31));
const WAYS = [
  "grant",
  "grants",
  "role",
  "membership",
  "removal",
  "user",
  "move",
  "organization",
  "identity",
  "end",
] as const;
const NAMES = Array.from({ length: 6 }, (_, nth) => `p${nth}`);

let gateway: TestGateway;
let acme: Planted;
let urls: string[];
const agent = new Agent({ keepAlive: true });
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, { acme: sketch() }));
  const env = {
    PORT: "0",
    TENANTRY_DATA_DIR: FOLDER,
    TENANTRY_DEVELOPMENT: "on",
    TENANTRY_KEY: (await loadKey({ dataDir: FOLDER })).toString("base64url"),
    TENANTRY_LEASE_WAIT_MS: "20000",
    DATABASE_URL: gateway.database.url("tenantry_serve"),
    DATABASE_DOOR_URL: gateway.database.url("tenantry_door"),
  };
  urls = await Promise.all([command(["serve"], { env }).ready, command(["serve"], { env }).ready]);
});
afterAll(async () => {
  agent.destroy();
  await stopCommands();
  await gateway.close();
});

/** Each person reads and writes in a branch of their own, on rights that an owner of their own withdraws and gives back. */
function sketch(): TenantSketch {
  const each = <T>(make: (name: string) => readonly (readonly [string, T])[]) =>
    Object.fromEntries(NAMES.flatMap(make));
  return {
    tree: { acme: { away: {}, ...each((name) => [[`home-${name}`, { [`leaf-${name}`]: { [`twig-${name}`]: {} } }]]) } },
    roles: each((name) => [[`role-${name}`, { permissions: ["organizations:read", "organizations:update"] }]]),
    people: each((name) => [
      [name, [{ at: `home-${name}`, roles: [`role-${name}`], reach: "SUBTREE" }]],
      [`boss-${name}`, [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }]],
    ]),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever its own document asked for
type Body = any;
/** Asks one of the two processes. */
async function askAt(url: string, email: string, query: string, variables: object): Promise<Body> {
  const token = await tokenOf(email);
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}`, "x-tenant": "acme" };
    const call = request(`${url}/graphql`, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve(JSON.parse(text))).on("error", reject);
    });
    call.on("error", reject).end(JSON.stringify({ query, variables }));
  });
}
const tokens = new Map<string, Promise<string>>();
function tokenOf(email: string): Promise<string> {
  if (!tokens.has(email)) tokens.set(email, mintToken(FOLDER, { email }));
  return tokens.get(email)!;
}

const MOST = `... on Failure { code message }`;
async function changeAt(url: string, person: string, name: string, input: object, payload = ""): Promise<Body> {
  const title = name[0]!.toUpperCase() + name.slice(1);
  const document = `mutation($input: ${title}Input!) { ${name}(input: $input) { __typename ${payload} ${MOST} } }`;
  return askAt(url, `${person}@acme.test`, document, { input });
}

/**
 * Where the order of commits is written down: by a trigger that runs at each commit, when the tenant's lock is still held.
 * Who holds it in its exclusive form has a number before or after everybody else's, as their commits are; clocks have no
 * say. What no mutation does is done under the same lock, and leaves its own number.
 */
async function watchCommits(owner: Lease): Promise<void> {
  const { home, id } = await recordOf(gateway.database, "acme");
  const { schemaName } = home;
  for (const text of [
    "create schema watch",
    "create table watch.commits (nth bigint generated always as identity, event uuid, turned text)",
    `create table watch.identities as select id, identity from ${schemaName}.users`,
    `create function watch.note() returns trigger language plpgsql security definer as $$
     begin insert into watch.commits (event) values (new.id); return null; end $$`,
    `create constraint trigger watched after insert on ${schemaName}.audit_events
     deferrable initially deferred for each row execute function watch.note()`,
    `create function watch.turn(whose text, how text) returns void language plpgsql set search_path = ${schemaName} as $$
     begin
       perform pg_advisory_xact_lock(${lockOf(id)}::bigint);
       execute how;
       insert into watch.commits (turned) values (whose);
     end $$`,
    `create function watch.move(leaf uuid, target uuid) returns void language plpgsql set search_path = ${schemaName} as $$
     declare old uuid[]; new uuid[];
     begin
       select path into old from organizations o where o.id = leaf;
       select path || o.id into new from organizations o where o.id = target;
       update organizations o set parent_id = target, path = new where o.id = leaf;
       update organizations o set path = new || path[cardinality(old) + 1:] where leaf = any(path);
     end $$`,
  ])
    await owner.run(text);
}

interface Way {
  readonly withdraw: (url: string) => Promise<Body>;
  readonly give: (url: string) => Promise<Body>;
}

/** The ways a person's right can be withdrawn and given back. */
function waysOf(name: string, owner: Lease, home: string): Readonly<Record<(typeof WAYS)[number], Way>> {
  const organizationId = acme.id("Organization", `home-${name}`);
  const userId = acme.id("User", name);
  const roleId = acme.id("Role", `role-${name}`);
  const given = { role: { id: roleId }, reach: "SUBTREE" };
  let membershipId = acme.id("Membership", `${name}@home-${name}`);
  let grantId = acme.id("Grant", `${name}@home-${name}`);
  const done = async (url: string, mutation: string, input: object): Promise<void> => {
    const title = mutation[0]!.toUpperCase() + mutation.slice(1);
    const payload = /grant|add/i.test(mutation) ? `... on ${title}Payload { membership { id grants { id } } }` : "";
    const body = await changeAt(url, `boss-${name}`, mutation, input, payload);
    if (body.data?.[mutation]?.__typename !== `${title}Payload`) throw new Error(JSON.stringify(body));
    membershipId = body.data[mutation].membership?.id ?? membershipId;
    grantId = body.data[mutation].membership?.grants?.[0]?.id ?? grantId;
  };
  const sql = (how: string) => () => owner.run("select watch.turn($1, $2)", [name, how]);
  const move = (target: string) =>
    sql(`select watch.move('${acme.organizations[`leaf-${name}`]}', '${acme.organizations[target]}')`);
  const status = (to: string) => sql(`update organizations set status = '${to}' where slug = 'home-${name}'`);
  const identity = (as: string) => sql(`update users u set identity = ${as} where id = '${acme.users[name]}'`);
  const permissions = ["organizations:read", "organizations:update"];
  return {
    grant: {
      withdraw: (url) => done(url, "revokeGrant", { grantId }),
      give: (url) => done(url, "grantRole", { membershipId, ...given }),
    },
    grants: {
      withdraw: (url) => done(url, "setGrants", { membershipId, grants: [] }),
      give: (url) => done(url, "setGrants", { membershipId, grants: [given] }),
    },
    role: {
      withdraw: (url) => done(url, "updateRole", { roleId, permissions: ["members:read"] }),
      give: (url) => done(url, "updateRole", { roleId, permissions }),
    },
    membership: {
      withdraw: (url) => done(url, "suspendMembership", { membershipId }),
      give: (url) => done(url, "resumeMembership", { membershipId }),
    },
    user: {
      withdraw: (url) => done(url, "suspendUser", { userId }),
      give: (url) => done(url, "resumeUser", { userId }),
    },
    removal: {
      withdraw: (url) => done(url, "removeMembership", { membershipId }),
      give: (url) => done(url, "addMembership", { organizationId, userId, grants: [given] }),
    },
    move: { withdraw: move("away"), give: move(`home-${name}`) },
    organization: { withdraw: status("SUSPENDED"), give: status("ACTIVE") },
    identity: {
      withdraw: identity("null"),
      give: identity("(select w.identity from watch.identities w where w.id = u.id)"),
    },
    end: {
      withdraw: async () => {
        const set = `update ${home}.memberships set expires_at = clock_timestamp() + interval '5 ms' where user_id = $1`;
        await owner.run(set, [acme.users[name]]);
        const over = `select from ${home}.memberships where user_id = $1 and expires_at < clock_timestamp()`;
        await until(async () => (await owner.run(over, [acme.users[name]])).length === 1);
      },
      give: () => owner.run(`update ${home}.memberships set expires_at = null where user_id = $1`, [acme.users[name]]),
    },
  };
}

describe("a right that is withdrawn", () => {
  it("is gone with the next request at every process, and under every change that is not committed yet", async () => {
    const counts: Record<string, number> = {};
    const count = (what: string) => {
      counts[what] = (counts[what] ?? 0) + 1;
    };
    const wrong: string[] = [];
    const written: string[] = [];
    const turned: Record<string, number> = {};
    let sent = 0;
    const rows = await withOwner(gateway.database.url("tenantry_owner"), async (owner) => {
      await watchCommits(owner);
      const { home } = await recordOf(gateway.database, "acme");

      await Promise.all(
        NAMES.map(async (name, nth) => {
          const random = seeded(SEED + nth);
          const draw = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!;
          const history = new History();
          const use = async (kind: "read" | "write") => {
            const title = `${name}-${sent++}`;
            const url = draw(urls);
            const begin = performance.now();
            const body =
              kind === "read"
                ? await askAt(url, `${name}@acme.test`, "query($id: ID!) { node(id: $id) { id } }", {
                    id: acme.id("Organization", `twig-${name}`),
                  })
                : await changeAt(url, name, "updateOrganization", {
                    organizationId: acme.id("Organization", `twig-${name}`),
                    name: title,
                  });
            const held = history.during(begin, performance.now());
            const did = verdictOf(kind, body);
            if (kind === "write" && did) written.push(title);
            count(`${kind} ${held === null ? "while it turned" : "decided"}: ${did ? "yes" : "no"}`);
            if (held !== null && held !== did) wrong.push(`${title}: ${kind} ${did}, held ${held}`);
          };
          const uses = (many: number) => Promise.all(Array.from({ length: many }, () => use(draw(["read", "write"]))));

          const ways = waysOf(name, owner, home.schemaName);
          while (sent < OPERATIONS) {
            const what = draw(WAYS);
            for (const turn of ["withdraw", "give"] as const) {
              sent++;
              count(`${turn} ${what}`);
              if (what !== "end") turned[name] = (turned[name] ?? 0) + 1;
              await Promise.all([uses(3), history.turn(() => ways[what][turn](draw(urls)))]);
              await uses(2);
            }
          }
        }),
      );
      return owner.run(
        `select c.turned, u.email, e.changes->'after'->>'name' as title from watch.commits c
           left join ${home.schemaName}.audit_events e on e.id = c.event
           left join ${home.schemaName}.users u on u.id = e.actor_id
         order by c.nth`,
      );
    });

    const inOrder = judge([...rows] as never);
    console.info(JSON.stringify({ seed: SEED, operations: sent, ...counts, "commits in order": inOrder.kept.length }));
    expect({ seed: SEED, wrong, late: inOrder.late }).toEqual({ seed: SEED, wrong: [], late: [] });
    expect(inOrder.kept.sort()).toEqual(written.sort());
    expect(inOrder.turned).toEqual(turned);
    expect(sent).toBeGreaterThanOrEqual(OPERATIONS);
    for (const what of WAYS)
      expect(counts).toMatchObject({ [`withdraw ${what}`]: expect.any(Number), [`give ${what}`]: expect.any(Number) });
    for (const kind of ["read", "write"])
      for (const when of ["decided", "while it turned"])
        expect(counts).toMatchObject({
          [`${kind} ${when}: yes`]: expect.any(Number),
          [`${kind} ${when}: no`]: expect.any(Number),
        });
  });

  it("is gone at every process for everybody of a tenant that is suspended", async () => {
    const home = homeOf(gateway, "acme");
    const codes = () =>
      Promise.all(
        [...urls, ...urls].map(async (url) => {
          const { data, errors } = await askAt(url, "boss-p0@acme.test", "{ viewer { user { displayName } } }", {});
          return data?.viewer?.user?.displayName ?? errors[0].extensions.code;
        }),
      );
    expect(new Set(await codes())).toEqual(new Set(["boss-p0"]));

    await home("update tenant set status = 'SUSPENDED'");
    const suspended = await codes();
    await home("update tenant set status = 'ACTIVE'");

    expect(new Set(suspended)).toEqual(new Set(["TENANT_NOT_FOUND"]));
    expect(new Set(await codes())).toEqual(new Set(["boss-p0"]));
  });
});

/** Whether the right was used; throws at an answer that says neither. */
function verdictOf(kind: "read" | "write", { data, errors }: Body): boolean {
  const [code] = (errors ?? []).map((error: Body) => error.extensions.code);
  if (code === "TENANT_NOT_FOUND" || code === "FORBIDDEN") return false;
  if (!errors && kind === "read") return data.node !== null;
  const { __typename: answer } = data?.updateOrganization ?? {};
  if (answer === "UpdateOrganizationPayload" && !errors) return true;
  if (answer === "NotFoundFailure") return false;
  throw new Error(`It is neither yes nor no: ${JSON.stringify({ data, errors })}`);
}

/** Goes through what was committed, in order: who turned whose right how often, and who wrote with it and without it. */
function judge(rows: readonly { turned: string | null; email: string | null; title: string | null }[]) {
  const turned: Record<string, number> = {};
  const [kept, late]: string[][] = [[], []];
  for (const row of rows) {
    const actor = row.turned ?? row.email!.split("@")[0]!;
    const name = actor.replace("boss-", "");
    if (row.turned !== null || actor !== name) turned[name] = (turned[name] ?? 0) + 1;
    else ((turned[name] ?? 0) % 2 === 0 ? kept! : late!).push(row.title!);
  }
  return { turned, kept: kept!, late: late! };
}
