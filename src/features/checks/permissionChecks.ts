import type { Place, Reach as ReachValue } from "../../access/access.js";
import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { ForbiddenError } from "../../graphql/errors.js";
import { decodeId, encodeId } from "../../graphql/nodeId.js";
import { known } from "../../graphql/permission.js";
import type { OrganizationId } from "../../ids.js";
import { Reach } from "../organizations/reach.js";
import { findPlace, findSubject, mayKnow, type Subject, SubjectBy } from "./subject.js";

interface Check {
  readonly organizationId: string;
  readonly permission: string;
  readonly reach: ReachValue;
}

const PermissionCheckInput = builder.inputType("PermissionCheckInput", {
  description: "A question: is this allowed there?",
  fields: (t) => ({
    organizationId: t.id({ required: true, description: "The organization, by its global id." }),
    permission: t.string({ required: true, description: "A key of the catalogue: `members:invite`." }),
    reach: t.field({ type: Reach, defaultValue: "ORGANIZATION", description: "There alone, or there and below." }),
  }),
});

const PermissionCheck = builder.objectRef<Check & { allowed: boolean }>("PermissionCheck").implement({
  description: "A question and its answer.",
  fields: (t) => ({
    organizationId: t.exposeID("organizationId", { description: "The organization, as it was asked." }),
    permission: t.exposeString("permission", { description: "The permission, as it was asked." }),
    reach: t.expose("reach", { type: Reach, description: "How far, as it was asked." }),
    allowed: t.exposeBoolean("allowed", {
      description: "Whether it is allowed. No in an organization that is missing, or hidden from the viewer.",
    }),
  }),
});

/** Each question with its answer, in order. One statement, whomever they are about. */
async function answer(
  ctx: Context,
  checks: readonly (typeof PermissionCheckInput.$inferInput)[],
  by: typeof SubjectBy.$inferInput | null | undefined,
) {
  const scope = scopeOf(ctx);
  const asked = checks.map(({ organizationId, permission }, n) => ({
    id: decodeId<OrganizationId>("Organization", organizationId, `checks.${n}.organizationId`),
    permission: known(ctx, permission, `checks.${n}.permission`),
  }));
  const [subject, ...places] = await Promise.all([
    by ? findSubject(ctx, by) : null,
    ...asked.map(({ id }) => findPlace(scope, id)),
  ]);
  if (by && !subject) return null;
  if (subject) refuseOthers(ctx, subject, places);
  const access = subject?.access ?? scope.access;
  return checks.map((check, n) => {
    const place = places[n];
    const reach = check.reach ?? "ORGANIZATION";
    return { ...check, reach, allowed: place != null && access.allows(place, check.permission, reach) };
  });
}

/** @throws ForbiddenError about somebody else, for the first organization whose members the viewer may not read */
function refuseOthers(ctx: Context, subject: Subject, places: readonly (Place | null)[]): void {
  const closed = places.find((place) => place && !mayKnow(scopeOf(ctx), subject, place));
  if (closed) throw new ForbiddenError("members:read", encodeId("Organization", closed.id));
}

builder.queryField("permissionChecks", (t) =>
  t.field({
    type: [PermissionCheck],
    nullable: true,
    description:
      "Many questions at once, answered in order. About somebody else only in organizations where the viewer may read members. Null when the subject is missing, or hidden from the viewer. A permission that is not in the catalogue is an error.",
    args: {
      subject: t.arg({ type: SubjectBy, description: "Whom to ask about; the viewer when left out." }),
      checks: t.arg({ type: [PermissionCheckInput], required: true, description: "The questions." }),
    },
    resolve: (_root, { subject, checks }, ctx) => answer(ctx, checks, subject),
  }),
);
