#!/usr/bin/env node
// The command line in a checkout: compiles when that is due, then runs what the published package runs.
import { build, isStale } from "./build.mjs";

if (isStale()) await build();
await import("./dist/main.js");
