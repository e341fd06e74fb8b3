#!/usr/bin/env node
// The command line. Each command is loaded only when it is called, so that none pays for what another needs.
import { Command } from "commander";
import { addAuditCommands } from "./commands/audit/program.js";
import { outliveTerminal } from "./commands/signals.js";
import { addTenantCommands } from "./commands/tenant/program.js";

outliveTerminal();
// Whoever reads along may stop, as `head` does, or a terminal that is closed, which must not end a command in the middle of what it changes.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== "EIO") throw error;
  });

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
  .option(
    "--new-key",
    "take TENANTRY_KEY for the installation's, whatever it was, and lose what was made with that one",
  )
  .option("--workers <n>", "how many homes are worked on at once, 4 unless given")
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
addTenantCommands(program);
addAuditCommands(program);
program
  .command("import <file>")
  .summary("bring people, organizations, memberships and roles into a tenant")
  .description(
    "Bring the rows of a .csv or .ndjson file into a tenant that is in use: people, organizations and what the ones are in the others, found again by their external ids. Nothing is taken away. What is there already stays as it is, so an interrupted run is simply run again. A row that is refused is named, and keeps no other out; the exit code is 4 then. Needs DATABASE_OWNER_URL on your PostgreSQL, and TENANTRY_DATABASE_OWNERS for further databases.",
  )
  .requiredOption("--tenant <slug>", "the tenant")
  .option("--dry-run", "say of each row what would be done, and do nothing")
  .option("--json", "print a line of JSON for each row that is told of, and one for the outcome")
  .action(async (file, options) => (await import("./commands/import/import.js")).importCommand(file, options));
program
  .command("work")
  .summary("do what operators, and people who sign up, ask for")
  .description(
    "Do the jobs that operators hand in over GraphQL, and make the tenants of those who sign up, until SIGTERM. Several may run at once. A job whose worker was killed is gone on with by the next. Needs DATABASE_OWNER_URL on your PostgreSQL, TENANTRY_DATABASE_OWNERS for further databases, and the gateway's TENANTRY_KEY.",
  )
  .option("--once", "do what there is to do, then end: with 4 when something failed or was left")
  .option("--json", "print the beginning and the end of each job as a line of JSON")
  .action(async (options) => (await import("./commands/work.js")).workCommand(options));
program
  .command("doctor")
  .summary("what is wrong with the installation, and what mends it")
  .description(
    "Look at everything that can be wrong: the walls between tenants in every database, migrations, tenants whose making or erasing was interrupted, homes without a tenant and tenants without a home, owners, the key. Uses the logins it is given, and says what it could not look at. Exits 0 when all is sound, 1 when findings are left.",
  )
  .option("--fix", "mend what can be mended without a decision of yours")
  .option("--json", "print a line of JSON for each finding, and for what could not be looked at")
  .action(async (options) => (await import("./commands/doctor.js")).doctorCommand(options));
program
  .command("settings")
  .summary("every setting, its default and what it means")
  .description("Print every setting, its default and what it means, as Markdown. No value of this machine is in it.")
  .action(async () => {
    process.stdout.write((await import("./commands/settings.js")).settingsPage());
  });

program
  .command("permissions")
  .summary("every permission, what it opens and which roles hold it")
  .description(
    "Print every permission, built in or of the product's file, what it opens, which roles hold it, and what asks for none, as Markdown, from the rules that are enforced.",
  )
  .action(async () => (await import("./commands/permissions.js")).permissions());

const product = program
  .command("product")
  .summary("what a change of the product's own permissions does, and doing it")
  .description(
    "The product's own permissions and role templates, which come from the file that TENANTRY_PRODUCT names. Needs DATABASE_OWNER_URL on your PostgreSQL.",
  );
product
  .command("plan")
  .summary("what applying the file would change, for whom")
  .description(
    "Show which permissions and role templates the file adds, changes and removes, and how many tenants, roles, grants and people each concerns. Changes nothing; ends with 0 whether or not there is something to do.",
  )
  .option("--json", "print a line of JSON for each change and tenant, then one for each change")
  .action(async (options) => (await import("./commands/product.js")).productPlan(options));
product
  .command("apply")
  .summary("do what `plan` shows")
  .description(
    "Apply the file. Refused with 3 when something that would go is in use, unless forced. Each tenant is changed whole or not at all, with its audit; an interrupted run is simply run again.",
  )
  .option("--force", "take permissions out of tenants' roles, and end grants of templates, that the file has no more")
  .option("--json", "print a line of JSON for each change")
  .action(async (options) => (await import("./commands/product.js")).productApply(options));

try {
  await program.parseAsync();
} catch (error) {
  const { explain } = await import("./commands/explain.js");
  process.exitCode = explain(error);
}
