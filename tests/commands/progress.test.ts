import { jest } from "@jest/globals";
import { print, progress } from "../../src/commands/progress.js";

const START = 1_800_000_000_000;
const said: string[] = [];
const at = (now: number) => jest.spyOn(Date, "now").mockReturnValue(now);
const isTTY = process.stderr.isTTY;

beforeEach(() => {
  said.length = 0;
  const hear = (text: unknown) => said.push(String(text)) > 0;
  jest.spyOn(process.stderr, "write").mockImplementation(hear);
  jest.spyOn(process.stdout, "write").mockImplementation(hear);
  at(START);
  process.stderr.isTTY = true;
});
afterEach(() => {
  jest.restoreAllMocks();
  process.stderr.isTTY = isTTY;
});

describe("progress on a terminal", () => {
  it("is a bar that makes room for what is said, though the work was never said to be done", () => {
    const tell = progress("Tables searched");
    at(START + 2000);
    tell(0, 18);

    print("Erased.\n");

    expect(said).toEqual([expect.stringMatching(/^\r.*Tables searched .* 0 of 18$/), "\r\u001b[K", "Erased.\n"]);
  });

  it("goes when the work is done, and is not drawn for one that ends at its first word", () => {
    const tell = progress("Rows exported");
    at(START + 2000);
    tell(3, 4);
    tell(4, 4);
    progress("Rows imported")(4, 4);

    expect(said).toEqual([expect.stringContaining("3 of 4"), "\r\u001b[K"]);
  });
});

describe("progress elsewhere", () => {
  it("is a line each second at most, and nothing in the first", () => {
    process.stderr.isTTY = false;
    const tell = progress("Rows exported");
    for (const [after, done] of [
      [500, 1],
      [1500, 2],
      [1600, 3],
      [2600, 4],
      [2700, 5],
    ] as const) {
      at(START + after);
      tell(done, 5);
    }

    expect(said).toEqual(["Rows exported: 2 of 5, about 3 s left\n", "Rows exported: 4 of 5, about 1 s left\n"]);
  });
});
