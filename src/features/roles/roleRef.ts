import { z } from "zod";
import { builder } from "../../graphql/builder.js";
import { idOf } from "../../graphql/nodeId.js";
import type { RoleId } from "../../ids.js";
import { isFixed, type Role } from "./role.js";

export const RoleRef = builder.inputType("RoleRef", {
  description: "One of the ways to name a role.",
  isOneOf: true,
  fields: (t) => ({
    id: t.id({ description: "Its global id." }),
    key: t.string({
      description:
        "What programs call it. Where one role is meant, the catalogue's counts first, then the organization's own, that of those above it (the nearest first), the tenant's.",
    }),
  }),
});

export const roleRef = z.object({ id: z.string().nullish(), key: z.string().nullish() });

/** The role that a reference means among those usable in an organization; null when it means none of them. */
export function pickRole(usable: readonly Role[], { id, key }: z.output<typeof roleRef>): Role | null {
  if (id != null) {
    const roleId = idOf<RoleId>("Role", id);
    return usable.find((role) => role.id === roleId) ?? null;
  }
  const [nearest] = usable.filter((role) => role.key === key).sort((a, b) => nearness(b) - nearness(a));
  return nearest ?? null;
}

function nearness(role: Role): number {
  if (isFixed(role)) return Number.POSITIVE_INFINITY;
  const { definedAt } = role;
  return definedAt ? definedAt.path.length + 1 : 0;
}
