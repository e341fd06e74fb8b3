import { z } from "zod";
import type { Place } from "../../access/access.js";
import { builder } from "../../graphql/builder.js";
import { type Context, getNamed, scopeOf } from "../../graphql/context.js";
import { InvalidInputFailure, NotFoundFailure } from "../../graphql/failure.js";
import { mutation } from "../../graphql/mutation.js";
import type { OrganizationId } from "../../ids.js";
import { record } from "../audit/record.js";
import { readWanted, type Wanted } from "../memberships/grantInput.js";
import { organizationField } from "../organizations/payload.js";
import { Reach } from "../organizations/reach.js";
import { ExceedsYoursFailure, mustHold } from "../roles/exceedsYours.js";
import { whichRole } from "../roles/role.js";
import { RoleRef, roleRef } from "../roles/roleRef.js";
import { joinPolicies } from "./table.js";
import { JoinMode } from "./type.js";

const MOST_GRANTS = 10;

const DefaultGrantInput = builder.inputType("DefaultGrantInput", {
  description: "A role that whoever joins is given, without an end.",
  fields: (t) => ({
    role: t.field({ type: RoleRef, required: true, description: "A role that is usable in the organization." }),
    reach: t.field({ type: Reach, defaultValue: "ORGANIZATION", description: "How far it reaches." }),
  }),
});

const form = z.object({
  organizationId: z.string(),
  mode: z.enum(["OFF", "ASK", "AUTOMATIC"]),
  grants: z
    .array(z.object({ role: roleRef, reach: z.enum(["ORGANIZATION", "SUBTREE"]).nullish() }))
    .max(MOST_GRANTS, `There may be ${MOST_GRANTS} default roles at most.`)
    .nullish(),
});

/**
 * Says how people join an organization by their address, in the viewer's name from now on: what they may not give, or not for
 * ever, nobody is given by it, now and whenever somebody joins.
 * @throws ExceedsYoursFailure
 */
async function setJoinPolicy(
  ctx: Context,
  place: Place,
  mode: "OFF" | "ASK" | "AUTOMATIC",
  wanted: readonly Wanted[],
): Promise<void> {
  const { session, access, viewer, now } = scopeOf(ctx);
  const { tenantId } = session;
  if (mode === "AUTOMATIC") {
    const forEver = { at: place, until: null };
    mustHold(access, { ...forEver, permissions: [], reach: "ORGANIZATION" }, "domains:manage", ["input", "mode"]);
    for (const { role, reach, field } of wanted)
      mustHold(access, { ...forEver, permissions: role.permissions, reach }, "domains:manage", field);
  }
  const grants = wanted.map(({ role, reach }) => ({ ...whichRole(role), reach }));
  const changed = { mode, grants, setBy: viewer.id, updatedAt: now };
  await session.db
    .insert(joinPolicies)
    .values({ tenantId, organizationId: place.id, ...changed })
    .onConflictDoUpdate({ target: [joinPolicies.tenantId, joinPolicies.organizationId], set: changed });
  record(ctx, {
    action: "joinPolicy.set",
    organizationId: place.id,
    targetType: "Organization",
    targetId: place.id,
    changes: { mode, grants: wanted.map(({ role, reach }) => ({ role: role.key, roleId: role.id, reach })) },
  });
}

mutation<z.output<typeof form>, { organizationId: OrganizationId }>("setJoinPolicy", {
  description:
    "Says how people join an organization by an address of a domain that it has proven. Needs `domains:manage` there; where they join at once, without an end, and everything that they are given: now, and whenever somebody joins.",
  input: (t) => ({
    organizationId: t.id({ required: true, description: "Which organization they join." }),
    mode: t.field({ type: JoinMode, required: true, description: "What becomes of them." }),
    grants: t.field({
      type: [DefaultGrantInput],
      description: "What they are given, where they join at once: ten at most; nothing when left out.",
    }),
  }),
  form,
  payload: {
    description: "It is so from now on.",
    fields: (t) => ({
      organization: organizationField(t, "The organization; null when the viewer does not see it any more."),
    }),
  },
  failures: [ExceedsYoursFailure, InvalidInputFailure, NotFoundFailure],
  change: async ({ organizationId, mode, grants }, ctx) => {
    const { place } = getNamed(ctx, "Organization", organizationId);
    if (mode !== "AUTOMATIC" && grants && grants.length > 0)
      throw new InvalidInputFailure("Default roles are for who joins at once. Leave them out.", ["input", "grants"]);
    const wanted = await readWanted(ctx, place, grants ?? [], (index) => ["input", "grants", String(index)]);
    await setJoinPolicy(ctx, place, mode, wanted);
    return { organizationId: place.id };
  },
});
