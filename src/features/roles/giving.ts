import { builder } from "../../graphql/builder.js";

/** By what somebody gives; each is the permission that the change itself needs. */
export const Giving = builder.enumType("Giving", {
  description: "By what right somebody gives a role.",
  values: {
    MANAGE: {
      value: "members:manage",
      description: "`members:manage`, as for `addMembership`, `setGrants` and `grantRole`.",
    },
    INVITE: { value: "members:invite", description: "`members:invite`, as for `inviteMember`." },
    DOMAINS: {
      value: "domains:manage",
      description:
        "`domains:manage`, as for `approveJoinRequest`, and for `setJoinPolicy`, which gives only what the viewer holds without an end.",
    },
  } as const,
});

export type Giving = typeof Giving.$inferType;
