import { type Context, scopeOf } from "../../graphql/context.js";
import { accessOfMaker } from "../memberships/makers.js";
import { findOrganization } from "../organizations/loader.js";
import { listOffers } from "./loader.js";
import { couldGive } from "./offer.js";
import type { InvitationRow } from "./table.js";

/**
 * Whether an open invitation, which the viewer may see, offers what its maker may not give any more, or a role that is not usable
 * there. `acceptInvitation` judges it once more, by the rights of its moment. As many statements for a page as for one.
 */
export async function isVoid(ctx: Context, invitation: InvitationRow): Promise<boolean> {
  const scope = scopeOf(ctx);
  const { id, organizationId, inviterId, status, expiresAt, membershipExpiresAt } = invitation;
  if (status !== "OPEN" || !scope.isLive(expiresAt)) return false;
  const place = (await findOrganization(scope, organizationId))!;
  const [access, { offers, isWhole }] = await Promise.all([
    accessOfMaker(ctx, inviterId),
    listOffers(scope, ctx.catalogue, id, place),
  ]);
  const live = offers.filter((offer) => scope.isLive(offer.expiresAt));
  return !isWhole || !couldGive(access, place, live, membershipExpiresAt, "members:invite");
}
