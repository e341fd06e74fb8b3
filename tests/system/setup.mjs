// Before the system tests: what they run must be there, and what they start must be up to date.
import { existsSync } from "node:fs";
import { build, isStale } from "../../build.mjs";

/** Debian's packages, each by a program of its. */
const NEEDED = { chromium: "/usr/bin/chromium" };

export default async function setup() {
  const missing = Object.keys(NEEDED).filter((name) => !existsSync(NEEDED[name]));
  if (missing.length > 0) {
    process.stderr.write(`The system tests need what is not installed here: apt-get install -y ${missing.join(" ")}\n`);
    process.exit(1);
  }
  if (isStale()) await build();
}
