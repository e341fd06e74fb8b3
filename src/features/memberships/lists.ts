import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { connection, type PageArgs } from "../../graphql/page.js";
import type { UserId } from "../../ids.js";
import { Organization } from "../organizations/type.js";
import { User } from "../users/type.js";
import { MembershipFilter, MembershipOrder, toShown } from "./filter.js";
import { membershipsOf, membershipsOfUser } from "./pages.js";
import { Membership } from "./type.js";

export const MembershipConnection = builder.connectionObject(
  { type: Membership, name: "MembershipConnection", description: "A page of memberships." },
  { name: "MembershipEdge", description: "A membership, and its place in the list." },
);

builder.objectFields(Organization, (t) => ({
  memberships: t.field({
    type: MembershipConnection,
    nullable: true,
    description:
      "Who belongs here; first added first. Without a filter: by a membership of their own that has not ended.",
    args: {
      filter: t.arg({ type: MembershipFilter, description: "Which of them." }),
      orderBy: t.arg({ type: MembershipOrder, description: "In which order; first added first when left out." }),
      ...t.arg.connectionArgs(),
    },
    resolve: (organization, { filter, orderBy, ...args }, ctx) => {
      const shown = toShown(ctx, filter);
      const order = orderBy ?? "ID";
      const list = { name: "memberships", parentId: organization.id, filter: shown, order };
      return connection(ctx, list, args, (page) =>
        membershipsOf(scopeOf(ctx), organization, page, order, shown),
      ) as never;
    },
  }),
  memberCount: t.int({
    nullable: true,
    description: "Memberships that are not removed, ended and suspended ones included.",
    resolve: (organization) => organization.memberCount,
  }),
}));

/** A page of a user's memberships, as the viewer may see them. */
export const membershipsOfUserPage = (ctx: Context, user: UserId, args: PageArgs) =>
  connection(ctx, { name: "user.memberships", parentId: user, order: "ID" }, args, (page) =>
    membershipsOfUser(scopeOf(ctx), user, page),
  ) as never;

builder.objectField(User, "memberships", (t) =>
  t.field({
    type: MembershipConnection,
    nullable: true,
    description:
      "Those in organizations where the viewer may read members; one's own in every organization that one sees, which a suspended membership does not show, and a closed organization neither. Ended ones are left out.",
    args: t.arg.connectionArgs(),
    resolve: ({ id }, args, ctx) => membershipsOfUserPage(ctx, id, args),
  }),
);
