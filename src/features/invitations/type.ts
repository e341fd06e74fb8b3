import { builder, Node } from "../../graphql/builder.js";
import { scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import { connection } from "../../graphql/page.js";
import type { InvitationId } from "../../ids.js";
import { visibleUsers } from "../memberships/visibleUsers.js";
import { findOrganization } from "../organizations/loader.js";
import { Reach } from "../organizations/reach.js";
import { Organization } from "../organizations/type.js";
import type { Role as RoleShape } from "../roles/role.js";
import { Role } from "../roles/type.js";
import { User } from "../users/type.js";
import { findInvitation, invitationsOf, listOffers } from "./loader.js";
import type { InvitationRow } from "./table.js";
import { isVoid } from "./void.js";

export const InvitationStatus = builder.enumType("InvitationStatus", {
  description: "What became of an invitation.",
  values: {
    OPEN: { description: "It can be accepted, unless it is void." },
    ACCEPTED: { description: "Whoever was invited has become a member by it." },
    DECLINED: { description: "Whoever was invited does not want it." },
    WITHDRAWN: { description: "Somebody took it back, or invited the same address again." },
    EXPIRED: { description: "It came to its end before anybody accepted it." },
  } as const,
});

/** A role that somebody is to be given. */
interface Offered {
  readonly role: RoleShape;
  readonly reach: "ORGANIZATION" | "SUBTREE";
  readonly expiresAt: Date | null;
}

export const Invitation = builder.objectRef<InvitationRow>("Invitation");
export const OfferedGrant = builder.objectRef<Offered>("OfferedGrant");

builder.objectType(Invitation, {
  description: "An offer of membership, sent to an address. Only who has that address, verified, can accept it.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({
      description: "Global id, stable for ever.",
      resolve: (invitation) => encodeId("Invitation", invitation.id),
    }),
    organization: t.field({
      type: Organization,
      description: "Where whoever accepts becomes a member.",
      resolve: async ({ organizationId }, _args, ctx) => (await findOrganization(scopeOf(ctx), organizationId))!,
    }),
    email: t.exposeString("email", { description: "The address it was sent to, in lower case." }),
    grants: t.field({
      type: [OfferedGrant],
      description:
        "What it offers. A role that is not usable there any more is left out, and the invitation cannot be accepted.",
      resolve: async ({ id, organizationId }, _args, ctx) => {
        const scope = scopeOf(ctx);
        const place = (await findOrganization(scope, organizationId))!;
        return (await listOffers(scope, ctx.catalogue, id, place)).offers;
      },
    }),
    invitedBy: t.field({
      type: User,
      nullable: true,
      description:
        "In whose name it is made: what they may not give any more when it is accepted, nobody gets by it. Null when they are hidden from the viewer.",
      resolve: ({ inviterId }, _args, ctx) => visibleUsers(scopeOf(ctx)).load(inviterId),
    }),
    status: t.field({
      type: InvitationStatus,
      description: "What became of it, by the clock of the database.",
      resolve: ({ status, expiresAt }, _args, ctx) =>
        status === "OPEN" && !scopeOf(ctx).isLive(expiresAt) ? ("EXPIRED" as const) : status,
    }),
    isVoid: t.boolean({
      description:
        "Whether it is open, and accepting it would fail with `InvitationVoidFailure`: whoever made it may not give any more what it offers, or a role of it is not usable there. Somebody else can invite anew, or, in the first case, send it again.",
      resolve: (invitation, _args, ctx) => isVoid(ctx, invitation),
    }),
    expiresAt: t.expose("expiresAt", { type: "DateTime", description: "From when on it cannot be accepted." }),
    membershipExpiresAt: t.expose("membershipExpiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When the membership is to end; null for no end.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was made." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When it was last sent, or ended." }),
  }),
});

OfferedGrant.implement({
  description: "A role that somebody is to be given when they come.",
  fields: (t) => ({
    role: t.field({ type: Role, description: "What is offered.", resolve: ({ role }) => role }),
    reach: t.expose("reach", { type: Reach, description: "How far it is to reach." }),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When it is to end; null for no end.",
    }),
  }),
});

const InvitationConnection = builder.connectionObject(
  { type: Invitation, name: "InvitationConnection", description: "A page of invitations." },
  { name: "InvitationEdge", description: "An invitation, and its place in the list." },
);

builder.objectField(Organization, "invitations", (t) =>
  t.field({
    type: InvitationConnection,
    nullable: true,
    description: "Who was invited here, newest first.",
    args: {
      status: t.arg({ type: [InvitationStatus], description: "Those of which this became; all when left out." }),
      first: t.arg.int({ description: "How many, counted from the newest; 20 when left out, 100 at most." }),
      after: t.arg.string({ description: "Begin after this cursor of the same list." }),
    },
    resolve: ({ id }, { status, ...args }, ctx) =>
      connection(
        ctx,
        { name: "invitations", parentId: id, filter: status ?? null, order: "NEWEST_FIRST" },
        args,
        (page) => invitationsOf(scopeOf(ctx), id, page, { status }),
      ) as never,
  }),
);

reachable("Invitation", (ctx, id) => findInvitation(scopeOf(ctx), id as InvitationId));
