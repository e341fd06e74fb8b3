import { readSettings } from "../config.js";
import { withOwnersOf } from "./database.js";
import { seed } from "./demo/seed.js";
import { UsageError } from "./explain.js";
import { ownKey } from "./key.js";
import { print, progress } from "./progress.js";

/** `tenantry seed`: makes those demo tenants that are missing. For development only: their people sign in without a password. */
export async function seedCommand(options: { json?: boolean }): Promise<void> {
  const settings = readSettings(process.env);
  if (!settings.TENANTRY_DEVELOPMENT)
    throw new UsageError(
      "Demo people sign in through the development issuer: set TENANTRY_DEVELOPMENT=on to seed them.",
    );
  const made = await withOwnersOf(settings, async (owners) =>
    seed(owners, await ownKey(settings, owners), settings.TENANTRY_DATA_DIR, progress("Demo tenants made")),
  );
  if (options.json) print(`${JSON.stringify({ made })}\n`);
  else print(made.length > 0 ? `Made ${made.join(", ")}.\n` : "The demo tenants are all there.\n");
}
