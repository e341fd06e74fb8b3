import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { REPOSITORY, run } from "./support/command.js";

const folder = mkdtempSync(join(tmpdir(), "check-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Counts {
  readonly failed?: number;
  readonly pending?: number;
  readonly todo?: number;
}

/** `npm run check` where every step passes, and every run of tests reports these counts. */
async function checking({ failed = 0, pending = 0, todo = 0 }: Counts) {
  const report = {
    numPassedTests: 5,
    numFailedTests: failed,
    numPendingTests: pending,
    numTodoTests: todo,
    numRuntimeErrorTestSuites: 0,
  };
  const npm = join(folder, "npm");
  writeFileSync(
    npm,
    `#!${process.execPath}
const file = process.argv.find((one) => one.startsWith("--outputFile="))?.split("=")[1];
if (file) require("node:fs").writeFileSync(file, ${JSON.stringify(JSON.stringify(report))});
if (process.argv[2] === "audit") console.log('{"metadata":{"vulnerabilities":{}}}');
process.exit(file ? ${failed} : 0);
`,
  );
  chmodSync(npm, 0o755);
  const { code, stdout } = await run([], {
    program: [process.execPath, join(REPOSITORY, "check.mjs")],
    env: { PATH: folder, TMPDIR: folder },
  });
  return { code, last: stdout.split("\n").slice(-3, -1) };
}
const mayLeaveOut = process.platform !== "linux" || process.getuid!() !== 0;

describe("npm run check", () => {
  it("is green where all tests passed", async () => {
    expect(await checking({})).toEqual({ code: 0, last: ["0 skipped", "20 passed, 0 failed"] });
  });

  it("is red where one failed in each run", async () => {
    expect(await checking({ failed: 1 })).toEqual({ code: 1, last: ["0 skipped", "20 passed, 4 failed"] });
  });

  it.each([{ pending: 1 }, { todo: 1 }])(
    "counts what was skipped, and is red for it where CI runs: %j",
    async (counts) => {
      const [code, failed] = mayLeaveOut ? [0, 0] : [1, 1];

      expect(await checking(counts)).toEqual({ code, last: ["4 skipped", `20 passed, ${failed} failed`] });
    },
  );
});
