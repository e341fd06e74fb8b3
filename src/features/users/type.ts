import { builder, Node } from "../../graphql/builder.js";
import { encodeId } from "../../graphql/nodeId.js";
import type { UserRow } from "./table.js";

export const UserStatus = builder.enumType("UserStatus", {
  description: "Whether a person may act in this tenant.",
  values: {
    ACTIVE: { description: "May act." },
    SUSPENDED: { description: "May do nothing until resumed; nothing of theirs is lost." },
  } as const,
});

export const User = builder.objectRef<UserRow>("User");

builder.objectType(User, {
  description: "A person in this tenant. The same person in another tenant is another user.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: "Global id, stable for ever.", resolve: (user) => encodeId("User", user.id) }),
    uuid: t.field({ type: "UUID", description: "The id as a bare uuid.", resolve: (user) => user.id }),
    displayName: t.exposeString("displayName", { description: "What to call them." }),
    email: t.exposeString("email", {
      nullable: true,
      description: "Their address, in lower case; null when none is known.",
    }),
    emailVerified: t.exposeBoolean("emailVerified", {
      description: "Whether an issuer that speaks for its domain has confirmed the address.",
    }),
    imageUrl: t.expose("imageUrl", { type: "URL", nullable: true, description: "Their picture." }),
    locale: t.exposeString("locale", { nullable: true, description: "Their language, as BCP 47 writes it: `de-AT`." }),
    externalId: t.exposeString("externalId", { nullable: true, description: "Their id in the product's own system." }),
    metadata: t.expose("metadata", { type: "JSON", description: "What the product noted about them; an object." }),
    status: t.expose("status", { type: UserStatus, description: "Whether they may act in this tenant." }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When they were added." }),
    updatedAt: t.expose("updatedAt", { type: "DateTime", description: "When they were last changed." }),
  }),
});
