import type { Leases } from "../../../src/database/leases.js";
import { newId } from "../../../src/ids.js";
import { openGateway, type TestGateway } from "../../support/gateway.js";
import { homeOf, type Sql } from "../../support/home.js";
import { bringIn, importerOf } from "../../support/importing.js";
import { openLeases } from "../../support/sessions.js";
import { type Planted, world } from "../../support/world.js";

let gateway: TestGateway;
let acme: Planted;
let serve: Leases;
let home: Sql;
beforeAll(async () => {
  gateway = await openGateway();
  const ada = [{ at: "acme", roles: ["owner"], reach: "SUBTREE" as const }];
  ({ acme } = await world(gateway, { acme: { tree: { acme: {} }, people: { ada } } }));
  home = homeOf(gateway, "acme");
  serve = openLeases(gateway.database.databases);
});
afterAll(async () => {
  await serve.close();
  await gateway.close();
});

/** An external id, null for none, and an address. */
type Person = readonly [string | null, string];
const at = (name: string) => `${name}@acme.test`;

/** Lets nobody else but these be there, made in this order. */
async function plant(people: readonly Person[]): Promise<void> {
  await home("delete from users where id <> $1", [acme.users.ada]);
  for (const [externalId, name] of people)
    await home(
      `insert into users (tenant_id, id, display_name, external_id, email, email_verified, created_at, updated_at)
       values ($1, $2, 'P', $3, $4, true, now(), now())`,
      [acme.tenantId, newId(), externalId, at(name)],
    );
}
async function there(): Promise<unknown[]> {
  const all = await home("select external_id, email from users where id <> $1 order by 1, 2", [acme.users.ada]);
  return all.map(({ external_id, email }) => [external_id, String(email).replace("@acme.test", "")]);
}

/** Brings in rows of an external id and an address, as a dry run had said. */
async function bring(people: readonly Person[], atOnce: number) {
  const lines = people.map(([id, name]) => ({ external_id: id!, email: at(name) }));
  const said = await bringIn(await importerOf(gateway, serve, "acme", true), lines, atOnce);
  const done = await bringIn(await importerOf(gateway, serve, "acme"), lines, atOnce);
  expect(done).toEqual(said);
  return done;
}

const CHANGED = ["person changed: email"];
const TAKEN = "email: this address is another person's.";
const OF_SEVERAL =
  "email: several people have this address, and none of them this external id. Give it to whom you mean with upsertUser.";
const OF_ANOTHER = "email: the person of this address has another external id.";

describe.each([500, 1])("ImportState.addPerson, of %i rows at once", (atOnce) => {
  it("frees the address of a person who gets another one, for somebody new and for somebody there", async () => {
    await plant([
      ["a", "x"],
      ["c", "z"],
    ]);

    const done = await bring(
      [
        ["a", "y"],
        ["b", "x"],
        ["b", "w"],
        ["c", "x"],
      ],
      atOnce,
    );

    expect(done).toEqual([CHANGED, ["person made"], CHANGED, CHANGED]);
    expect(await there()).toEqual([
      ["a", "y"],
      ["b", "w"],
      ["c", "x"],
    ]);
    expect(await home("select 1 from users where email_verified and external_id in ('a', 'c')", [])).toEqual([]);
  });

  it("hands an address on when its former person has another by then, and else when the file is brought in again", async () => {
    const after = [
      ["a", "y"],
      ["b", "z"],
    ] as const;
    const before = [
      ["a", "x"],
      ["b", "y"],
    ] as const;

    await plant(before);
    expect(await bring([...after].reverse(), atOnce)).toEqual([CHANGED, CHANGED]);
    expect(await there()).toEqual(after);

    await plant(before);
    expect(await bring(after, atOnce)).toEqual([TAKEN, CHANGED]);
    expect(await bring(after, atOnce)).toEqual([CHANGED, []]);
    expect(await there()).toEqual(after);
  });

  it("refuses two people who would swap their addresses, and says so of each", async () => {
    const before = [
      ["a", "x"],
      ["b", "y"],
    ] as const;
    await plant(before);

    const done = await bring(
      [
        ["a", "y"],
        ["b", "x"],
      ],
      atOnce,
    );

    expect(done).toEqual([TAKEN, TAKEN]);
    expect(await there()).toEqual(before);
  });

  it("frees no address that somebody else has as well", async () => {
    await plant([
      ["a", "x"],
      ["b", "x"],
    ]);

    const done = await bring(
      [
        ["new", "x"],
        ["a", "y"],
        ["new", "x"],
        ["b", "z"],
        ["new", "x"],
      ],
      atOnce,
    );

    expect(done).toEqual([OF_SEVERAL, CHANGED, OF_ANOTHER, CHANGED, ["person made"]]);
  });

  it("changes nothing of somebody who shares their address, and is named by their own external id", async () => {
    await plant([
      ["a", "x"],
      ["b", "x"],
    ]);

    const done = await bring(
      [
        ["b", "x"],
        ["a", "x"],
      ],
      atOnce,
    );

    expect(done).toEqual([[], []]);
  });

  it("finds whoever had no external id by the address that they have, under the one that a row before gave them", async () => {
    await plant([[null, "x"]]);

    const done = await bring(
      [
        ["a", "x"],
        ["b", "x"],
        ["a", "y"],
        ["b", "x"],
      ],
      atOnce,
    );

    expect(done).toEqual([["person changed: externalId"], OF_ANOTHER, CHANGED, ["person made"]]);
    expect(await there()).toEqual([
      ["a", "y"],
      ["b", "x"],
    ]);
  });
});

describe.each([500, 1])("ImportState.add, of %i rows at once", (atOnce) => {
  const called = `west-${atOnce}`;
  const rename = (name: string) => ({ organization: called, organization_name: name });
  const RENAMED = [`organization ${called} renamed`];
  beforeAll(async () => {
    const made = { ...rename("First"), organization_slug: called };
    await bringIn(await importerOf(gateway, serve, "acme"), [made]);
  });

  /** Brings in rows that each name it, and answers with what was done, its name, and the names that the audit notes. */
  async function name(names: readonly string[]) {
    const before = await renames();
    const lines = names.map(rename);
    const said = await bringIn(await importerOf(gateway, serve, "acme", true), lines, atOnce);
    const done = await bringIn(await importerOf(gateway, serve, "acme"), lines, atOnce);
    const [row] = await home("select name from organizations where external_id = $1", [called]);
    expect(done).toEqual(said);
    return { done, name: row!.name, noted: (await renames()).slice(before.length) };
  }
  const renames = async () =>
    (
      await home(
        `select changes->'after'->>'name' as name from audit_events e join organizations o on o.id = e.target_id
         where o.external_id = $1 and action = 'organization.updated' order by e.id`,
        [called],
      )
    ).map((event) => event.name);

  it("renames an organization once, however many rows give it its new name", async () => {
    expect(await name(["Second", "Second", "Second"])).toEqual({
      done: [RENAMED, [], []],
      name: "Second",
      noted: ["Second"],
    });
  });

  it("goes by the last row of several that name it, also where that is the name it had", async () => {
    expect(await name(["Third", "Second"])).toEqual({
      done: [RENAMED, RENAMED],
      name: "Second",
      noted: ["Third", "Second"],
    });
  });
});
