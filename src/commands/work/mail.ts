import type { Logger } from "pino";
import type { Settings } from "../../config.js";
import { Leases } from "../../database/leases.js";
import { MAIN } from "../../database/names.js";
import { silenceOf } from "../../database/silence.js";
import { invitationStands } from "../../features/invitations/stands.js";
import { Postman } from "../../features/mail/postman.js";
import { describeFault } from "../../graphql/present.js";
import { INVITATIONS_KEY, InvitationTokens } from "../../identity/invitationToken.js";
import { deriveKey } from "../../identity/key.js";
import { Directory } from "../../tenancy/directory/directory.js";
import { DueMail } from "../../tenancy/directory/dueMail.js";
import type { Owners } from "../../tenancy/owners.js";
import { MAIL_KEY, Seal } from "../../tenancy/seal.js";
import type { Stop } from "./stopping.js";

const LOOK_EACH_MS = 500;
/** How often every outbox is looked into, for what nobody was told of. */
const ALL_EACH_MS = 10 * 60_000;
const CONNECTIONS = 2;

export interface MailOptions {
  readonly settings: Settings;
  readonly owners: Owners;
  /** The installation's. */
  readonly key: Buffer;
  readonly log: Logger;
  readonly stop: Stop;
  /** Whether to end when nothing is due. */
  readonly once: boolean;
}

/** Sends mail until it is asked to stop, with the rights of the logins that serve; nothing where no mail server is named. */
export async function sendMail({ settings, owners, key, log, stop, once }: MailOptions): Promise<void> {
  const { TENANTRY_SMTP_URL: url, TENANTRY_MAIL_FROM: from, TENANTRY_INVITATION_URL: invitationUrl = null } = settings;
  if (!url || !from) return;
  const { smtp } = await import("./smtp.js");
  const door = leases({ [MAIN]: owners.doorUrl }, settings);
  const serve = leases(Object.fromEntries(owners.databases.map((name) => [name, owners.servingUrl(name)])), settings);
  const due = new DueMail(door);
  const postman = new Postman({
    serve,
    directory: new Directory(door),
    due,
    seal: new Seal(deriveKey(key, MAIL_KEY)),
    letters: { invitationUrl },
    stands: invitationStands(new InvitationTokens(deriveKey(key, INVITATIONS_KEY))),
    send: smtp(url, from),
    onEnd: (mail, outcome, fault) =>
      fault ? log.warn({ mail, outcome, fault: describeFault(fault) }, "mail") : log.info({ mail, outcome }, "mail"),
  });
  let lookAgainAt = 0;
  try {
    while (!stop.isAsked) {
      const isBusy = await (async () => {
        if (performance.now() >= lookAgainAt) {
          await due.takeNothingForGranted();
          lookAgainAt = performance.now() + ALL_EACH_MS;
        }
        return postman.next();
      })().catch((error) => {
        if (once) throw error;
        log.error({ fault: describeFault(error) }, "mail could not be looked after");
        return false;
      });
      if (isBusy) continue;
      if (once) break;
      await stop.orAfter(LOOK_EACH_MS);
    }
  } finally {
    await Promise.all([door.close(), serve.close()]);
  }
}

const leases = (databases: Record<string, string>, settings: Settings): Leases =>
  new Leases({
    databases,
    applicationName: "tenantry mail",
    prepare: settings.TENANTRY_PREPARE,
    connectTimeoutMs: 5000,
    silenceMs: silenceOf(settings.TENANTRY_STATEMENT_TIMEOUT_MS),
    size: CONNECTIONS,
    waitMs: settings.TENANTRY_LEASE_WAIT_MS,
    maxAgeMs: 12 * 60_000,
  });
