import { builder } from "../../graphql/builder.js";
import { scopeOf } from "../../graphql/context.js";
import { reachable } from "../../graphql/node.js";
import { decodeId } from "../../graphql/nodeId.js";
import { connection } from "../../graphql/page.js";
import { storable, wordPattern } from "../../graphql/text.js";
import { normaliseEmail } from "../../identity/email.js";
import type { UserId } from "../../ids.js";
import { User, UserStatus } from "../users/type.js";
import { findUserByEmail, findUserByExternalId, listUsers, visibleUsers } from "./visibleUsers.js";

const UserFilter = builder.inputType("UserFilter", {
  description: "Which people a list shows: those to whom everything given here applies.",
  fields: (t) => ({
    search: t.string({
      description: "Those whose name or address has a word that begins with this, whatever the capitals.",
    }),
    status: t.field({ type: [UserStatus], description: "Those in one of these states; in any when left out." }),
  }),
});

const UserConnection = builder.connectionObject(
  { type: User, name: "UserConnection", description: "A page of people." },
  { name: "UserEdge", description: "A person, and their place in the list." },
);

builder.queryField("users", (t) =>
  t.field({
    type: UserConnection,
    nullable: true,
    description:
      "Everybody the viewer can see, by name: themselves, the members of organizations where the viewer may read members, and those in no organization for who manages the members of the whole tenant.",
    args: { filter: t.arg({ type: UserFilter, description: "Which of them." }), ...t.arg.connectionArgs() },
    resolve: (_root, { filter, ...args }, ctx) => {
      const shown = { pattern: wordPattern(filter?.search, "filter.search"), status: filter?.status };
      return connection(ctx, { name: "users", filter: shown, order: "NAME_ASC" }, args, (page) =>
        listUsers(scopeOf(ctx), page, shown),
      ) as never;
    },
  }),
);

const UserBy = builder.inputType("UserBy", {
  description: "One of the ways to name a person.",
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: "Their global id." }),
    email: t.string({ description: "Their address, whatever its capitals." }),
    externalId: t.string({ description: "Their id in the product's own system." }),
    uuid: t.field({ type: "UUID", description: "Their id as a bare uuid." }),
  }),
});

builder.queryField("user", (t) =>
  t.field({
    type: User,
    nullable: true,
    description:
      "One person. Null when there is none of that name, or the viewer cannot see them. Of several with one address or external id, the one added first of those that the viewer sees.",
    args: { by: t.arg({ type: UserBy, required: true, description: "Which one." }) },
    resolve: (_root, { by }, ctx) => {
      const scope = scopeOf(ctx);
      if (by.id != null) return visibleUsers(scope).load(decodeId<UserId>("User", by.id, "by.id"));
      if (by.uuid != null) return visibleUsers(scope).load(by.uuid as UserId);
      if (by.externalId != null) return findUserByExternalId(scope, storable(by.externalId, "by.externalId"));
      // Nobody has an address that is none.
      const email = normaliseEmail(storable(by.email ?? "", "by.email"));
      return email === null ? null : findUserByEmail(scope, email);
    },
  }),
);

reachable("User", (ctx, id) => visibleUsers(scopeOf(ctx)).load(id as UserId));
