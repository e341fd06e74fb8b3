import { INVITATIONS_KEY, InvitationTokens } from "../identity/invitationToken.js";
import { deriveKey } from "../identity/key.js";
import type { Context } from "./context.js";
import { Cursors } from "./cursor.js";

/** What is made, and known again, with keys of its own derived from the installation's. */
export const secretsOf = (key: Buffer): Pick<Context, "cursors" | "invitationTokens"> => ({
  cursors: new Cursors(deriveKey(key, "tenantry cursor v1")),
  invitationTokens: new InvitationTokens(deriveKey(key, INVITATIONS_KEY)),
});
