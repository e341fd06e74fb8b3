import type { Leases } from "../../../src/database/leases.js";
import { auditOf } from "../../support/audit.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf } from "../../support/home.js";
import { bringIn, importerOf, type Line } from "../../support/importing.js";
import { openLeases } from "../../support/sessions.js";
import { type Belonging, type Planted, world } from "../../support/world.js";

const PAST = new Date("2026-01-01T00:00:00.000Z");
const SOON = new Date(Date.now() + 3_600_000);
const LATER = new Date(Date.now() + 7_200_000);
const LATEST = new Date(Date.now() + 10_800_000);

const ended: Belonging = { at: "west", roles: ["admin", "clerk"], until: PAST };
const living: Belonging = { at: "west", roles: ["admin", "member"], reach: "SUBTREE", until: SOON };

let gateway: TestGateway;
let acme: Planted;
let serve: Leases;
beforeAll(async () => {
  gateway = await openGateway();
  ({ acme } = await world(gateway, {
    acme: {
      tree: { acme: { west: {} } },
      roles: { clerk: { at: "west", permissions: ["organizations:read"] } },
      people: {
        ada: [{ at: "acme", roles: ["owner"], reach: "SUBTREE" }],
        ben: [{ at: "acme", roles: ["owner"], reach: "SUBTREE", until: PAST }],
        ...Object.fromEntries(["again", "until", "bare", "past"].map((name) => [name, [ended]])),
        ...Object.fromEntries(["one", "two", "three"].map((name) => [name, [ended]])),
        suspended: [{ ...ended, suspended: true }],
        held: [{ ...living, suspended: true }],
        ...Object.fromEntries(["longer", "rows", "empty", "sooner", "batches"].map((name) => [name, [living]])),
        outlasting: [{ ...living, roles: ["admin"], grantsUntil: LATEST }],
        short: [{ ...living, roles: ["admin"], until: LATER, grantsUntil: SOON }],
      },
    },
  }));
  await homeOf(gateway, "acme")("update users set external_id = display_name", []);
  serve = openLeases(gateway.database.databases);
});
afterAll(async () => {
  await serve.close();
  await gateway.close();
});

/** Brings in rows about one person at `west`, as a dry run had said. */
async function bring(person: string, lines: readonly Line[], atOnce?: number) {
  const all = lines.map((line) => ({ external_id: person, organization: "west", ...line }));
  const said = await bringIn(await importerOf(gateway, serve, "acme", true), all, atOnce);
  const done = await bringIn(await importerOf(gateway, serve, "acme"), all, atOnce);
  expect(done).toEqual(said);
  return done;
}

async function stateOf(person: string, at = "west") {
  const [membership] = await homeOf(gateway, "acme")(
    `select m.status, m.expires_at,
       array(select concat(coalesce(g.role_key, r.key), ' ', g.reach, ' ' || to_char(g.expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
         from grants g left join roles r on r.id = g.role_id where g.membership_id = m.id order by 1) as grants
     from memberships m where id = $1`,
    [acme.memberships[`${person}@${at}`]],
  );
  const { status, expires_at, grants } = membership!;
  return { status, expiresAt: expires_at === null ? null : new Date(String(expires_at)), grants };
}
const lastEvent = async (action: string, person: string) =>
  (await auditOf(gateway.database, acme, action, acme.memberships[`${person}@west`])).at(-1)?.changes;
const iso = (at: Date) => at.toISOString();

describe("planMembership", () => {
  it("begins a membership that has ended anew with the roles of the row alone, and says so as addMembership does", async () => {
    const done = await bring("again", [{ roles: "member" }]);

    expect(done).toEqual([["membership begun anew", "given member"]]);
    expect(await stateOf("again")).toEqual({ status: "ACTIVE", expiresAt: null, grants: ["member ORGANIZATION"] });
    expect(await lastEvent("membership.added", "again")).toMatchObject({
      userId: acme.users.again,
      expiresAt: null,
      given: [{ role: "member", reach: "ORGANIZATION", to: null }],
    });
    expect(await lastEvent("membership.changed", "again")).toBeUndefined();
    expect(await bring("again", [{ roles: "member" }])).toEqual([[]]);
  });

  it.each([
    [
      "until",
      { roles: "clerk;member:subtree", expires_at: iso(LATER) },
      LATER,
      ["clerk ORGANIZATION", "member SUBTREE"],
    ],
    ["bare", {}, null, []],
    ["suspended", { roles: "admin" }, null, ["admin ORGANIZATION"]],
  ] as const)(
    "makes %s active, with nothing but what the row says, and changes nothing the second time",
    async (person, line, expiresAt, grants) => {
      const [did] = await bring(person, [line]);

      expect(did).toContain("membership begun anew");
      expect(await stateOf(person)).toEqual({ status: "ACTIVE", expiresAt, grants });
      expect(await bring(person, [line])).toEqual([[]]);
    },
  );

  it("takes an ended owner's roles as well", async () => {
    const line = { external_id: "ben", organization: "acme", roles: "member", expires_at: iso(LATER) };

    const done = await bringIn(await importerOf(gateway, serve, "acme"), [line]);

    expect(done).toEqual([["membership begun anew", `membership ends ${iso(LATER)}`, "given member"]]);
    expect(await stateOf("ben", "acme")).toMatchObject({ expiresAt: LATER, grants: ["member ORGANIZATION"] });
  });

  it("begins nothing by a row whose own end is past", async () => {
    expect(await bring("past", [{ roles: "admin", expires_at: iso(PAST) }])).toEqual([[]]);
    expect((await stateOf("past")).expiresAt).toEqual(PAST);
  });

  it("forgets what an earlier row of the batch gave to a membership that it let end", async () => {
    const line = { external_id: "new", organization: "west" };
    const importer = await importerOf(gateway, serve, "acme");

    const done = await bringIn(importer, [
      { ...line, roles: "admin", expires_at: iso(PAST) },
      { ...line, roles: "member" },
    ]);

    expect(done[1]).toEqual(["membership begun anew", "given member"]);
    const given = await homeOf(gateway, "acme")(
      "select role_key, m.expires_at from grants g join memberships m on m.id = membership_id join users u on u.id = user_id where external_id = 'new'",
      [],
    );
    expect(given).toEqual([{ role_key: "member", expires_at: null }]);
  });

  it("lengthens a living membership, and no role that the row does not name", async () => {
    const lines = [{ roles: "member:subtree", expires_at: iso(LATER) }];

    const done = await bring("longer", lines);

    expect(done).toEqual([[`membership ends ${iso(LATER)}`, `admin:subtree ends ${iso(SOON)}, as before`]]);
    const after = { status: "ACTIVE", expiresAt: LATER, grants: [`admin SUBTREE ${iso(SOON)}`, "member SUBTREE"] };
    expect(await stateOf("longer")).toEqual(after);
    expect(await lastEvent("membership.changed", "longer")).toMatchObject({
      before: { expiresAt: iso(SOON) },
      expiresAt: iso(LATER),
      given: [],
      withdrawn: [{ role: "admin", reach: "SUBTREE", from: null, to: iso(SOON) }],
    });
    expect(await bring("longer", lines)).toEqual([[]]);
    expect(await stateOf("longer")).toEqual(after);
  });

  it("lengthens no role whose own end is after that of the membership, and no suspended one's", async () => {
    await bring("outlasting", [{ expires_at: iso(LATER) }]);
    await bring("held", [{ roles: "guest", expires_at: iso(LATER) }]);

    expect((await stateOf("outlasting")).grants).toEqual([`admin SUBTREE ${iso(SOON)}`]);
    expect(await stateOf("held")).toEqual({
      status: "SUSPENDED",
      expiresAt: LATER,
      grants: [`admin SUBTREE ${iso(SOON)}`, "guest ORGANIZATION", `member SUBTREE ${iso(SOON)}`],
    });
  });

  it.each([
    ["rows", 500],
    ["batches", 1],
  ])("lets each of several rows name one of the roles that last longer: %s, %i at once", async (person, atOnce) => {
    const lines = ["member:subtree", "admin:subtree"].map((roles) => ({ roles, expires_at: iso(LATER) }));

    await bring(person, lines, atOnce);

    expect(await stateOf(person)).toMatchObject({ expiresAt: LATER, grants: ["admin SUBTREE", "member SUBTREE"] });
    expect(await bring(person, lines, atOnce)).toEqual([[], []]);
  });

  it("keeps a role's own end unless the row that names it says until when", async () => {
    expect(await bring("short", [{ roles: "admin:subtree" }])).toEqual([[]]);
    expect((await stateOf("short")).grants).toEqual([`admin SUBTREE ${iso(SOON)}`]);

    expect(await bring("short", [{ roles: "admin:subtree", expires_at: iso(LATER) }])).toEqual([
      ["given admin:subtree"],
    ]);
    expect((await stateOf("short")).grants).toEqual(["admin SUBTREE"]);
  });

  it("leaves the end of a living membership where the cell is empty, and brings it forward where it is not", async () => {
    expect(await bring("empty", [{ roles: "member:subtree" }])).toEqual([[]]);
    expect(await stateOf("empty")).toMatchObject({ expiresAt: SOON, grants: ["admin SUBTREE", "member SUBTREE"] });

    const sooner = new Date(Date.now() + 1_800_000);
    await bring("sooner", [{ expires_at: iso(sooner) }]);
    expect(await stateOf("sooner")).toMatchObject({ expiresAt: sooner, grants: ["admin SUBTREE", "member SUBTREE"] });
  });

  it("writes memberships that begin anew in as many statements, however many there are", async () => {
    const lines = ["one", "two", "three"].map((name) => ({ external_id: name, organization: "west", roles: "member" }));
    const importer = await importerOf(gateway, serve, "acme");
    await bringIn(importer, [{ external_id: "ada" }]);
    const sent = (some: readonly Line[]) =>
      gateway.database.statements(async () => {
        expect(await bringIn(importer, some)).toEqual(some.map(() => ["membership begun anew", "given member"]));
      });

    const one = await sent(lines.slice(0, 1));
    const two = await sent(lines.slice(1));

    expect(two).toHaveLength(one.length);
  });
});
