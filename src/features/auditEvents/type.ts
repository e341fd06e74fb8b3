import type { BuiltInPermission } from "../../access/catalogue.js";
import { builder, Node } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { BadInputError } from "../../graphql/errors.js";
import { findNode, reachable } from "../../graphql/node.js";
import { decodeId, encodeId, type IdType, parseId } from "../../graphql/nodeId.js";
import { connection } from "../../graphql/page.js";
import type { AuditEventId, UserId } from "../../ids.js";
import { type Action, isAction } from "../audit/actions.js";
import type { AuditEventRow } from "../audit/table.js";
import { visibleUsers } from "../memberships/visibleUsers.js";
import { findOrganization } from "../organizations/loader.js";
import { Organization } from "../organizations/type.js";
import { User } from "../users/type.js";
import { addressOf, auditEventsOf, changesOf, findAuditEvent, type ShownEvents } from "./loader.js";

/** What opens things that are about people, where they stand. */
const NEEDED: ReadonlyMap<string, BuiltInPermission> = new Map([
  ["Membership", "members:read"],
  ["Invitation", "members:invite"],
  ["JoinRequest", "domains:manage"],
]);

/**
 * Whether the viewer may know of the people that an event is about: what is noted of them, their address among it, takes more
 * than the right to read what happened. Of a membership that is gone, its organization decides.
 */
async function seesWhom(ctx: Context, { targetType, targetId, organizationId }: AuditEventRow): Promise<boolean> {
  const scope = scopeOf(ctx);
  if (targetType === "User") return (await visibleUsers(scope).load(targetId as UserId)) !== null;
  const needed = NEEDED.get(targetType);
  if (needed === undefined) return true;
  const organization = organizationId && (await findOrganization(scope, organizationId));
  return !!organization && scope.access.allows(organization, needed);
}

const Actor = builder.unionType("Actor", {
  description: "Who did something.",
  types: [User],
  resolveType: () => "User",
});

const AuditEvent = builder.objectRef<AuditEventRow>("AuditEvent");

builder.objectType(AuditEvent, {
  description: "Something that was done, written down together with it. It outlives what it is about.",
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: "Global id, stable for ever.", resolve: (event) => encodeId("AuditEvent", event.id) }),
    at: t.expose("at", { type: "DateTime", description: "When, by the clock of the database." }),
    action: t.exposeString("action", {
      description: "What was done: `organization.created`. docs/audit.md lists all that can be.",
    }),
    actor: t.field({
      type: Actor,
      nullable: true,
      description: "Who did it. Null when they are hidden from the viewer, and when it was who runs the service.",
      resolve: ({ actorId }, _args, ctx) => (actorId ? visibleUsers(scopeOf(ctx)).load(actorId as UserId) : null),
    }),
    organization: t.field({
      type: Organization,
      nullable: true,
      description: "Where.",
      resolve: ({ organizationId }, _args, ctx) => organizationId && findOrganization(scopeOf(ctx), organizationId),
    }),
    target: t.field({
      type: Node,
      nullable: true,
      description: "To what. Null when it is gone, or hidden from the viewer.",
      resolve: ({ targetType, targetId }, _args, ctx) => findNode(ctx, targetType, targetId) as never,
    }),
    targetId: t.id({
      description: "The global id of what it was done to, also when that is gone.",
      resolve: ({ targetType, targetId }) => encodeId(targetType as IdType, targetId),
    }),
    changes: t.field({
      type: "JSON",
      nullable: true,
      description:
        "What became different; an object. Ids in it are bare uuids (`User.uuid`, `Organization.uuid`), and no global ids. Of a person who was erased, only which fields: `erased`. Null when it is about a person, a membership, an invitation or a request to join that is hidden from the viewer.",
      resolve: async (event, _args, ctx) => {
        // Both are asked either way: what is hidden costs what is shown.
        const [changes, isSeen] = await Promise.all([changesOf(scopeOf(ctx), event), seesWhom(ctx, event)]);
        return isSeen ? changes : null;
      },
    }),
    address: t.string({
      nullable: true,
      description:
        "The network address that it was asked from. Null when that is not known, when whoever asked was erased, is hidden from the viewer, or was nobody in the tenant, and when it was who runs the service.",
      resolve: async (event, _args, ctx) => {
        const scope = scopeOf(ctx);
        const { actorId } = event;
        // Both are asked either way, as for what changed.
        const [address, actor] = await Promise.all([
          addressOf(scope, event),
          actorId && visibleUsers(scope).load(actorId as UserId),
        ]);
        return actor ? address : null;
      },
    }),
    requestId: t.exposeString("requestId", {
      description: "The request in which it was done, or the run of a command of who runs the service.",
    }),
  }),
});

const AuditFilter = builder.inputType("AuditFilter", {
  description: "Which events a list shows: those to which everything given here applies.",
  fields: (t) => ({
    actions: t.stringList({
      description:
        "Those of one of these actions, by their names: docs/audit.md lists all there are. Another name is an error.",
    }),
    actorId: t.id({ description: "Those of this person. None when they are hidden from the viewer." }),
    targetId: t.id({ description: "Those about what has this global id, also when it is gone." }),
    from: t.field({ type: "DateTime", description: "Those at this instant or later." }),
    to: t.field({ type: "DateTime", description: "Those before this instant." }),
  }),
});

function toAction(text: string, field: string): Action {
  if (isAction(text)) return text;
  throw new BadInputError(`\`${field}\` is no action of the audit. docs/audit.md lists them all.`, field);
}

function toShown({ actions, actorId, targetId, from, to }: typeof AuditFilter.$inferInput): ShownEvents {
  const target = targetId == null ? null : parseId(targetId);
  if (targetId != null && !target) throw new BadInputError("`filter.targetId` is not an id.", "filter.targetId");
  return {
    actions: actions?.map((action, n) => toAction(action, `filter.actions.${n}`)),
    actorId: actorId == null ? null : decodeId<UserId>("User", actorId, "filter.actorId"),
    ...(target && { targetType: target.type, targetId: target.id }),
    from,
    to,
  };
}

const AuditEventConnection = builder.connectionObject(
  { type: AuditEvent, name: "AuditEventConnection", description: "A page of what happened." },
  { name: "AuditEventEdge", description: "An event, and its place in the list." },
);

/** Who did what is not for whoever may not see who. */
const isHidden = async (ctx: Context, { actorId }: ShownEvents): Promise<boolean> =>
  actorId !== null && (await visibleUsers(scopeOf(ctx)).load(actorId)) === null;

builder.objectField(Organization, "auditEvents", (t) =>
  t.field({
    type: AuditEventConnection,
    nullable: true,
    description: "What happened here, newest first.",
    args: {
      filter: t.arg({ type: AuditFilter, description: "Which of it." }),
      first: t.arg.int({ description: "How many, counted from the newest; 20 when left out, 100 at most." }),
      after: t.arg.string({ description: "Begin after this cursor of the same list." }),
    },
    resolve: ({ id }, { filter, ...args }, ctx) => {
      const shown = toShown(filter ?? {});
      const list = { name: "auditEvents", parentId: id, filter: shown, order: "NEWEST_FIRST" };
      return connection(ctx, list, args, async (page) =>
        (await isHidden(ctx, shown)) ? [] : auditEventsOf(scopeOf(ctx), id, page, shown),
      ) as never;
    },
  }),
);

reachable("AuditEvent", (ctx, id) => findAuditEvent(scopeOf(ctx), id as AuditEventId));
