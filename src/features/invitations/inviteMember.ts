import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { Failure, type FailureMember, InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { FailureInterface, type MutationPayload, mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { InvitationId } from "../../ids.js";
import { GrantInput } from "../memberships/grantInput.js";
import { ExceedsYoursFailure } from "../roles/exceedsYours.js";
import { usableRolesOf } from "../roles/loader.js";
import { invite } from "./invite.js";
import { findInvitation } from "./loader.js";
import { type Offer, OPEN_FOR_DAYS, offerForm, readOffer } from "./offer.js";
import { Invitation } from "./type.js";

const MOST_AT_ONCE = 500;

type Fields = Parameters<Parameters<typeof builder.inputType>[1]["fields"]>[0];
const offerFields = (t: Fields) => ({
  email: t.string({
    required: true,
    description: "Whom to invite. It says nothing of whether anybody has this address.",
  }),
  grants: t.field({
    type: [GrantInput],
    required: true,
    description: "What they may do there once they have accepted; may be empty, ten at most.",
  }),
  expiresAt: t.field({
    type: "DateTime",
    description: `From when on it cannot be accepted: at most 30 days ahead, in ${OPEN_FOR_DAYS} days when left out.`,
  }),
  membershipExpiresAt: t.field({
    type: "DateTime",
    description: "When the membership is to end; left out for no end.",
  }),
});

/** The payload of changes to one invitation. */
export const invitationPayload = (description: string): MutationPayload<{ id: InvitationId }> => ({
  description,
  fields: (t) => ({
    invitation: t.field({
      type: Invitation,
      nullable: true,
      description: "The invitation as it is now; null when the viewer may not invite there any more.",
      resolve: ({ id }, _args, ctx) => findInvitation(scopeOf(ctx), id),
    }),
  }),
});

const toGlobalId = (id: InvitationId): string => encodeId("Invitation", id);

const oneForm = offerForm.extend({ organizationId: z.string() });

const { description, fields } = invitationPayload("The invitation is on its way.");

mutation<z.output<typeof oneForm>, { id: InvitationId; withdrawn: readonly InvitationId[] }>("inviteMember", {
  description:
    "Invites an address to an organization, by mail. An open invitation of the same address there is replaced. Needs `members:invite` there, and everything that the grants give: now, and again when it is accepted.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Where whoever accepts becomes a member." }),
    ...offerFields(t),
  }),
  form: oneForm,
  payload: {
    description,
    fields: (t) => ({
      ...fields(t as never),
      withdrawnInvitationId: t.id({
        nullable: true,
        description:
          "The id of the open invitation of the same address that this one replaces; null where there was none.",
        resolve: ({ withdrawn }) => withdrawn.map(toGlobalId)[0] ?? null,
      }),
    }),
  },
  failures: [ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, ...input }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    const { ids, withdrawn } = await invite(ctx, place, [await readOffer(ctx, place, input, ["input"])]);
    return { id: ids[0]!, withdrawn };
  },
});

const OfferInput = builder.inputType("InvitationInput", {
  description: "One of many invitations.",
  fields: offerFields,
});

type Outcome = { readonly id: InvitationId } | { readonly failure: FailureMember };

const InvitationOutcome = builder.objectRef<Outcome>("InvitationOutcome").implement({
  description: "What came of one of many invitations: one of the two.",
  fields: (t) => ({
    invitation: t.field({
      type: Invitation,
      nullable: true,
      description: "The invitation; null where there is none, and when the viewer may not invite there any more.",
      resolve: (outcome, _args, ctx) => ("id" in outcome ? findInvitation(scopeOf(ctx), outcome.id) : null),
    }),
    failure: t.field({
      type: FailureInterface,
      nullable: true,
      description: "Why there is none.",
      resolve: (outcome) => ("failure" in outcome ? outcome.failure : null),
    }),
  }),
});

const manyForm = z.object({
  organizationId: z.string(),
  invitations: z.array(offerForm).max(MOST_AT_ONCE, `${MOST_AT_ONCE} at most can be invited at once.`),
});

/** Each input that can be an offer as one; of each other one what is wrong with it. */
async function readOffers(
  ctx: Context,
  { organizationId, invitations }: z.output<typeof manyForm>,
): Promise<(Offer | Failure)[]> {
  const { place } = getNamed(ctx, "Organization", organizationId);
  // All at once, so that none of them is read by itself.
  const refs = invitations.flatMap(({ grants }) => grants.map(({ role }) => role));
  await usableRolesOf(scopeOf(ctx), ctx.catalogue, place, refs);
  const read: (Offer | Failure)[] = [];
  const seen = new Set<string>();
  for (const [index, input] of invitations.entries()) {
    const field = ["input", "invitations", String(index)];
    try {
      const offer = await readOffer(ctx, place, input, field);
      if (seen.has(offer.email))
        throw new InvalidInputFailure("This address is there twice. Keep one.", [...field, "email"]);
      seen.add(offer.email);
      read.push(offer);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      read.push(error);
    }
  }
  return read;
}

interface ManyInvited {
  readonly outcomes: readonly Outcome[];
  readonly withdrawn: readonly InvitationId[];
}

mutation<z.output<typeof manyForm>, ManyInvited>("inviteMembers", {
  description: `Invites up to ${MOST_AT_ONCE} addresses to an organization, as \`inviteMember\` does each. What is wrong with one keeps no other from being invited.`,
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Where whoever accepts becomes a member." }),
    invitations: t.field({ type: [OfferInput], required: true, description: "Whom, and to what." }),
  }),
  form: manyForm,
  payload: {
    description: "Whoever could be invited is.",
    fields: (t) => ({
      outcomes: t.field({
        type: [InvitationOutcome],
        description: "What came of each, in the order of the input.",
        resolve: ({ outcomes }) => [...outcomes],
      }),
      withdrawnInvitationIds: t.idList({
        description: "The ids of open invitations of the same addresses that these replace.",
        resolve: ({ withdrawn }) => withdrawn.map(toGlobalId),
      }),
    }),
  },
  failures: [InvalidInputFailure, NotFoundFailure],
  change: async (input, ctx) => {
    const read = await readOffers(ctx, input);
    const offers = read.filter((one): one is Offer => !(one instanceof Failure));
    const { place } = getNamed(ctx, "Organization", input.organizationId);
    const { ids, withdrawn } = await invite(ctx, place, offers);
    const idOf = new Map(offers.map((offer, index) => [offer, ids[index]!]));
    const outcomes = read.map((one) => (one instanceof Failure ? { failure: one.toMember() } : { id: idOf.get(one)! }));
    return { outcomes, withdrawn };
  },
});
