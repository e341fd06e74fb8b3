import type { Place } from "../../access/access.js";
import { builder, Node } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { encodeId } from "../../graphql/nodeId.js";
import { connection } from "../../graphql/page.js";
import type { JoinRequestId } from "../../ids.js";
import { couldGive } from "../invitations/offer.js";
import { OfferedGrant } from "../invitations/type.js";
import { accessOfMaker } from "../memberships/makers.js";
import { visibleUsers } from "../memberships/visibleUsers.js";
import { findOrganization } from "../organizations/loader.js";
import type { OrganizationRow } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import { usableRoles } from "../roles/loader.js";
import { User } from "../users/type.js";
import { domainsOf, findJoinRequest, joinRequestsOf, policyOf, withRoles } from "./loader.js";
import { recordName, recordValue } from "./proof.js";
import type { JoinPolicyRow, JoinRequestRow, OrganizationDomainRow } from "./table.js";

export const OrganizationDomain = builder.objectRef<OrganizationDomainRow>("OrganizationDomain").implement({
  description: "A domain of which an organization says that it is its own.",
  fields: (t) => ({
    id: t.id({
      description: "Tells the claim from others, as long as it is made. Not to be given to `node`.",
      resolve: (claim) => encodeId("OrganizationDomain", claim.id),
    }),
    domain: t.exposeString("domain", { description: "The domain, as DNS spells it." }),
    isProven: t.boolean({
      description: "Whether its DNS was seen to say so. Until then the claim lets nobody in, and keeps nobody out.",
      resolve: ({ provenAt }) => provenAt !== null,
    }),
    recordName: t.string({
      description: "Where to put a TXT record to prove it.",
      resolve: ({ domain }) => recordName(domain),
    }),
    recordValue: t.string({ description: "What the record is to say.", resolve: recordValue }),
    checkedAt: t.expose("checkedAt", {
      type: "DateTime",
      nullable: true,
      description:
        "When somebody last looked, and found the proof, or found that it was gone; null when neither has happened. `verifyDomain` of what is not there says so, and notes nothing.",
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was claimed." }),
  }),
});

export const JoinMode = builder.enumType("JoinMode", {
  description: "What becomes of people who want to join by their address.",
  values: {
    OFF: { description: "Nobody joins in this way." },
    ASK: { description: "They ask, and somebody decides." },
    AUTOMATIC: { description: "They become members at once, with the default roles." },
  } as const,
});

interface Policy {
  readonly row: JoinPolicyRow | null;
  readonly organization: OrganizationRow;
}

/** Whether a policy does what it says, by the rights that its maker has now; `join` judges it again for everybody who comes. */
async function isInForce(ctx: Context, row: JoinPolicyRow | null, place: Place): Promise<boolean> {
  if (!row || row.mode === "OFF") return true;
  const access = await accessOfMaker(ctx, row.setBy);
  if (row.mode === "ASK") return access.allows(place, "domains:manage");
  const { grants, isWhole } = withRoles(row.grants, await usableRoles(scopeOf(ctx), ctx.catalogue, place));
  return isWhole && couldGive(access, place, grants, null, "domains:manage");
}

const JoinPolicy = builder.objectRef<Policy>("JoinPolicy").implement({
  description: "How people with an address of a domain that the organization has proven join it.",
  fields: (t) => ({
    mode: t.field({
      type: JoinMode,
      description: "What is to become of them, as somebody has set it. `isInForce` says whether it does.",
      resolve: ({ row }) => row?.mode ?? "OFF",
    }),
    isInForce: t.boolean({
      description:
        "Whether what `mode` says happens. Where whoever set it may not manage domains there any more, nobody joins, and nobody can ask to; nor does anybody join at once where that person may not give the default roles any more, for ever, or one is not usable there any more. Then somebody who may has to set it anew. True where nobody joins in this way anyhow.",
      resolve: ({ row, organization }, _args, ctx) => isInForce(ctx, row, organization),
    }),
    grants: t.field({
      type: [OfferedGrant],
      description:
        "What they are given, where they join at once. A role that is not usable there any more is left out, and nobody joins.",
      resolve: async ({ row, organization }, _args, ctx) => {
        const usable = await usableRoles(scopeOf(ctx), ctx.catalogue, organization);
        return withRoles(row?.grants ?? [], usable).grants;
      },
    }),
    setBy: t.field({
      type: User,
      nullable: true,
      description:
        "In whose name they are let in, or can ask: while they may not manage domains there, or not give all the default roles, `mode` is not in force. Null when nobody set it, or they are hidden from the viewer.",
      resolve: ({ row }, _args, ctx) => row && visibleUsers(scopeOf(ctx)).load(row.setBy),
    }),
  }),
});

const JoinRequestStatus = builder.enumType("JoinRequestStatus", {
  description: "What became of a request to join.",
  values: {
    OPEN: { description: "Nobody has decided yet." },
    APPROVED: { description: "They were let in." },
    REFUSED: { description: "They were not." },
  } as const,
});

export const JoinRequest = builder.objectRef<JoinRequestRow>("JoinRequest");

builder.objectType(JoinRequest, {
  description: "Somebody who wants to join an organization by their address, and is nobody there yet.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: "Global id, stable for ever.", resolve: (request) => encodeId("JoinRequest", request.id) }),
    organization: t.field({
      type: Organization,
      description: "Where they want to be.",
      resolve: async ({ organizationId }, _args, ctx) => (await findOrganization(scopeOf(ctx), organizationId))!,
    }),
    email: t.exposeString("email", { description: "Their address; it was verified when they asked." }),
    displayName: t.exposeString("displayName", { description: "What their token calls them." }),
    status: t.expose("status", { type: JoinRequestStatus, description: "What became of it." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When they asked." }),
    updatedAt: t.expose("updatedAt", {
      type: "DateTime",
      description: "When it was decided, or else when they asked.",
    }),
  }),
});

const JoinRequestConnection = builder.connectionObject(
  { type: JoinRequest, name: "JoinRequestConnection", description: "A page of requests to join." },
  { name: "JoinRequestEdge", description: "A request, and its place in the list." },
);

builder.objectFields(Organization, (t) => ({
  domains: t.field({
    type: [OrganizationDomain],
    nullable: true,
    description: "Domains that it claims, by name.",
    resolve: ({ id }, _args, ctx) => domainsOf(scopeOf(ctx)).load(id),
  }),
  joinPolicy: t.field({
    type: JoinPolicy,
    nullable: true,
    description: "How people join it by their address.",
    resolve: async (organization, _args, ctx) => ({
      row: await policyOf(scopeOf(ctx)).load(organization.id),
      organization,
    }),
  }),
  joinRequests: t.field({
    type: JoinRequestConnection,
    nullable: true,
    description: "Who wants to join, newest first.",
    args: {
      status: t.arg({ type: [JoinRequestStatus], description: "Those of which this became; all when left out." }),
      first: t.arg.int({ description: "How many, counted from the newest; 20 when left out, 100 at most." }),
      after: t.arg.string({ description: "Begin after this cursor of the same list." }),
    },
    resolve: ({ id }, { status, ...args }, ctx) =>
      connection(
        ctx,
        { name: "joinRequests", parentId: id, filter: status ?? null, order: "NEWEST_FIRST" },
        args,
        (page) => joinRequestsOf(scopeOf(ctx), id, page, { status }),
      ) as never,
  }),
}));

reachable("JoinRequest", (ctx, id) => findJoinRequest(scopeOf(ctx), id as JoinRequestId));
