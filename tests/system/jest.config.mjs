// Tests that need more than npm: programs that Debian ships. Run by `npm run test:system`.
import { readFileSync } from "node:fs";

const { jest } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));

export default {
  ...jest,
  rootDir: "../..",
  testMatch: ["<rootDir>/tests/system/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  testTimeout: 240_000,
  globalSetup: "<rootDir>/tests/system/setup.mjs",
  globalTeardown: undefined,
};
