import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jsonLines, run } from "../../support/command.js";
import { cloneDatabase, type TestDatabase } from "../../support/database.js";
import { owningSettings } from "../../support/settings.js";

let database: TestDatabase;
let env: Record<string, string>;
let folder: string;

beforeAll(async () => {
  database = await cloneDatabase();
  // The people of the development issuer are those of all tests.
  env = { ...(await owningSettings(database)), TENANTRY_DEVELOPMENT: "off" };
  folder = mkdtempSync(join(tmpdir(), "archive-"));
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

/** Exports northwind to stdout, which a shell writes into a file. */
const exportTo = (file: string, ...more: string[]) =>
  run(["tenant", "export", "northwind", "-", ...more], {
    env: { ...env, OUT: file },
    program: ["/bin/sh", "-c", `exec "${process.execPath}" "$0" "$@" > "$OUT"`, "tenantry.mjs"],
  });
const erase = (slug: string) => run(["tenant", "erase", slug, "--yes"], { env });
const importFrom = (file: string, more: readonly string[] = [], other: Record<string, string> = {}) =>
  run(["tenant", "import", file, ...more], { env: { ...env, ...other } });

describe("tenantry tenant export, to stdout", () => {
  it("writes the archive there and nothing else, and says on stderr what is in it", async () => {
    const { code, stdout, stderr } = await exportTo(join(folder, "words.tgz"));

    expect([code, stdout]).toEqual([0, ""]);
    expect(stderr).toMatch(/^Exported northwind to stdout: \d+ rows of \d+ files, at \d+_\w+\.\n$/);
  });

  it("says it for scripts as a line of JSON", async () => {
    const { code, stderr } = await exportTo(join(folder, "json.tgz"), "--json");

    expect([code, jsonLines(stderr)]).toEqual([
      0,
      [expect.objectContaining({ migration: expect.any(String), files: expect.any(Object) })],
    ]);
  });
});

describe("tenantry tenant import", () => {
  it("makes the tenant of an archive again, under another slug where one is given", async () => {
    const file = join(folder, "whole.tgz");
    await exportTo(file);
    const before = await database.content("northwind");
    await erase("northwind");

    const { code, stdout } = await importFrom(file, ["--slug", "norrland"]);

    expect(code).toBe(0);
    expect(stdout).toMatch(/^Made norrland from .*whole\.tgz: SCHEMA in main, \d+ rows, all checksums the same\.\n/);
    expect(stdout).toContain("`tenantry tenant recover norrland --owner <email>` lets its owner in again.");
    expect(stdout).not.toContain("TENANTRY_KEY");
    expect(await database.content("norrland")).toBe(before);
  });

  it("is refused while the tenant is there, and where the slug will not do", async () => {
    const file = join(folder, "whole.tgz");

    expect(await importFrom(file, ["--slug", "again"])).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringContaining("The tenant of this archive is here already, as norrland."),
    });
    expect(await importFrom(file, ["--slug", "No"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--slug No will not do."),
    });
  });

  it("warns where the archive was made with another key, by which nobody is recognised", async () => {
    const file = join(folder, "whole.tgz");
    await erase("norrland");

    // As another installation has one.
    const other = { TENANTRY_KEY: randomBytes(32).toString("base64url") };
    const migrate = (more: Record<string, string>) => run(["migrate", "--new-key"], { env: { ...env, ...more } });
    await migrate(other);
    const { code, stdout } = await importFrom(file, ["--slug", "elsewhere"], other);
    await erase("elsewhere");
    await migrate({});
    const ours = await importFrom(file, ["--slug", "here", "--json"]);

    expect(code).toBe(0);
    expect(stdout).toContain("It was exported with another TENANTRY_KEY, so none of its people is recognised here");
    expect(jsonLines(ours.stdout)).toEqual([
      expect.objectContaining({ slug: "here", isolation: "SCHEMA", peopleAreRecognised: true }),
    ]);
  });
});
