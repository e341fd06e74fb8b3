#!/usr/bin/env node
// The command line. Each command is loaded only when it is called, so that none pays for what another needs.
import { Command } from "commander";

const program = new Command("tenantry")
  .description("A GraphQL gateway with per-organization authorization, beside your PostgreSQL.")
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command("start")
  .description("The gateway; without database settings on an embedded database, with demo data when that is empty")
  .action(async () => (await import("./commands/start.js")).start());
program
  .command("serve")
  .description("The gateway, on the database that the settings name")
  .action(async () => (await import("./commands/serve.js")).serve());
program
  .command("migrate")
  .description("Bring the directory and every tenant's home to this version")
  .option("--print-sql", "print the SQL that an administrator runs first, and change nothing")
  .option("--json", "print what was done as JSON")
  .action(async (options) => (await import("./commands/migrate.js")).migrateCommand(options));
program
  .command("seed")
  .description("Make the demo tenants that are missing")
  .action(async () => (await import("./commands/seed.js")).seedCommand());
program
  .command("token")
  .description("Print a token of the development issuer, and nothing else")
  .requiredOption("--user <email>", "whom it is for")
  .option("--tenant <slug>", "a tenant that the person must be in")
  .option("--ttl <duration>", "how long it is good: 30s, 15m, 8h, 7d", "8h")
  .action(async (options) => (await import("./commands/token.js")).token(options));

try {
  await program.parseAsync();
} catch (error) {
  const { explain } = await import("./commands/explain.js");
  process.exitCode = explain(error);
}
