import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { csvLine } from "../../../src/commands/csv/line.js";
import { recordsOf } from "../../../src/commands/csv/read.js";

const folder = mkdtempSync(join(tmpdir(), "tenantry-csv-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function read(text: string | Buffer, name = "file.csv") {
  const path = join(folder, name);
  writeFileSync(path, text);
  const records = [];
  for await (const record of recordsOf(path)) records.push(record);
  return records;
}

describe("recordsOf", () => {
  it("reads quotes, commas, line breaks and empty lines, with or without an end of line, and a byte order mark", async () => {
    const text = '\uFEFFa,b\r\n1,"two, ""quoted"""\r\n\r\n"three\r\nlines",\n5,6';

    expect(await read(text)).toEqual([
      { line: 2, values: { a: "1", b: 'two, "quoted"' } },
      { line: 4, values: { a: "three\r\nlines", b: "" } },
      { line: 6, values: { a: "5", b: "6" } },
    ]);
  });

  it("reads a line of JSON each", async () => {
    expect(await read('{"a":1}\n\n{"b":["x"]}\n', "file.ndjson")).toEqual([
      { line: 1, values: { a: 1 } },
      { line: 3, values: { b: ["x"] } },
    ]);
  });

  it("reads whatever was written as CSV", async () => {
    const cell = fc.stringMatching(/^[a-z ",\r\n]{0,12}$/);
    const rows = fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(rows, async (written) => {
        // An empty line is none, and a formula would get an apostrophe.
        const all = written.map(([one, two]) => [`x${one}`, `y${two}`] as const);

        const records = await read([["a", "b"], ...all].map(csvLine).join(""));

        expect(records.map(({ values }) => [values.a, values.b])).toEqual(all);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    ['a,b\n1,"2', "line 2: its quotes do not end"],
    ["a,b\n1", "line 2: it has 1 cells, and the first line has 2"],
    ['a,b\n1,x"y"', "line 2: a quote inside of a cell"],
    ['a,b\n"1"x,2', "line 2: something stands behind a quote"],
    ["a,a\n1,2", "two columns have the same name"],
  ])("refuses %j, and says where", async (text, words) => {
    await expect(read(text)).rejects.toThrow(words);
  });

  it.each(["", '"'])("refuses a cell that does not end, with %j before it", async (quote) => {
    await expect(read(`a\n${quote}${"x".repeat(100_001)}`)).rejects.toThrow("line 2: a cell is too long");
  });

  it("refuses what is not UTF-8, where it is, and reads characters that come in parts", async () => {
    const padding = `${"x".repeat(99)}\n`.repeat(1000);
    const latin = (text: string) => Buffer.from(`a\n${padding}${text}\n`, "latin1");

    await expect(read(latin("Müller"))).rejects.toThrow("line 1002: this is not UTF-8. Save the file as UTF-8");
    const cells = Array.from({ length: 30_000 }, () => "é€😀");
    expect((await read(`a\n${cells.join("\n")}`)).map(({ values }) => values.a)).toEqual(cells);
    await expect(read(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xc3])]), "end.ndjson")).rejects.toThrow(
      "line 1: this is not UTF-8",
    );
  });

  it("reads JSON with a byte order mark and any ends of lines, and refuses a line that does not end", async () => {
    expect(await read('\uFEFF{"a":1}\r\n{"a":2}', "file.jsonl")).toEqual([
      { line: 1, values: { a: 1 } },
      { line: 2, values: { a: 2 } },
    ]);
    await expect(read(`{"a":1}\n{"a":"${"x".repeat(1_100_000)}`, "file.ndjson")).rejects.toThrow(
      "line 2: it is too long, or has no end",
    );
  });

  it("refuses a line that is no JSON object", async () => {
    await expect(read('{"a":1}\n[1]\n', "file.ndjson")).rejects.toThrow("line 2: this is no JSON object");
  });
});
