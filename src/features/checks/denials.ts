import { GraphQLError } from "graphql";
import type { Reach } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { encodeId, idOf } from "../../graphql/nodeId.js";
import type { OrganizationId } from "../../ids.js";
import { findOrganization } from "../organizations/loader.js";
import { explain, type Path, type Question, shownRole } from "./paths.js";
import { findRemedy } from "./remedy.js";
import { findPerson } from "./subject.js";

/**
 * The same errors; those that deny the viewer something in an organization that they see say in `extensions.explanation`
 * why, as `explainAccess` does. However many there are, it takes three statements at most: the organizations, the viewer's
 * memberships, and the roles.
 */
export async function explainDenials(ctx: Context, errors: readonly GraphQLError[]): Promise<readonly GraphQLError[]> {
  if (!errors.some((error) => denialIn(error))) return errors;
  if (!ctx.operation.scope) await ctx.operation.read();
  return Promise.all(errors.map((error) => explained(ctx, error)));
}

interface Denial {
  readonly organizationId: OrganizationId;
  readonly permission: string;
  readonly reach: Reach;
}

function denialIn({ extensions }: GraphQLError): Denial | null {
  const { code, permission, organizationId, reach = "ORGANIZATION" } = extensions as Record<string, string>;
  const id = code === "FORBIDDEN" && organizationId ? idOf<OrganizationId>("Organization", organizationId) : null;
  return id === null ? null : { organizationId: id, permission: permission!, reach: reach as Reach };
}

async function explained(ctx: Context, error: GraphQLError): Promise<GraphQLError> {
  const denial = denialIn(error);
  const explanation = denial && (await explanationOf(ctx, denial));
  if (!explanation) return error;
  const { message, nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...extensions, explanation },
  });
}

async function explanationOf(ctx: Context, { organizationId, permission, reach }: Denial) {
  const scope = scopeOf(ctx);
  const [place, viewer] = await Promise.all([
    findOrganization(scope, organizationId),
    findPerson(ctx, scope.viewer.id),
  ]);
  if (!place || !viewer) return null;
  const question: Question = { place, permission, reach };
  const remedy = await findRemedy(ctx, viewer, question);
  const { allowed, paths } = explain(scope, viewer, question);
  return {
    allowed,
    paths: paths.map((one) => toPlain(ctx, one)),
    remedy: remedy && {
      organizationId: encodeId("Organization", remedy.at.id),
      roleKey: remedy.role.key,
      reach: remedy.reach,
    },
  };
}

const toPlain = (ctx: Context, path: Path) => {
  const { allowed, reason, at, reach, expiresAt } = path;
  return {
    allowed,
    reason,
    organizationId: at && scopeOf(ctx).access.sees(at) ? encodeId("Organization", at.id) : null,
    roleKey: shownRole(scopeOf(ctx), path)?.key ?? null,
    reach,
    expiresAt,
  };
};
