import { createHmac } from "node:crypto";
import { Resolver } from "node:dns/promises";
import type { Leases } from "../database/leases.js";
import { INVITATIONS_KEY, InvitationTokens } from "../identity/invitationToken.js";
import { deriveKey } from "../identity/key.js";
import { DueMail } from "../tenancy/directory/dueMail.js";
import { MAIL_KEY, Seal } from "../tenancy/seal.js";
import type { Context, ResolveTxt } from "./context.js";
import { Cursors } from "./cursor.js";

/** What every context is given of the installation, each piece with a key of its own. */
export type Rooms = Pick<Context, "cursors" | "invitationTokens" | "mail" | "resolveTxt" | "domainDigest">;

export interface RoomsOptions {
  /** The installation's. */
  readonly key: Buffer;
  readonly door: Leases;
  readonly resolveTxt?: ResolveTxt | undefined;
  /** Told when nobody could be told of mail: it is found later. */
  readonly onLost: (error: unknown) => void;
}

export function roomsOf({ key, door, resolveTxt = askDns, onLost }: RoomsOptions): Rooms {
  const due = new DueMail(door);
  const ofDomains = deriveKey(key, "tenantry domain v1");
  return {
    cursors: new Cursors(deriveKey(key, "tenantry cursor v1")),
    invitationTokens: new InvitationTokens(deriveKey(key, INVITATIONS_KEY)),
    mail: {
      seal: new Seal(deriveKey(key, MAIL_KEY)),
      announce: (tenantId) => due.announce(tenantId).catch(onLost),
    },
    resolveTxt,
    domainDigest: (domain) => createHmac("sha256", ofDomains).update(domain).digest(),
  };
}

const askDns: ResolveTxt = (name) => new Resolver({ timeout: 2000, tries: 2 }).resolveTxt(name);
