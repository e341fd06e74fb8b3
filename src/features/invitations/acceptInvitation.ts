import { z } from "zod";
import { isLive } from "../../access/end.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import type { MembershipId, OrganizationId, TenantId } from "../../ids.js";
import { record } from "../audit/record.js";
import { comeInto } from "../memberships/addMembership.js";
import { AlreadyMemberFailure, type Member } from "../memberships/alreadyMember.js";
import { arrive } from "../memberships/arrive.js";
import { findMembership } from "../memberships/loader.js";
import { Membership } from "../memberships/type.js";
import { findOrganization } from "../organizations/loader.js";
import { Organization } from "../organizations/type.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { EmailNotVerifiedFailure } from "../users/verifiedEmail.js";
import { answerInvitation, FIELD, type Invited } from "./answerInvitation.js";
import { end, InvitationClosedFailure } from "./closed.js";
import { about } from "./invite.js";
import { listOffers } from "./loader.js";

export class InvitationVoidFailure extends Failure {
  override readonly name = "InvitationVoidFailure";
  readonly code = "INVITATION_VOID";
}
failureType(
  InvitationVoidFailure,
  "Whoever made the invitation may not give any more what it offers: a right of theirs ended, or the organization is closed or has been moved. Ask for a new one.",
);

const form = z.object({ token: z.string() });

interface Accepted {
  readonly id: MembershipId;
  readonly organizationId: OrganizationId;
  readonly tenantId: TenantId;
  readonly slug: string;
}

/**
 * Makes whoever was invited a member, once: by the rights that its maker has at this moment, all of it or nothing.
 * @throws InvitationVoidFailure  they do not have them any more
 * @throws AlreadyMemberFailure   the invitation stays open
 */
async function accept(ctx: Context, { row, place, email }: Invited): Promise<Accepted> {
  const scope = scopeOf(ctx);
  const { session, now } = scope;
  const { offers, isWhole } = await listOffers(scope, ctx.catalogue, row.id, place);
  if (!isWhole) throw isVoid();
  const grants = offers.filter(({ expiresAt }) => isLive(expiresAt, now)).map((offer) => ({ ...offer, field: FIELD }));
  const arrived = await arrive(ctx, email);
  const ends = row.membershipExpiresAt;
  const id = await comeInto(ctx, place, arrived, grants, ends, "members:invite").catch((error) => {
    if (error instanceof AlreadyMemberFailure) throw isMember(error.member);
    // What somebody else may not give is not for whom they invited to know.
    throw error instanceof ExceedsYoursFailure ? isVoid() : error;
  });
  await end(ctx, row, "ACCEPTED");
  record(ctx, {
    ...about(place.id, row.id),
    action: "invitation.accepted",
    changes: { membershipId: id, inviterId: row.inviterId },
  });
  return { id, organizationId: place.id, tenantId: session.tenantId, slug: session.tenant.slug };
}

const isVoid = () =>
  new InvitationVoidFailure("Whoever invited you may not give this any more. Ask for a new invitation.", FIELD);

const isMember = (member: Member | null) =>
  new AlreadyMemberFailure(
    "You are a member there already, and the invitation changes nothing about that. Ask somebody there for other roles.",
    FIELD,
    member,
  );

/** Whether the caller has come in before, by this invitation or by another way: they may not have been let knock. */
const isInside = (error: unknown): boolean =>
  (error instanceof InvitationClosedFailure && error.isInside) ||
  (error instanceof AlreadyMemberFailure && error.member?.hasSignedIn === true);

/** Accepts, and lets the identity find the tenant from then on; also that of one who came in before and was not let knock. */
async function acceptInvitation(ctx: Context, token: string): Promise<Accepted> {
  try {
    const accepted = await answerInvitation(ctx, token, (invited) => accept(ctx, invited));
    await ctx.arrivals!.admit(accepted.tenantId);
    return accepted;
  } catch (error) {
    const read = isInside(error) && ctx.invitationTokens.read(token);
    if (read) await ctx.arrivals!.admit(read.tenantId);
    throw error;
  }
}

mutation<z.output<typeof form>, Accepted>("acceptInvitation", {
  description:
    "Makes the caller a member where they were invited. Needs the token of the invitation, and a token whose verified address is the one that it was sent to; no tenant: the invitation leads to its own, whichever the request names. It works once, and gives what whoever invited may still give.",
  input: (t) => ({ token: t.string({ required: true, description: "From the link in the mail." }) }),
  form,
  payload: {
    description: "The caller is a member.",
    fields: (t) => ({
      membership: t.field({
        type: Membership,
        nullable: true,
        description: "The membership; null when it is gone already.",
        resolve: ({ id }, _args, ctx) => ctx.operation.scope && findMembership(ctx.operation.scope, id),
      }),
      organization: t.field({
        type: Organization,
        nullable: true,
        description: "Where; null when it is closed already.",
        resolve: ({ organizationId }, _args, ctx) =>
          ctx.operation.scope && findOrganization(ctx.operation.scope, organizationId),
      }),
      tenantSlug: t.exposeString("slug", { description: "What to send as X-Tenant from now on." }),
    }),
  },
  failures: [
    EmailNotVerifiedFailure,
    InvitationClosedFailure,
    InvitationVoidFailure,
    AlreadyMemberFailure,
    NotFoundFailure,
  ],
  change: ({ token }, ctx) => acceptInvitation(ctx, token),
});
