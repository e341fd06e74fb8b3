import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PRODUCT_FILE, readProduct } from "../src/product.js";

const folder = mkdtempSync(join(tmpdir(), "product-"));
const path = join(folder, "product.json");
afterAll(() => rmSync(folder, { recursive: true }));

/** The catalogue of a product file that holds this. */
function read(content: unknown) {
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return readProduct(path);
}

const APPROVE = { key: "invoices:approve", description: "Approve invoices." };
const CLERK = { key: "clerk", name: "Clerk", description: "Approves.", permissions: ["invoices:approve"] };

describe("readProduct", () => {
  it("adds the product's permissions and role templates to those built in", () => {
    const catalogue = read({ permissions: [APPROVE], roles: [CLERK] });

    expect(catalogue.permissions.get("invoices:approve")).toMatchObject({ description: "Approve invoices." });
    expect(catalogue.permissions.has("members:read")).toBe(true);
    expect([...catalogue.roles.keys()]).toEqual(["owner", "admin", "member", "guest", "clerk"]);
    expect(catalogue.roles.get("owner")?.permissions).toContain("invoices:approve");
  });

  it("reads the file of this checkout, which the demo rests on", () => {
    const { permissions, roles } = readProduct(PRODUCT_FILE);

    expect([...permissions.keys()]).toEqual(expect.arrayContaining(["invoices:read", "invoices:approve"]));
    expect([...roles.get("accountant")!.permissions].sort()).toEqual(["invoices:approve", "invoices:read"]);
  });

  it("takes an empty product", () => {
    expect([...read({}).roles.keys()]).toEqual(["owner", "admin", "member", "guest"]);
  });

  it.each([
    ["no JSON", "{", /cannot be read as JSON/],
    ["a list", [], /the file .*expected object/],
    [
      "a key that does not read noun:verb",
      { permissions: [{ ...APPROVE, key: "approve" }] },
      /permissions\.0\.key must/,
    ],
    ["a permission without words", { permissions: [{ key: "a:b" }] }, /permissions\.0\.description/],
    ["a role's key in capitals", { roles: [{ ...CLERK, key: "Clerk" }] }, /roles\.0\.key must be lower-case/],
    ["a role without permissions", { roles: [{ ...CLERK, permissions: [] }] }, /roles\.0\.permissions/],
    ["a word that means nothing", { permission: [] }, /the file .*permission/],
    ["a permission twice", { permissions: [APPROVE, APPROVE] }, /invoices:approve is defined twice/],
    [
      "a permission that is built in",
      { permissions: [{ ...APPROVE, key: "members:read" }] },
      /members:read is defined/,
    ],
    [
      "a role that is built in",
      { permissions: [APPROVE], roles: [{ ...CLERK, key: "owner" }] },
      /owner is defined twice/,
    ],
    ["a role with a permission that nobody defined", { roles: [CLERK] }, /clerk names the permission invoices:approve/],
  ])("refuses %s, and names the file and the entry", (_, content, words) => {
    expect(() => read(content)).toThrow(words);
    expect(() => read(content)).toThrow(path);
  });

  it("names every entry that is wrong", () => {
    const wrong = { permissions: [{ ...APPROVE, key: "one" }], roles: [{ ...CLERK, key: "TWO" }] };

    expect(() => read(wrong)).toThrow(/permissions\.0\.key .*; roles\.0\.key /);
  });

  it("says that the file is not there", () => {
    expect(() => readProduct(join(folder, "none.json"))).toThrow(/none\.json cannot be read as JSON: ENOENT/);
  });
});
