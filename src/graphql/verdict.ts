import { createRequire } from "node:module";
import type { GraphQLResolveInfo } from "graphql";
import type { IRule } from "graphql-shield";
import type { Place } from "../access/access.js";
import type { Context } from "./context.js";
import { ForbiddenError, UnauthenticatedError } from "./errors.js";
import { NotFoundFailure } from "./failure.js";
import { idIn, isGiven, type Name, type Named, nameIn, seesNamed } from "./named.js";
import { encodeId } from "./nodeId.js";
import type { Scope } from "./operation.js";
import type { Rule, Where } from "./policy.js";

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
  if (!scope) return ctx.operation.gone ?? new UnauthenticatedError();
  if (rule.kind === "signedIn") return true;

  const { access, root, viewer } = scope;
  if (rule.self && idIn(args, rule.self, "User") === viewer.id) return true;
  const asked = find(rule.where, args, scope);
  const place = asked?.place ?? (isAboutRoot(rule.where, args) ? root : placeOf(rule.where, source));
  // A rule without its input denies: what is hidden reads like what is missing.
  if (!place) return rule.where.from === "args" ? notFound(rule.where) : new ForbiddenError(rule.permission, null);
  if (asked && rule.where.from === "args" && !seesNamed(access, viewer.id, asked)) return notFound(rule.where);
  const lacking = [rule.permission, rule.besides].find(
    (permission) => permission !== undefined && !access.allows(place, permission, rule.reach),
  );
  if (lacking === undefined) return true;
  return new ForbiddenError(lacking, access.sees(place) ? encodeId("Organization", place.id) : null, rule.reach);
}

/** What the arguments of a field name for its rule to ask about. */
export function namedBy(rule: Rule, args: unknown): Name[] {
  if (rule.kind !== "may" || rule.where.from !== "args") return [];
  const name = nameIn(args, rule.where.path, rule.where.type);
  return name ? [name] : [];
}

type FromArgs = Extract<Where, { from: "args" }>;

function find(where: Where, args: Args, { named }: Scope): Named | undefined {
  const name = where.from === "args" ? nameIn(args, where.path, where.type) : null;
  return name ? named.get(name) : undefined;
}

const isAboutRoot = (where: Where, args: Args): boolean =>
  where.from === "root" || (where.from === "args" && where.absent === "root" && !isGiven(args, where.path));

const notFound = ({ path, type }: FromArgs) =>
  new NotFoundFailure(`There is no such ${type.toLowerCase()}, or you cannot see it. Check the id.`, path);

function placeOf({ from }: Where, source: unknown): Place | null {
  if (from !== "source" || !isRecord(source) || typeof source.id !== "string" || !Array.isArray(source.path))
    return null;
  return source as unknown as Place;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
