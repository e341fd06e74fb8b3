import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip } from "node:zlib";
import { newId, type TenantId } from "../../src/ids.js";
import { exportTenant } from "../../src/tenancy/archive/export.js";
import { importTenant } from "../../src/tenancy/archive/import.js";
import { checkArchive } from "../../src/tenancy/archive/read.js";
import { type Entry, readTar, writeTar } from "../../src/tenancy/archive/tar.js";
import { createTenant } from "../../src/tenancy/create.js";
import { ISOLATIONS, type Isolation } from "../../src/tenancy/directory/table.js";
import { tenantsCheck } from "../../src/tenancy/doctor/tenants.js";
import { type Owners, withOwners } from "../../src/tenancy/owners.js";
import { renameTenant, resumeTenant, suspendTenant } from "../../src/tenancy/tenants/change.js";
import { eraseTenant } from "../../src/tenancy/tenants/erase.js";
import { getTenant, listTenants, type Tenant } from "../../src/tenancy/tenants/record.js";
import { sealNow, verifyIn } from "../support/audit.js";
import { openGateway, type TestGateway } from "../support/gateway.js";
import { ownerInHome } from "../support/home.js";
import { homeRowsOf } from "../support/moves.js";
import { until } from "../support/until.js";
import { openWay } from "../support/way.js";
import { world } from "../support/world.js";

let gateway: TestGateway;
const folder = mkdtempSync(join(tmpdir(), "tenants-"));

beforeAll(async () => {
  gateway = await openGateway();
});
afterAll(async () => {
  await gateway.close();
  rmSync(folder, { recursive: true });
});

const SKETCH = {
  tree: { root: { below: { deep: {} } } },
  roles: { local: { at: "below", permissions: ["organizations:read"] } },
  people: { ann: [{ at: "root", roles: ["owner"], reach: "SUBTREE" }], bob: [{ at: "deep", roles: ["local"] }] },
  events: { below: 3 },
} as const;

const owners = <T>(work: (owners: Owners) => Promise<T>) => gateway.database.owners(work);
const tenant = (slug: string) => owners(async (all) => getTenant(await all.main, slug));
const ask = async (slug: string, person = "ann", home = slug) => {
  const { data, errors } = await gateway.as(`${person}@${home}.test`, slug).ask("{ viewer { __typename } }");
  return errors ? errors[0]!.extensions.code : data.viewer && slug;
};

describe("suspendTenant and resumeTenant", () => {
  it("shut people out, and let them in again, on the very next request of a gateway that knows the tenant", async () => {
    await world(gateway, { sus: SKETCH });
    const before = await ask("sus");

    const suspended = await owners(async (all) => suspendTenant(all, await getTenant(await all.main, "sus")));
    const during = await ask("sus");
    const resumed = await owners(async (all) => resumeTenant(all, suspended));

    expect([before, during, await ask("sus")]).toEqual(["sus", "TENANT_NOT_FOUND", "sus"]);
    expect([suspended.epoch, resumed.epoch]).toEqual([2, 3]);
  });

  it("change nothing the second time", async () => {
    const before = await tenant("meridian");

    expect(await owners((all) => resumeTenant(all, before))).toEqual(before);
  });
});

describe("renameTenant", () => {
  it("moves the address on the very next request, and keeps the one before from everybody else", async () => {
    await world(gateway, { old: SKETCH });
    await ask("old");

    const rename = (from: Tenant, to: string) => owners((all) => renameTenant(all, from, to, async () => {}));
    const renamed = await rename(await tenant("old"), "new");

    expect([await ask("old"), await ask("new", "ann", "old")]).toEqual(["TENANT_NOT_FOUND", "new"]);
    await expect(world(gateway, { old: SKETCH })).rejects.toThrow("The slug old is, or was, another tenant's.");
    await expect(rename(renamed, "northwind")).rejects.toThrow("another tenant's");
    expect((await rename(renamed, "old")).slug).toBe("old");
  });
});

describe("createTenant", () => {
  it("gives a database to one of two who want it for their own at once", async () => {
    const database = await gateway.database.spare();
    const create = (slug: string) =>
      owners((all) =>
        createTenant(
          all,
          { id: newId<TenantId>(), slug, isolation: "DATABASE", database, createdAt: new Date(), identities: [] },
          async () => {},
        ),
      );

    const outcomes = await Promise.allSettled([create("one"), create("two")]);

    const refused = outcomes.filter((one) => one.status === "rejected");
    expect(refused.map(({ reason }) => reason.name)).toEqual(["HomeTakenError"]);
  });

  it("leaves a record of what it made in another database where the session is lost behind the commit", async () => {
    const database = await gateway.database.spare();
    const place = { isolation: "SHARED", database } as const;
    const lost = { id: newId<TenantId>(), slug: "lost", ...place, createdAt: new Date(), identities: [] };
    const way = await openWay(Number(process.env.TENANTRY_TEST_PORT));
    const { owning } = gateway.database;
    const there = owning.databases[database]!;
    const databases = { ...owning.databases, [database]: { ...there, url: way.url(there.url) } };

    const creating = withOwners({ ...owning, databases }, (all) =>
      createTenant(all, lost, async () => {
        // What is sent from now on arrives, and no answer to it does.
        way.mute();
        void until(async () => (await homeRowsOf(gateway.database, lost.id)).length > 0).then(() => way.bar());
      }),
    );

    await expect(creating).rejects.toThrow(/lost/);
    await way.close();
    expect(await tenant("lost")).toMatchObject({ id: lost.id, status: "CREATING" });
    await owners(async (all) => {
      for (const { fix } of await tenantsCheck.look(all, [database], () => {})) await fix!();
    });
    expect(await tenant("lost")).toMatchObject({ status: "ACTIVE", database });
  });
});

describe.each(ISOLATIONS)("eraseTenant, in %s", (isolation) => {
  it("leaves nothing of the tenant in any table, and all of its neighbours", async () => {
    const slug = `gone-${isolation.toLowerCase()}`;
    const { archive, manifest } = await exported(await planted(slug));
    await owners(async (all) => eraseTenant(all, await getTenant(await all.main, slug)));
    const database = isolation === "DATABASE" ? await gateway.database.spare() : "main";
    await owners((all) => importTenant(all, archive, manifest, { slug, isolation, database }));
    const [there, neighbours] = [await ask(slug), await gateway.database.content("meridian")];

    const traces = await owners(async (all) => eraseTenant(all, await getTenant(await all.main, slug)));

    expect(there).toBe(slug);
    expect(traces).toMatchObject({ found: [] });
    expect(traces.tables).toBeGreaterThan(10);
    expect(await ask(slug)).toBe("TENANT_NOT_FOUND");
    expect(await gateway.database.content("meridian")).toBe(neighbours);
    expect((await owners(async (all) => listTenants(await all.main))).map((one) => one.slug)).not.toContain(slug);
  });
});

describe("importTenant", () => {
  it.each([
    ["SHARED", "SCHEMA"],
    ["SCHEMA", "SHARED"],
  ] as const)("brings %s to %s with the same content", async (from, to) => {
    const slug = `copy-${from.toLowerCase()}`;
    const { id } = await planted(slug);
    await sealNow(gateway, slug);
    await through(slug, from);
    const [content, files] = [await gateway.database.content(slug), await filesOf(slug)];

    await through(slug, to);

    expect(files.audit_events!.rows).toBe(3);
    expect(await filesOf(slug)).toEqual(files);
    expect(await gateway.database.content(slug)).toBe(content);
    expect(await ask(slug, "bob")).toBe(slug);
    const verified = await ownerInHome(gateway, slug, (sql) => verifyIn(sql, id));
    expect(verified).toMatchObject({ newest: 1, events: 3, unsealed: 0, broken: null });
  });

  it("refuses an archive whose checksum does not fit", async () => {
    const { archive } = await exported(await planted("torn"));
    const torn = await tampered(archive, { "users.ndjson": (text) => text.replace("ann@", "eve@") }, false);

    await expect(checkArchive(torn)).rejects.toThrow("users.ndjson in");
    await expect(checkArchive(torn)).rejects.toThrow("its checksum does not fit");
  });

  it("refuses an archive of another version", async () => {
    const { archive } = await exported(await tenant("torn"));
    const other = await tampered(archive, {
      "manifest.json": (text) => text.replace(/"migration": "[^"]+"/, '"migration": "20200101000000_long_ago"'),
    });

    await expect(checkArchive(other)).rejects.toThrow("was made at the version 20200101000000_long_ago");
  });

  it.each(["SHARED", "SCHEMA"] as const)("lets no row into another tenant, in %s", async (isolation) => {
    const slug = `evil-${isolation.toLowerCase()}`;
    const { archive, tenant: evil } = await exported(await planted(slug));
    const victim = await tenant("meridian");
    const crafted = await tampered(archive, {
      "users.ndjson": (text) => text.replace(evil.id, victim.id),
    });
    await owners((all) => eraseTenant(all, evil));
    const before = await gateway.database.content("meridian");

    const manifest = await checkArchive(crafted);
    const importing = owners((all) => importTenant(all, crafted, manifest, { slug, isolation, database: "main" }));

    await expect(importing).rejects.toThrow("users.ndjson holds a row of another tenant");
    expect(await gateway.database.content("meridian")).toBe(before);
    expect((await owners(async (all) => listTenants(await all.main))).map((one) => one.slug)).not.toContain(slug);
  });

  it("refuses a file that no home has a table for, also an empty one", async () => {
    const { archive, tenant: odd } = await exported(await planted("odd"));
    const crafted = await tampered(archive, { "strangers.ndjson": () => "" });
    await owners((all) => eraseTenant(all, odd));

    const manifest = await checkArchive(crafted);
    const place = { slug: "odd", isolation: "SHARED", database: "main" } as const;

    await expect(owners((all) => importTenant(all, crafted, manifest, place))).rejects.toThrow(
      "The archive holds strangers.ndjson, and a home has no such table.",
    );
  });

  it("refuses a tenant that is here already", async () => {
    const { archive, manifest } = await exported(await tenant("torn"));
    const again = { slug: "again", isolation: "SHARED", database: "main" } as const;

    await expect(owners((all) => importTenant(all, archive, manifest, again))).rejects.toThrow("here already, as torn");
  });

  it("lets somebody in again of whom the directory had not yet been told when the tenant was exported", async () => {
    const one = await planted("arriving");
    await gateway.database.owner("delete from tenantry.identities where tenant_id = $1", [one.id]);
    const { archive, manifest } = await exported(one);
    await owners((all) => eraseTenant(all, one));

    await owners((all) =>
      importTenant(all, archive, manifest, { slug: "arriving", isolation: "SCHEMA", database: "main" }),
    );

    expect(await ask("arriving")).toBe("arriving");
  });
});

async function planted(slug: string) {
  await world(gateway, { [slug]: SKETCH });
  return tenant(slug);
}

async function exported(one: Awaited<ReturnType<typeof tenant>>) {
  const archive = join(folder, `${newId()}.tar.gz`);
  await owners((all) => exportTenant(all, one, "mark", createWriteStream(archive)));
  return { archive, manifest: await checkArchive(archive), tenant: one };
}

/** Out of its home by an archive, and into another. */
async function through(slug: string, isolation: Isolation) {
  const { archive, manifest, tenant: one } = await exported(await tenant(slug));
  await owners((all) => eraseTenant(all, one));
  await owners((all) => importTenant(all, archive, manifest, { slug, isolation, database: "main" }));
}

const filesOf = async (slug: string) => (await exported(await tenant(slug))).manifest.files;

/** The archive with other content in some files, and checksums that fit unless `isSigned` is false. */
async function tampered(archive: string, edits: Record<string, (text: string) => string>, isSigned = true) {
  const files: { name: string; content: Buffer }[] = [];
  for await (const { name, content } of readTar(createReadStream(archive).pipe(createGunzip()))) {
    const parts: Buffer[] = [];
    for await (const part of content) parts.push(part);
    files.push({ name, content: Buffer.from((edits[name] ?? String)(Buffer.concat(parts).toString())) });
  }
  const added = Object.keys(edits).filter((name) => !files.some((file) => file.name === name));
  files.unshift(...added.map((name) => ({ name, content: Buffer.from(edits[name]!("")) })));
  const manifest = files.at(-1)!;
  const said = JSON.parse(manifest.content.toString());
  for (const { name, content } of isSigned ? files.slice(0, -1) : [])
    said.files[name.replace(".ndjson", "")] = Object.assign(said.files[name.replace(".ndjson", "")] ?? { rows: 0 }, {
      bytes: content.length,
      sha256: createHash("sha256").update(content).digest("hex"),
    });
  manifest.content = Buffer.from(JSON.stringify(said));
  async function* entries(): AsyncGenerator<Entry> {
    for (const { name, content } of files) yield { name, bytes: content.length, content: Readable.from([content]) };
  }
  const path = `${archive}.other`;
  await pipeline(Readable.from(writeTar(entries(), new Date())), createGzip(), createWriteStream(path));
  return path;
}
