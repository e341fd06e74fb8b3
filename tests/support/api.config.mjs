// The tests of the API, to run once more on tenants that are kept apart in another way, or behind a pooler: `npm run
// test:shared`, `test:database`, `test:pooler`. What is asked is the same; TENANTRY_TEST_… says of what. What is refused
// before a tenant is entered is the same for all, and runs once.
import { readFileSync } from "node:fs";

const { jest } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

const API = [
  "features/**/*.test.ts",
  "{walls,hidden,visibility,giving}.test.ts",
  "graphql/{access,foresight,page}.test.ts",
  "server/{afterCommit,partlyDone}.test.ts",
];
const BEHIND_POOLER = ["features/**/*.test.ts", "{walls,hidden,visibility}.test.ts", "pooler/*.test.ts"];

export default {
  ...jest,
  rootDir: "../..",
  testMatch: (process.env.TENANTRY_TEST_POOLER ? BEHIND_POOLER : API).map((path) => `<rootDir>/tests/${path}`),
  testPathIgnorePatterns: ["/node_modules/"],
};
