#!/usr/bin/env node
// The command line. Each command is loaded only when it is called, so that none pays for what another needs.
import { Command } from "commander";

const program = new Command("tenantry")
  .description("A GraphQL gateway with per-organization authorization, beside your PostgreSQL.")
  .addHelpText(
    "after",
    `
Settings are environment variables; \`tenantry settings\` explains them all.
Exit codes: 0 done, 1 failed, 2 wrong settings or usage, 3 refused because it would be unsafe or something is in use,
4 partly done.`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2));

program
  .command("start")
  .summary("the gateway, with all that it needs")
  .description(
    "Start the gateway. Without database settings it brings an embedded PostgreSQL, makes three demo tenants when that is empty, and prints tokens to try them with; with database settings it is `serve`. Ctrl-C ends everything.",
  )
  .action(async () => (await import("./commands/start.js")).start());
program
  .command("serve")
  .summary("the gateway alone, on your PostgreSQL")
  .description(
    "Answer requests from DATABASE_URL and DATABASE_DOOR_URL until SIGTERM, then finish what runs. Refuses to start when a login could step around the walls between tenants, and says how to mend it.",
  )
  .action(async () => (await import("./commands/serve.js")).serve());
program
  .command("migrate")
  .summary("make the serving logins, and bring every table to this version")
  .description(
    "Make the serving logins, and bring the directory and every tenant's home to this version. Each home is brought whole or not at all; an interrupted run is simply run again. A home that fails keeps what it has and is named, the others go on, and the exit code is 4. Needs DATABASE_OWNER_URL on your PostgreSQL.",
  )
  .option("--print-sql", "print the SQL that an administrator runs first, and change nothing")
  .option("--dry-run", "say what would run, after a trial in an empty home that is not kept, and change nothing")
  .option("--check", "compare every home with one made anew, name what differs, and change nothing")
  .option("--canary <slugs>", "tenants whose homes come first, separated by commas; when one fails no other is touched")
  .option("--until <migration>", "the last migration of homes that shall run")
  .option("--all", "look at every home, also at those that the directory takes for complete")
  .option("--workers <n>", "how many homes are worked on at once", "4")
  .option("--json", "print what was done as lines of JSON")
  .action(async (options) => (await import("./commands/migrate.js")).migrateCommand(options));
program
  .command("seed")
  .summary("make the demo tenants that are missing")
  .description(
    "Make those of the demo tenants northwind, meridian and lumen that are missing, and register their people at the development issuer. Running it again changes nothing.",
  )
  .option("--json", "print what was made as JSON")
  .action(async (options) => (await import("./commands/seed.js")).seedCommand(options));
program
  .command("token")
  .summary("a token of the development issuer")
  .description(
    "Print a token of the development issuer, and nothing else. It is good for all tenants of the person. The gateway need not run.",
  )
  .requiredOption("--user <email>", "whom it is for")
  .option("--tenant <slug>", "a tenant that the person must be in")
  .option("--ttl <duration>", "how long it is good: 30s, 15m, 8h, 7d", "8h")
  .action(async (options) => (await import("./commands/token.js")).token(options));
program
  .command("settings")
  .summary("every setting, its default and what it means")
  .description("Print every setting, its default and what it means, as Markdown. No value of this machine is in it.")
  .action(async () => {
    process.stdout.write((await import("./commands/settings.js")).settingsPage());
  });

program
  .command("rules")
  .summary("every field of the API, and what it asks of a viewer")
  .description(
    "Print every field of the API and what it asks of a viewer, as Markdown, from the rules that are enforced.",
  )
  .action(async () => {
    process.stdout.write((await import("./commands/rules.js")).rulesPage());
  });

try {
  await program.parseAsync();
} catch (error) {
  const { explain } = await import("./commands/explain.js");
  process.exitCode = explain(error);
}
