import { GraphQLError } from "graphql";
import type { Reach } from "../../access/access.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { isTooLarge } from "../../graphql/executor/size.js";
import { encodeId, idOf } from "../../graphql/nodeId.js";
import type { OrganizationId } from "../../ids.js";
import { explain, type Path, type Question, shownRole } from "./paths.js";
import { findRemedy } from "./remedy.js";
import { findPerson, findPlace, type Subject } from "./subject.js";

/** More are not explained: each costs the work of an `explainAccess`, and a page can be denied ten thousand times. */
const MOST_EXPLAINED = 100;

/**
 * The same errors; those that deny the viewer something in an organization that they see say in `extensions.explanation`
 * why, as `explainAccess` does, the first `MOST_EXPLAINED` of them. However many there are, it takes two statements at
 * most: the organizations and the viewer's memberships, then the roles.
 */
export async function explainDenials(ctx: Context, errors: readonly GraphQLError[]): Promise<readonly GraphQLError[]> {
  const denials = new Map(
    errors
      .flatMap((error) => {
        const denial = denialIn(error);
        return denial ? [[error, denial] as const] : [];
      })
      .slice(0, MOST_EXPLAINED),
  );
  if (denials.size === 0) return errors;
  if (!ctx.operation.scope) await ctx.operation.read();
  const viewer = findPerson(ctx, scopeOf(ctx).viewer.id);
  return Promise.all(
    errors.map(async (error) => {
      const denial = denials.get(error);
      const explanation = denial && (await explanationOf(ctx, viewer, denial));
      return explanation ? withExplanation(error, explanation) : error;
    }),
  );
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

function withExplanation(error: GraphQLError, explanation: object): GraphQLError {
  const { message, nodes, source, positions, path, extensions } = error;
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...extensions, explanation },
  });
}

async function explanationOf(ctx: Context, asked: Promise<Subject | null>, denial: Denial) {
  const scope = scopeOf(ctx);
  const [place, viewer] = await Promise.all([findPlace(scope, denial.organizationId), asked]);
  if (!place || !viewer) return null;
  const question: Question = { place, permission: denial.permission, reach: denial.reach };
  // An answer that is refused as too large says why all the same.
  const remedy = await findRemedy(ctx, viewer, question).catch((error) => {
    if (isTooLarge(error)) return null;
    throw error;
  });
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
