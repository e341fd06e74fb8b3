import type { Command } from "commander";

const NEEDS = "Needs DATABASE_OWNER_URL on your PostgreSQL, and TENANTRY_DATABASE_OWNERS for further databases.";
const JSON_LINE = ["--json", "print the outcome as a line of JSON"] as const;
const ISOLATION = [
  "--isolation <kind>",
  "shared (its id in every row), schema (one of its own) or database (one of its own)",
  "schema",
] as const;
const DATABASE = [
  "--database <name>",
  "which database of the settings; unset: main, or for a database of its own a free one",
] as const;

/** `tenantry tenant …`: tenants, as an operator handles them. */
export function addTenantCommands(program: Command): void {
  const tenant = program
    .command("tenant")
    .summary("make, list, change, move, export, import and erase tenants")
    .description(
      "Tenants, as an operator handles them. Each command is whole or not at all; `doctor` finishes what was interrupted.",
    );
  tenant
    .command("create <slug>")
    .summary("make a tenant, with its root and its owner")
    .description(
      `Make a tenant, with its root organization and somebody who owns all of it. With the development issuer on, the owner is registered there and can have a token at once; with an issuer of your own, say who its tokens mean by --owner-issuer and --owner-subject. ${NEEDS}`,
    )
    .requiredOption("--name <name>", "what people call it")
    .requiredOption("--owner <email>", "who owns it, without an end")
    .option("--owner-issuer <url>", "whose tokens the owner signs in with: their claim iss")
    .option("--owner-subject <id>", "whom those tokens mean: their claim sub")
    .option(...ISOLATION)
    .option(...DATABASE)
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./create.js")).createCommand(slug, options));
  tenant
    .command("list")
    .summary("every tenant, and where it is")
    .description(`List every tenant: its slug, its status, how it is kept apart, and where. ${NEEDS}`)
    .option("--json", "print a line of JSON for each")
    .action(async (options) => (await import("./look.js")).listCommand(options));
  tenant
    .command("show <slug>")
    .summary("one tenant, what its home says, and what is in it")
    .description(`Show a tenant: where it is, what its home says, who owns it, and how many rows it has. ${NEEDS}`)
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./look.js")).showCommand(slug, options));
  tenant
    .command("rename <slug> [new-slug]")
    .summary("another slug, another name, or both")
    .description(
      `Give a tenant another slug, another name, or both. The slug before leads nowhere from the next request on; it stays this tenant's, so that an address that was given out never leads to another one. ${NEEDS}`,
    )
    .option("--name <name>", "what people call it: the name of its root")
    .option(...JSON_LINE)
    .action(async (slug, to, options) => (await import("./change.js")).renameCommand(slug, to, options));
  tenant
    .command("suspend <slug>")
    .summary("let nobody in, from the next request on")
    .description(
      `Let nobody into a tenant until it is resumed, from the next request on. Its data stays as it is. ${NEEDS}`,
    )
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./change.js")).suspendCommand(slug, options));
  tenant
    .command("resume <slug>")
    .summary("let people in again")
    .description(`Let people into a suspended tenant again. ${NEEDS}`)
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./change.js")).resumeCommand(slug, options));
  tenant
    .command("recover <slug>")
    .summary("another owner, where its own cannot be reached")
    .description(
      `Make somebody an owner of a tenant, without an end: for one whose only owner's account is gone. Whoever has the address already becomes the owner, and signs in as given here from then on; otherwise somebody new does. Nobody's rights are taken away. The tenant's audit says that the operator did it. ${NEEDS}`,
    )
    .requiredOption("--owner <email>", "who owns it, without an end")
    .option("--owner-issuer <url>", "whose tokens the owner signs in with: their claim iss")
    .option("--owner-subject <id>", "whom those tokens mean: their claim sub")
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./recover.js")).recoverCommand(slug, options));
  tenant
    .command("move <slug>")
    .summary("to another home, while it is in use")
    .description(
      `Move a tenant to another home: shared with others, a schema of its own, or a database of its own; in any database of the settings. Readers notice nothing; changes wait for less than a second. Interrupted, it is simply run again. ${NEEDS}`,
    )
    .requiredOption("--to <home>", "shared, schema or database; with a database's name behind a colon: database:eu")
    .option("--keep <duration>", "how long the old home is kept, closed: 30m, 8h, 7d, or 0", "1d")
    .option("--json", "print each step as a line of JSON")
    .action(async (slug, options) => (await import("./move.js")).moveCommand(slug, options));
  tenant
    .command("export <slug> <file>")
    .summary("write everything of a tenant into one archive")
    .description(
      `Write everything of a tenant, as it is at one moment, into one archive: a .tar.gz with a file of JSON lines for each table, and a manifest with checksums. A dash for <file> writes it to stdout. The archive holds personal data: keep it as you keep the database. ${NEEDS}`,
    )
    .option("--json", "print what is in it as a line of JSON, to stderr where the archive goes to stdout")
    .action(async (slug, file, options) => (await import("./archive.js")).exportCommand(slug, file, options));
  tenant
    .command("import <file>")
    .summary("make a tenant from an archive")
    .description(
      `Make a tenant from an archive, with the same ids. Its rows are written by the serving login in a session of that tenant, so that an archive brings nothing into another. Refused when a checksum does not fit, or when the archive was made by another version. ${NEEDS}`,
    )
    .option("--slug <slug>", "another slug than it had")
    .option(...ISOLATION)
    .option(...DATABASE)
    .option(...JSON_LINE)
    .action(async (file, options) => (await import("./archive.js")).importCommand(file, options));
  tenant
    .command("purge [slug]")
    .summary("remove for good what people deleted, when its time is up")
    .description(
      `Remove organizations for good that people deleted and whose time is up, with everything below them: of one tenant, or of all. The people stay, and nobody else can have the slugs. Run it once a day. ${NEEDS}`,
    )
    .option("--json", "print a line of JSON for each")
    .action(async (slug, options) => (await import("./purge.js")).purgeCommand(slug, options));
  tenant
    .command("erase <slug>")
    .summary("remove everything of a tenant, for ever")
    .description(
      `Remove everything of a tenant for ever: its rows, its home, and what the directory knows of it; then search every table for its id, and say what was searched. Asks first. Interrupted, it is finished by \`doctor --fix\`. ${NEEDS}`,
    )
    .option("--yes", "do not ask")
    .option(...JSON_LINE)
    .action(async (slug, options) => (await import("./erase.js")).eraseCommand(slug, options));
}
