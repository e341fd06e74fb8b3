import { and, asc, eq, min, sql } from "drizzle-orm";
import { z } from "zod";
import { type Context, scopeOf } from "../../graphql/context.js";
import { Failure, NotFoundFailure } from "../../graphql/failure.js";
import { failureType, mutation } from "../../graphql/mutation.js";
import { join } from "../audit/personal.js";
import { record } from "../audit/record.js";
import { auditEvents, auditValues } from "../audit/table.js";
import { organizations } from "../organizations/table.js";
import type { UserRow } from "../users/table.js";
import { getUser } from "./getUser.js";
import { takeKept } from "./kept.js";
import { grants, memberships } from "./table.js";

export class ExportTooLargeFailure extends Failure {
  override readonly name = "ExportTooLargeFailure";
  readonly code = "EXPORT_TOO_LARGE";
}
failureType(
  ExportTooLargeFailure,
  "More is held about the person than an answer may hold. Ask who runs the service to let answers be longer.",
);

const form = z.object({ userId: z.string() });

/**
 * What the tenant holds about a person: themselves, their memberships, what other features keep of them, and what the audit
 * notes of who they are and were. That it was taken out is written down.
 * @throws ExportTooLargeFailure  nobody could be told of it, and nothing is written down
 */
export async function exportUser(ctx: Context, person: UserRow): Promise<object> {
  const { tenantId, identity, ...user } = person;
  const { session, root, access } = scopeOf(ctx);
  const { db } = session;
  const { id, path, slug, name } = organizations;
  const theirs = await db
    .select({
      id: memberships.id,
      organization: { id, path, slug, name },
      status: memberships.status,
      expiresAt: memberships.expiresAt,
      createdAt: memberships.createdAt,
    })
    .from(memberships)
    .innerJoin(
      organizations,
      and(eq(organizations.tenantId, memberships.tenantId), eq(organizations.id, memberships.organizationId)),
    )
    .where(and(eq(memberships.tenantId, tenantId), eq(memberships.userId, user.id)))
    .orderBy(asc(memberships.id));
  const given = await db
    .select({
      membershipId: grants.membershipId,
      roleKey: grants.roleKey,
      roleId: grants.roleId,
      reach: grants.reach,
      expiresAt: grants.expiresAt,
    })
    .from(grants)
    .innerJoin(memberships, and(eq(memberships.tenantId, grants.tenantId), eq(memberships.id, grants.membershipId)))
    .where(and(eq(grants.tenantId, tenantId), eq(memberships.userId, user.id)))
    .orderBy(asc(grants.id));
  const { at, action, changes: stands, commitment, origin } = auditEvents;
  const { value } = auditValues;
  const isTheirs = and(eq(auditEvents.tenantId, tenantId), eq(auditValues.subjectId, user.id));
  /** Where this column of an event leads to what stands apart. No index does: whatever is changed would pay for it. */
  const apartBy = (column: typeof commitment | typeof origin) =>
    and(eq(auditValues.tenantId, auditEvents.tenantId), eq(auditValues.commitment, column));
  const said = await db
    .select({ at, action, changes: stands, value })
    .from(auditEvents)
    .innerJoin(auditValues, apartBy(commitment))
    .where(isTheirs)
    .orderBy(asc(at), asc(auditEvents.id));
  const asked = await db
    .select({ at: min(at), actions: sql<string[]>`json_agg(distinct ${action} collate "C")`, value })
    .from(auditEvents)
    .innerJoin(auditValues, apartBy(origin))
    .where(isTheirs)
    .groupBy(auditValues.commitment, value)
    .orderBy(asc(min(at)), sql`min(${auditEvents.id}::text)`);
  const content = {
    user: { ...user, signsIn: identity !== null },
    memberships: theirs.map(({ organization: { id, path, ...called }, ...one }) => ({
      ...one,
      organization: { id, ...(access.sees({ id, path }) && called) },
      grants: given.filter(({ membershipId }) => membershipId === one.id).map(({ membershipId: _, ...grant }) => grant),
    })),
    ...(await takeKept(ctx, person)),
    audit: said.map(({ changes, value, ...event }) => ({ ...event, changes: join(changes ?? {}, value) })),
    requests: asked.map(({ value, ...one }) => ({ ...one, ...(JSON.parse(value) as object) })),
  };
  if (!ctx.operation.size.hasRoomFor(content))
    throw new ExportTooLargeFailure(
      "More is held about this person than an answer may hold. Ask who runs the service to let answers be longer.",
      ["input", "userId"],
    );
  record(ctx, { action: "user.exported", organizationId: root.id, targetType: "User", targetId: user.id });
  return content;
}

mutation<z.output<typeof form>, { content: object }>("exportUser", {
  description:
    "Takes out what this tenant holds about a person: themselves, their memberships, invitations that were sent to their address or that they answered, requests of theirs to join, what the audit notes of who they are and were, and from where they did what. Notes in the audit that it was taken out. Needs `members:manage` and `members:read` at the root, both with reach SUBTREE.",
  input: (t) => ({ userId: t.id({ required: true, description: "The person." }) }),
  form,
  payload: {
    description: "What the tenant holds about the person.",
    fields: (t) => ({
      content: t.field({
        type: "JSON",
        description:
          "`user`, `memberships` with their grants, and slug and name of each organization that the viewer sees, `invitations`, `joinRequests`, and in `audit` each change of their name, address and whatever else of them is noted; in `requests`, once for each of theirs that changed something, when, which `actions` the audit notes of it, and from which network address; ids are bare uuids. An object.",
        resolve: ({ content }) => content as Record<string, unknown>,
      }),
    }),
  },
  failures: [ExportTooLargeFailure, NotFoundFailure],
  change: async ({ userId }, ctx) => {
    const user = await getUser(ctx, userId);
    return { content: await exportUser(ctx, user) };
  },
});
