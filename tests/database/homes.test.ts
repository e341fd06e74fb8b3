import { Homes } from "../../src/database/homes.js";

const TEXT = "select $1";
/** Serves the homes in turn, so often, and says what was sent for each at last. */
function serve(homes: Homes, names: readonly string[], rounds: number, settles = true): string[] {
  let sent: string[] = [];
  for (let round = 0; round < rounds; round++)
    sent = names.map((name) => {
      homes.enter(name, settles);
      return homes.textOf(TEXT, true);
    });
  return sent;
}
const many = (count: number) => Array.from({ length: count }, (_, at) => `home ${at}`);

describe("Homes.textOf", () => {
  it("is a text of its own for each home that is served often", () => {
    const sent = serve(new Homes(), ["a", "b"], 5);

    expect(new Set(sent).size).toBe(2);
    for (const text of sent) expect(text).toMatch(/^select \$1 \/\* home \d+ \*\/$/);
  });

  it("is a text of its own for each of a hundred homes that are served by turns", () => {
    expect(new Set(serve(new Homes(), many(100), 10)).size).toBe(100);
  });

  it("is the same text each time", () => {
    const homes = new Homes();

    expect(serve(homes, ["a", "b"], 5)).toEqual(serve(homes, ["a", "b"], 5));
  });

  it("is the plain text for a home that was hardly served, for one of very many, for a guest's, and for nobody's", () => {
    expect(serve(new Homes(), ["a"], 3)).toEqual([TEXT]);
    expect(serve(new Homes(), many(600), 10)).toEqual(many(600).map(() => TEXT));
    expect(serve(new Homes(), ["a"], 10, false)).toEqual([TEXT]);
    expect(serve(new Homes(), [""], 10)).toEqual([TEXT]);
  });

  it("is the plain text for what names no table", () => {
    const homes = new Homes();
    serve(homes, ["a"], 10);

    expect(homes.textOf("select 1 + $1", false)).toBe("select 1 + $1");
  });

  it("stays what it was when others come", () => {
    const homes = new Homes();
    const [before] = serve(homes, ["a"], 5);

    serve(homes, many(100), 10);

    expect(serve(homes, ["a"], 1)).toEqual([before]);
  });

  it("is marked for a thousand statements at most", () => {
    const homes = new Homes();
    serve(homes, ["a"], 5);

    const sent = Array.from({ length: 1100 }, (_, at) => homes.textOf(`select ${at} + $1`, true));

    expect(sent.filter((text) => text.endsWith("*/"))).toHaveLength(999);
  });
});

describe("Homes.isFull", () => {
  it("becomes true by plain texts, of which the server keeps each", () => {
    const homes = new Homes();
    for (let at = 0; at < 499; at++) for (let again = 0; again < 2; again++) homes.textOf(`select ${at} + $1`, false);

    expect(homes.isFull).toBe(false);
    homes.textOf("select $1", false);
    expect(homes.isFull).toBe(true);
  });
});
