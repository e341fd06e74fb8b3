import type { Command } from "commander";

const load = () => import("./audit.js");

/** `tenantry audit …`: what was done in a tenant. */
export function addAuditCommands(program: Command): void {
  const audit = program
    .command("audit")
    .summary("whether a tenant's audit is what was written; read it, and remove what is old")
    .description(
      "The audit of a tenant: who did what, written in the transaction that did it, and sealed each minute. Needs DATABASE_OWNER_URL on your PostgreSQL.",
    );
  audit
    .command("verify")
    .summary("find out whether anything was changed, removed or cut")
    .description(
      "Go through the audit of a tenant, from its first seal to the newest and to the one that is known outside of the tenant. Ends with 0 when all of it is what was written; otherwise with 1, and names the first place that is not.",
    )
    .requiredOption("--tenant <slug>", "the tenant")
    .option("--log <file>", "a log of the gateway, whose seals must all be there; - is stdin")
    .option("--json", "print what was found as a line of JSON")
    .action(async (options) => (await load()).auditVerify(options));
  audit
    .command("export")
    .summary("everything that happened, as lines of JSON")
    .description("Print what happened in a tenant, first to happen first, a line of JSON for each event.")
    .requiredOption("--tenant <slug>", "the tenant")
    .option("--from <instant>", "only what happened then or later: 2026-01-31T00:00:00Z, or a day of UTC")
    .option("--to <instant>", "only what happened before")
    .option("--action <actions...>", "only these actions, such as organization.created")
    .action(async (options) => (await load()).auditExport(options));
  audit
    .command("prune")
    .summary("remove what is old, behind a signed checkpoint")
    .description(
      "Remove the seals that were made before an instant, with all that is in them, and leave a signed checkpoint in their place. Refused with 3 when the audit is not what was written.",
    )
    .requiredOption("--tenant <slug>", "the tenant")
    .requiredOption("--before <instant>", "what was sealed earlier goes")
    .option("--json", "print what was removed as a line of JSON")
    .action(async (options) => (await load()).auditPrune(options));
  audit
    .command("reseal")
    .summary("seal anew what was sealed with another TENANTRY_KEY")
    .description(
      "Seal anew the audits that were sealed with another TENANTRY_KEY, in part or as a whole: of one tenant, or of all. Where that key is lost, or the tenant came from another installation, nothing more is sealed before. What was changed in such an audit until now is not found any more: verify it with its old key first, as long as there is one.",
    )
    .option("--tenant <slug>", "only this tenant")
    .option("--json", "print a line of JSON for each tenant that had something")
    .action(async (options) => (await import("./reseal.js")).auditReseal(options));
  audit
    .command("take-in")
    .summary("take in what gateways of an older version wrote")
    .description(
      "Give what gateways of an older version wrote the form of this one, so that it is sealed: of one tenant, or of all. Until then only who may read the audit everywhere reads it. Run it once after an update, when no gateway of the older version is left.",
    )
    .option("--tenant <slug>", "only this tenant")
    .option("--json", "print a line of JSON for each tenant that had something")
    .action(async (options) => (await import("./takeIn.js")).auditTakeIn(options));
}
