import { createRequire } from "node:module";
import type { GraphQLResolveInfo } from "graphql";
import type { IRule } from "graphql-shield";
import type { Place } from "../access/access.js";
import type { OrganizationId, UserId } from "../ids.js";
import type { Context } from "./context.js";
import { ForbiddenError, UnauthenticatedError } from "./errors.js";
import { NotFoundFailure } from "./failure.js";
import { decodeId, encodeId, type IdType } from "./nodeId.js";
import type { Rule } from "./policy.js";

// The ES build of graphql-shield does not load on newer Node; its CommonJS build does everywhere.
const { rule: shieldRule } = createRequire(import.meta.url)("graphql-shield") as typeof import("graphql-shield");

type Args = Readonly<Record<string, unknown>>;
/** True, or the error that the caller gets. Anything else is a no. */
export type Verdict = boolean | Error;
/** A rule as graphql-shield has it; `executeRule` answers at once, where `resolve` would take a promise and a try. */
export type ShieldRule = IRule & {
  executeRule(source: unknown, args: Args, ctx: Context, info: GraphQLResolveInfo, options: unknown): Verdict;
};

/**
 * A rule of ours as one of graphql-shield's. It is never cached by shield, whose cache knows the rule's name but not the
 * organization it was asked about; the answer comes from memory anyway.
 */
export function toShield(name: string, rule: Rule): ShieldRule {
  return shieldRule(name, { cache: "no_cache" })((source: unknown, args: Args, ctx: Context) =>
    judge(rule, source, args, ctx),
  ) as unknown as ShieldRule;
}

function judge(rule: Rule, source: unknown, args: Args, ctx: Context): Verdict {
  if (rule.kind === "anyone" || rule.kind === "visible") return true;
  const scope = ctx.operation.scope;
  if (!scope) return new UnauthenticatedError();
  if (rule.kind === "signedIn") return true;

  if (rule.self && idIn<UserId>("User", args, rule.self) === scope.viewer.id) return true;
  const place =
    rule.where.from === "source"
      ? placeOf(source)
      : scope.named.get(namedIn(args, rule.where.path) ?? ("" as OrganizationId));
  // A rule without its input denies: a hidden organization reads like a missing one.
  if (!place)
    return rule.where.from === "source" ? new ForbiddenError(rule.permission, null) : notFound(rule.where.path);
  if (scope.access.allows(place, rule.permission, rule.reach)) return true;
  if (rule.where.from === "args" && !scope.access.sees(place)) return notFound(rule.where.path);
  return new ForbiddenError(rule.permission, encodeId("Organization", place.id));
}

/** The organization that arguments name, as an id; null when there is none, or when it is not the id of an organization. */
export const namedIn = (args: Args, path: readonly string[]): OrganizationId | null =>
  idIn<OrganizationId>("Organization", args, path);

function idIn<T extends string>(type: IdType, args: Args, path: readonly string[]): T | null {
  const value = path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), args);
  if (typeof value !== "string") return null;
  try {
    return decodeId<T>(type, value, path.join("."));
  } catch {
    return null;
  }
}

const notFound = (path: readonly string[]) =>
  new NotFoundFailure("There is no such organization, or you cannot see it. Check the id.", path);

function placeOf(source: unknown): Place | null {
  if (!isRecord(source) || typeof source.id !== "string" || !Array.isArray(source.path)) return null;
  return source as unknown as Place;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
