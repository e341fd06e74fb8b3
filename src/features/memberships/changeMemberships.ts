import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import { getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { FailureInterface, mutation } from "../../graphql/mutation.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { OrganizationId } from "../../ids.js";
import { organizationField } from "../organizations/payload.js";
import { changeAll } from "./changeAll.js";
import { findMembership } from "./loader.js";
import { type ChangeOutcome, MembershipChange, membershipChange } from "./membershipChange.js";
import { Membership } from "./type.js";

const MOST_CHANGES = 500;

const form = z.object({
  organizationId: z.string(),
  changes: z.array(membershipChange).max(MOST_CHANGES, `Not more than ${MOST_CHANGES} changes at once.`),
});

const MembershipChangeResult = builder.objectRef<ChangeOutcome>("MembershipChangeResult").implement({
  description: "What became of one change.",
  fields: (t) => ({
    membershipId: t.id({
      nullable: true,
      description: "The id of the membership, also where it was removed; null where the change was refused.",
      resolve: ({ id }) => (id ? encodeId("Membership", id) : null),
    }),
    membership: t.field({
      type: Membership,
      nullable: true,
      description:
        "The membership as it is now; null where the change was refused, when it was removed, and when the viewer may not read members there any more.",
      resolve: ({ id }, _args, ctx) => (id ? findMembership(scopeOf(ctx), id) : null),
    }),
    failure: t.field({
      type: FailureInterface,
      nullable: true,
      description: "Why it was refused; null where it was not.",
      resolve: ({ failure }) => failure?.toMember() as never,
    }),
  }),
});

interface Changed {
  readonly results: readonly ChangeOutcome[];
  readonly organizationId: OrganizationId;
}

mutation<z.output<typeof form>, Changed>("changeMemberships", {
  description: `Makes up to ${MOST_CHANGES} changes of memberships of one organization, in one transaction, each of another membership. One that is refused changes nothing, says why, and keeps no other from being made. All are judged by what the viewer, and everybody, held before the first of them. Needs \`members:manage\` and \`members:read\` there, and for each change what its own mutation needs.`,
  input: (t) => ({
    organizationId: t.id({ required: true, description: "The organization whose memberships these are." }),
    changes: t.field({ type: [MembershipChange], required: true, description: "What to change." }),
  }),
  form,
  payload: {
    description: "Every change was made, or says why not.",
    fields: (t) => ({
      results: t.field({
        type: [MembershipChangeResult],
        description: "What became of each change, in their order.",
        resolve: ({ results }) => [...results],
      }),
      organization: organizationField(
        t,
        "The organization, with its new count; null when the viewer does not see it any more.",
      ),
    }),
  },
  failures: [InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, changes }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    return { results: await changeAll(ctx, place, changes), organizationId: place.id };
  },
});
