// The tests of the API once more: on tenants that share tables (`npm run test:shared`), and, through PgBouncer, on tenants with
// a database each, beside the demo's, which are of all three kinds (`npm run test:pooler`). What is decided before a tenant's rows
// are read, or by its lock alone, is the same for all, and runs once.
import { readFileSync } from "node:fs";

const { jest } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

const API = [
  "features/**/*.test.ts",
  "{walls,hidden,visibility,giving}.test.ts",
  "graphql/{access,foresight}.test.ts",
  "server/{afterCommit,partlyDone}.test.ts",
  "support/isolation.test.ts",
];
const BEHIND_POOLER = process.env.TENANTRY_TEST_POOLER ? ["pooler/*.test.ts"] : [];

export default {
  ...jest,
  rootDir: "../..",
  testMatch: [...API, ...BEHIND_POOLER].map((path) => `<rootDir>/tests/${path}`),
  testPathIgnorePatterns: ["/node_modules/", "/memberships/lastOwner", "/checks/remedy", "/tenants/createTenant"],
};
