import type { Leases } from "../database/leases.js";
import { deriveKey } from "../identity/key.js";
import { DueMail } from "../tenancy/directory/dueMail.js";
import { MAIL_KEY, Seal } from "../tenancy/seal.js";
import type { MailRoom } from "./context.js";

/**
 * @param key    the installation's
 * @param onLost told when nobody could be told of mail: it is found later
 */
export function mailRoomOf(door: Leases, key: Buffer, onLost: (error: unknown) => void): MailRoom {
  const due = new DueMail(door);
  return {
    seal: new Seal(deriveKey(key, MAIL_KEY)),
    announce: (tenantId) => void due.announce(tenantId).catch(onLost),
  };
}
