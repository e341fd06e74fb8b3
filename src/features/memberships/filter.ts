import { builder } from "../../graphql/builder.js";
import type { Context } from "../../graphql/context.js";
import { decodeId } from "../../graphql/nodeId.js";
import { storable, wordPattern } from "../../graphql/text.js";
import type { RoleId } from "../../ids.js";
import { Reach } from "../organizations/reach.js";
import { RoleRef } from "../roles/roleRef.js";
import type { ShownMemberships } from "./pages.js";
import { MembershipStatus, MembershipVia } from "./type.js";

export const MembershipFilter = builder.inputType("MembershipFilter", {
  description: "Which memberships a list shows: those to which everything given here applies.",
  fields: (t) => ({
    search: t.string({
      description: "Those of people whose name or address has a word that begins with this, whatever the capitals.",
    }),
    role: t.field({ type: RoleRef, description: "Those that hold this role here, by a grant that has not ended." }),
    reach: t.field({
      type: Reach,
      description:
        "Those that have a grant which reaches this far and has not ended; where `role` is given, of that role. What does not reach down from further up counts for nothing.",
    }),
    status: t.field({
      type: [MembershipStatus],
      defaultValue: ["ACTIVE", "SUSPENDED"],
      description: "Those in one of these states. Ended ones only when asked for.",
    }),
    via: t.field({
      type: [MembershipVia],
      defaultValue: ["DIRECT"],
      description:
        "Those of people who belong in one of these ways. Of those who belong by a grant further up, only the memberships of organizations in which the viewer may read members.",
    }),
    expiresBefore: t.field({ type: "DateTime", description: "Those that end before this instant." }),
  }),
});

export const MembershipOrder = builder.enumType("MembershipOrder", {
  description: "How memberships are ordered. Names are people's, by the code of their letters, capitals first.",
  values: {
    NAME_ASC: { description: "By name." },
    NAME_DESC: { description: "By name, backwards." },
    CREATED_AT_ASC: { description: "First begun first." },
    CREATED_AT_DESC: { description: "Last begun first." },
  } as const,
});

/**
 * What a filter means.
 * @throws BadInputError for an id of something else, and for a text that nothing can be called
 */
export function toShown(
  ctx: Context,
  filter: typeof MembershipFilter.$inferInput | null | undefined,
): ShownMemberships {
  const { search, role, reach, status, via, expiresBefore } = filter ?? {};
  return {
    pattern: wordPattern(search, "filter.search"),
    status: status ?? ["ACTIVE", "SUSPENDED"],
    via: via ?? ["DIRECT"],
    expiresBefore: expiresBefore ?? null,
    reach: reach ?? null,
    ...(role && namesOf(ctx, role)),
  };
}

function namesOf(ctx: Context, { id, key }: typeof RoleRef.$inferInput) {
  if (id == null) {
    const text = storable(key ?? "", "filter.role.key");
    return { fixedRole: text, ownRole: text };
  }
  const roleId = decodeId<RoleId>("Role", id, "filter.role.id");
  const fixed = ctx.catalogue.rolesById.get(roleId);
  return fixed ? { fixedRole: fixed.key } : { roleId };
}
