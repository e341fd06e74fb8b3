import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Seal, sealTenant } from "../../src/features/audit/seal.js";
import { SEALED } from "../../src/features/audit/sealer.js";
import { keyMark } from "../../src/identity/key.js";
import { noteWitness } from "../../src/tenancy/directory/witness.js";
import { moveTenant } from "../../src/tenancy/move/move.js";
import { getTenant } from "../../src/tenancy/tenants/record.js";
import { sealNow } from "../support/audit.js";
import { change } from "../support/change.js";
import { jsonLines, run, stopCommands } from "../support/command.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { homeOf } from "../support/home.js";
import { recordOf } from "../support/sessions.js";
import { owningSettings } from "../support/settings.js";
import { until } from "../support/until.js";
import { type Planted, world } from "../support/world.js";

let gateway: TestGateway;
let shop: Planted;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tenantry-audit-"));
  gateway = await openGateway();
  ({ shop } = await world(gateway, {
    shop: { tree: { shop: {} }, people: { olga: [{ at: "shop", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
  for (const name of ["One", "Two", "Three"]) {
    await change(
      shop.as("olga"),
      "updateOrganization",
      { organizationId: shop.id("Organization", "shop"), name },
      "__typename",
    );
    await sealNow(gateway, "shop");
  }
  await change(shop.as("olga"), "upsertUser", { email: "pat@shop.test", displayName: "Pat" }, "__typename");
});
afterAll(async () => {
  await stopCommands();
  await gateway.close();
  await rm(folder, { recursive: true });
});

const audit = async (...args: string[]) =>
  run(["audit", ...args, "--tenant", "shop"], { env: await owningSettings(gateway.database) });
const sealOf = async (number: number) => {
  const [row] = await homeOf(gateway, "shop")("select encode(mac, 'hex') as mac from audit_seals where number = $1", [
    number,
  ]);
  return { number, mac: String(row!.mac) };
};

/** Verifies, and lets `seal` be done and its seal be noted when the command has the tenant and asks the directory for what it knows. */
const verifyWhile = (seal: () => Promise<Seal>) =>
  gateway.database.owners(async (owners) => {
    const main = await owners.main;
    await main.run("begin");
    await main.run("lock table tenantry.audit_witnesses in access exclusive mode");
    const verifying = audit("verify");
    await until(async () => {
      const waiting = await main.run(
        "select from pg_locks where relation = 'tenantry.audit_witnesses'::regclass and not granted",
      );
      return waiting.length > 0;
    });
    const { number, mac } = await seal();
    await main.run("delete from tenantry.audit_witnesses");
    await main.run(
      "insert into tenantry.audit_witnesses (tenant_id, number, mac, witnessed_at) values ($1, $2, decode($3, 'hex'), now())",
      [shop.tenantId, number, mac],
    );
    await main.run("commit");
    return verifying;
  });

describe("tenantry audit", () => {
  it("verify says that all is what was written, and what still waits for a seal", async () => {
    const [words, json] = await Promise.all([audit("verify"), audit("verify", "--json")]);

    expect([words.code, json.code]).toEqual([0, 0]);
    expect(words.stdout).toMatch(
      /^The audit of shop is what was written: 4 events, 3 seals\. 1 wait for a seal, the oldest for \d+ s\.\n$/,
    );
    expect(jsonLines(json.stdout)).toEqual([
      {
        tenant: "shop",
        events: 4,
        newest: 3,
        checkpoint: null,
        unsealed: 1,
        notTakenIn: 0,
        unsealedSeconds: expect.any(Number),
        broken: null,
      },
    ]);
  });

  it("verify ends with 1 where the log of the gateway, or the directory, knows of a seal that is not there", async () => {
    const log = join(folder, "log");
    const line = (number: number, mac: string) =>
      JSON.stringify({ level: 30, tenant: shop.tenantId, seal: number, mac, msg: SEALED });
    const { mac } = await sealOf(3);
    await writeFile(log, `not of the gateway\n${line(3, mac)}\n`);
    const sound = await audit("verify", "--log", log);
    await writeFile(log, `${line(3, mac)}\n${line(4, mac).slice(0, -1)}`);
    const cutOff = await audit("verify", "--log", log);
    await writeFile(log, `${line(4, mac)}\n`);
    const cut = await audit("verify", "--log", log);
    await noteWitness(gateway.door, shop.tenantId, { number: 5, mac }, null);
    const noted = await audit("verify");
    await gateway.database.owner("delete from tenantry.audit_witnesses");

    expect([sound.code, cutOff.code, cut.code, noted.code]).toEqual([0, 0, 1, 1]);
    expect([sound.stderr, cutOff.stderr]).toEqual(["", expect.stringContaining("is cut off")]);
    expect(cut.stdout).toContain("was cut after seal 3: seal 4 is missing");
    expect(noted.stdout).toContain("was cut after seal 3: seals 4 to 5 are missing");
    expect((await audit("verify", "--log", join(folder, "none"))).code).toBe(2);
  });

  it("export prints what happened as lines of JSON, with what stands apart", async () => {
    const { code, stdout } = await audit("export");

    expect(code).toBe(0);
    expect(jsonLines(stdout)).toMatchObject([
      ...[1, 2, 3].map((seal) => ({ action: "organization.updated", organizationId: shop.organizations.shop, seal })),
      {
        action: "user.created",
        actorType: "USER",
        actorId: shop.users.olga,
        path: [],
        seal: null,
        changes: { after: { email: "pat@shop.test", displayName: "Pat" } },
      },
    ]);
    const some = await Promise.all([
      audit("export", "--action", "user.created", "user.updated"),
      audit("export", "--to", "2026-01-01"),
      audit("export", "--from", "12.10.2026"),
    ]);
    expect(some.map((one) => [one.code, jsonLines(one.stdout).length])).toEqual([
      [0, 1],
      [0, 0],
      [2, 0],
    ]);
  });

  it("prune removes old seals behind a checkpoint, unless something is broken", async () => {
    const sql = homeOf(gateway, "shop");
    const [third] = await sql("select sealed_at::text as at from audit_seals where number = 3");
    const before = new Date(String(third!.at)).toISOString();
    const [{ action }] = (await sql("select action from audit_events order by id limit 1")) as [{ action: string }];
    const first = "(select id from audit_events order by id limit 1)";
    await sql(`update audit_events set action = 'x' where id = ${first}`);
    const refused = await audit("prune", "--before", before);
    await sql(`update audit_events set action = $1 where id = ${first}`, [action]);

    const pruned = await audit("prune", "--before", before, "--json");

    expect([refused.code, pruned.code]).toEqual([3, 0]);
    expect(refused.stderr).toContain("Nothing was removed");
    expect(jsonLines(pruned.stdout)).toEqual([{ tenant: "shop", checkpoint: 2, events: 2 }]);
    expect((await audit("verify")).stdout).toContain("Those up to seal 2 were removed, behind a signed checkpoint.");
  });

  it("reseal seals anew what another key sealed, and leaves alone what this one did", async () => {
    const other = randomBytes(32);
    const { came } = await world(gateway, {
      came: { tree: { came: {} }, people: { olga: [{ at: "came", roles: ["owner"], reach: "SUBTREE" }] } },
    });
    await change(came.as("olga"), "upsertUser", { email: "pia@came.test" }, "__typename");
    await sealTenant(gateway.serve, await recordOf(gateway.database, "came"), other);
    await change(came.as("olga"), "upsertUser", { email: "pim@came.test" }, "__typename");
    const env = await owningSettings(gateway.database);
    const as = (key: Buffer) => ({ ...env, TENANTRY_KEY: key.toString("base64url") });
    const verify = (with_: Record<string, string>) => run(["audit", "verify", "--tenant", "came"], { env: with_ });
    const [sealed, ours, neither] = [await verify(as(other)), await verify(env), await verify(as(randomBytes(32)))];

    const resealed = await run(["audit", "reseal", "--tenant", "came", "--json"], { env });

    expect(sealed).toMatchObject({ code: 0, stdout: expect.stringContaining("2 events, 1 seals. 1 wait") });
    expect(ours).toMatchObject({ code: 1, stdout: expect.stringContaining("made with another TENANTRY_KEY") });
    expect(neither).toMatchObject({ code: 3, stderr: expect.stringContaining("TENANTRY_KEY is not the key") });
    expect([resealed.code, jsonLines(resealed.stdout)]).toEqual([0, [{ tenant: "came", events: 2 }]]);
    await sealNow(gateway, "came");
    expect(await verify(env)).toMatchObject({ code: 0, stdout: expect.stringContaining("2 events, 1 seals. All are") });
    expect(await audit("reseal")).toMatchObject({ code: 0, stdout: "No audit was sealed with another key.\n" });
  });

  it("notes no key for the installation's, where none was noted, that audits were not sealed with", async () => {
    const env = await owningSettings(gateway.database);
    const { mac } = await sealOf(3);
    await noteWitness(gateway.door, shop.tenantId, { number: 3, mac }, null);
    await gateway.database.owner("delete from tenantry.installation");

    const strange = { ...env, TENANTRY_KEY: randomBytes(32).toString("base64url") };
    const refused = await run(["audit", "reseal", "--tenant", "shop"], { env: strange });
    const taken = await run(["audit", "reseal", "--tenant", "shop"], { env });

    await gateway.database.owner("delete from tenantry.audit_witnesses");
    expect([refused.code, taken.code]).toEqual([3, 0]);
    expect(await gateway.database.owner("select key_mark from tenantry.installation")).toEqual([
      { key_mark: keyMark(Buffer.from(env.TENANTRY_KEY!, "base64url")) },
    ]);
  });

  it("take-in gives what an older version wrote the form of this one", async () => {
    await homeOf(gateway, "shop")(
      `insert into audit_events (tenant_id, id, at, action, actor_type, target_type, target_id, request_id)
       values ($1, gen_random_uuid(), '2026-02-01', 'old.done', 'OPERATOR', 'Organization', $2, 'r')`,
      [shop.tenantId, shop.organizations.shop],
    );
    const before = await audit("verify");

    const taken = await audit("take-in", "--json");

    expect(before.stdout).toContain("1 were written by an older version: run `tenantry audit take-in`.");
    expect([taken.code, jsonLines(taken.stdout)]).toEqual([0, [{ tenant: "shop", events: 1 }]]);
    const others = Object.keys(gateway.database.databases).filter((name) => name !== "main");
    expect(await run(["audit", "take-in"], { env: await owningSettings(gateway.database, ...others) })).toMatchObject({
      code: 0,
      stdout: "Nothing was written by an older version.\n",
    });
    expect((await audit("verify")).stdout).not.toContain("older version");
  });

  it("verify takes no seal for missing that is made and noted while it begins, whether or not the tenant is moved", async () => {
    const seal = async () => {
      await change(
        shop.as("olga"),
        "updateOrganization",
        { organizationId: shop.id("Organization", "shop"), name: `At ${Date.now()}` },
        "__typename",
      );
      return (await sealNow(gateway, "shop")).newest!;
    };
    const there = await gateway.database.owners(async (owners) => getTenant(await owners.main, "shop"));
    const isolation = there.isolation === "SHARED" ? "SCHEMA" : "SHARED";
    const move = () =>
      gateway.database.owners((owners) =>
        moveTenant(owners, "shop", { isolation, database: "main" }, { keepSeconds: 3600 }),
      );

    const stayed = await verifyWhile(seal);
    const moved = await verifyWhile(async () => {
      await move();
      return seal();
    });

    expect([stayed.stdout, moved.stdout]).toEqual(Array(2).fill(expect.stringContaining("is what was written")));
    expect([stayed.code, moved.code]).toEqual([0, 0]);
    expect(await gateway.database.owner("select from tenantry.moves where kept_until is not null")).toHaveLength(1);
  });
});
