import { readFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, run } from "./support/command.js";

const COMMANDS = [
  "start",
  "serve",
  "migrate",
  "seed",
  "token",
  "tenant",
  "audit",
  "work",
  "doctor",
  "settings",
  "permissions",
  "product",
];

describe("tenantry", () => {
  it("shows every command, and what exit codes mean, when it is asked for help", async () => {
    const { code, stdout, stderr } = await run(["--help"]);

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.match(/^ {2}[a-z]+(?= )/gm)?.map((name) => name.trim())).toEqual([...COMMANDS, "help"]);
    expect(stdout).toContain("Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 3 refused");
    expect(stdout).toContain("4 partly done");
  });

  it.each(COMMANDS)("describes `%s` without doing it", async (name) => {
    const { code, stdout, stderr } = await run([name, "--help"], { env: { PORT: "wrong" } });

    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: tenantry ${name} \\[options\\](?: \\[command\\])?\\n\\n[A-Z]`));
  });

  it.each([
    [["serv"], "unknown command 'serv'"],
    [["migrate", "--force"], "unknown option '--force'"],
    [["start", "now"], "too many arguments"],
    [["product", "aply"], "unknown command 'aply'"],
    [["product"], "Usage: tenantry product"],
    [[], "Usage: tenantry"],
  ])("refuses %j", async (args, words) => {
    const { code, stdout, stderr } = await run(args);

    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(words);
  });

  it("prints the page of all settings", async () => {
    const { code, stdout } = await run(["settings"], { env: { TENANTRY_KEY: "sesame" } });

    expect(code).toBe(0);
    expect(stdout).toBe(readFileSync(join(REPOSITORY, "docs", "settings.md"), "utf8"));
  });
});
