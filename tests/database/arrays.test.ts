import fc from "fast-check";
import { parseArray } from "../../src/database/arrays.js";

/** An array of texts as PostgreSQL writes it: quoted is what is empty, reads as a null, or holds what means something there. */
const written = (texts: readonly string[]): string =>
  `{${texts
    .map((text) =>
      text === "" || /^null$/i.test(text) || /[\s{}",\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : text,
    )
    .join(",")}}`;

describe("parseArray", () => {
  it("reads the texts that PostgreSQL wrote, whatever is in them", () => {
    const piece = fc.constantFrom("a", "members:read", "null", "NULL", '"', "\\", "{", "}", ",", " ", "", "ü", "{}");
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join("")),
      fc.uuid(),
    );

    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), (texts) => {
        expect(parseArray(written(texts))).toEqual(texts);
      }),
      { numRuns: 2000 },
    );
  });

  it("reads what holds nothing", () => {
    expect(parseArray("{}")).toEqual([]);
  });
});
