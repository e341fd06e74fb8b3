import type { InvitationTokens } from "../../identity/invitationToken.js";
import type { PostmanOptions } from "../mail/postman.js";

const STANDS =
  "select from invitations where tenant_id = $1 and token_hash = $2 and status = 'OPEN' and expires_at > clock_timestamp()";

/** Tells of a mail whether the invitation in it is open, and its link the one that was made last. */
export const invitationStands =
  (tokens: InvitationTokens): PostmanOptions["stands"] =>
  async (session, { token }) => {
    const read = tokens.read(token);
    return read !== null && (await session.query(STANDS, [session.tenantId, read.hash])).length > 0;
  };
