import { boundTo, type Mail } from "../../src/features/mail/mail.js";
import { deriveKey, loadKey } from "../../src/identity/key.js";
import type { MailId } from "../../src/ids.js";
import { MAIL_KEY, Seal } from "../../src/tenancy/seal.js";
import { FOLDER, type TestDatabase } from "./database.js";
import { homeOf } from "./home.js";
import type { Planted } from "./world.js";

type Written = Pick<Planted, "slug" | "tenantId">;

/** What waits in a tenant's outbox, first written first, as whoever has the installation's key can read it. */
export async function lettersOf(database: TestDatabase, { slug, tenantId }: Written): Promise<Mail[]> {
  const seal = new Seal(deriveKey(await loadKey({ dataDir: FOLDER }), MAIL_KEY));
  const rows = await homeOf({ database }, slug)("select id, sealed from outbox where sealed is not null order by id");
  return rows.map(({ id, sealed }) => JSON.parse(seal.open(boundTo(tenantId, id as MailId), sealed as Buffer)!));
}

/** The token in the newest mail to an address. */
export async function tokenFor(database: TestDatabase, tenant: Written, email: string): Promise<string> {
  const letter = (await lettersOf(database, tenant)).findLast(({ to }) => to === email);
  if (!letter) throw new Error(`There is no mail to ${email}.`);
  return letter.token;
}
