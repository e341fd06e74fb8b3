import { createRequire } from "node:module";
import type { GraphQLResolveInfo } from "graphql";
import type { IRule } from "graphql-shield";
import { isPlace, type Place } from "../access/held.js";
import type { Context } from "./context.js";
import { ForbiddenError, UnauthenticatedError } from "./errors.js";
import { NotFoundFailure } from "./failure.js";
import { idIn, isGiven, type Name, nameIn, seesNamed } from "./named.js";
import { encodeId } from "./nodeId.js";
import type { Scope } from "./operation.js";
import type { MayRule, Rule, Where } from "./policy.js";

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
export const toShield = (name: string, rule: Rule): ShieldRule =>
  shieldRule(name, { cache: "no_cache" })(judgeOf(rule) as never) as unknown as ShieldRule;

type Judge = (source: unknown, args: Args, ctx: Context) => Verdict;
/** A rule as a function that has nothing left to ask the rule. */
function judgeOf(rule: Rule): Judge {
  if (rule.kind === "anyone" || rule.kind === "visible") return () => true;
  if (rule.kind === "identified")
    return (_source, _args, { identity }) => (identity ? true : new UnauthenticatedError());
  if (rule.kind === "signedIn") return (_source, _args, { operation }) => operation.scope !== null || nobody(operation);
  const { self } = rule;
  const judge = judgeMay(rule);
  return (source, args, { operation }) => {
    const { scope } = operation;
    if (scope === null) return nobody(operation);
    if (self !== undefined && idIn(args, self, "User") === scope.viewer.id) return true;
    return judge(source, args, scope);
  };
}

function judgeMay(rule: MayRule): (source: unknown, args: Args, scope: Scope) => Verdict {
  const { where, permission } = rule;
  if (rule.also) {
    const { also, ...first } = rule;
    const [one, other] = [judgeMay(first), judgeMay(also)];
    return (source, args, scope) => {
      const verdict = one(source, args, scope);
      return verdict === true ? other(source, args, scope) : verdict;
    };
  }
  if (where.from === "root") return (_source, _args, scope) => judgeAt(rule, scope.root, scope);
  // A rule without its input denies: what is hidden reads like what is missing.
  if (where.from === "source")
    return (source, _args, scope) =>
      isPlace(source) ? judgeAt(rule, source, scope) : new ForbiddenError(permission, null);
  return (_source, args, scope) => {
    if (where.absent === "root" && !isGiven(args, where.path)) return judgeAt(rule, scope.root, scope);
    const name = nameIn(args, where.path, where.type);
    const named = name ? scope.named.get(name) : undefined;
    if (!named || !seesNamed(scope.access, scope.viewer.id, named)) return notFound(where);
    return judgeAt(rule, named.place, scope);
  };
}

function judgeAt({ permission, besides, reach }: MayRule, place: Place, { access }: Scope): Verdict {
  const lacking = !access.allows(place, permission, reach)
    ? permission
    : besides !== undefined && !access.allows(place, besides, reach)
      ? besides
      : undefined;
  if (lacking === undefined) return true;
  return new ForbiddenError(lacking, access.sees(place) ? encodeId("Organization", place.id) : null, reach);
}

const nobody = ({ gone }: Context["operation"]): Error => gone ?? new UnauthenticatedError();

/** What the arguments of a field name for its rule to ask about. */
export function namedBy(rule: Rule, args: unknown): Name[] {
  if (rule.kind !== "may" || rule.where.from !== "args") return [];
  const name = nameIn(args, rule.where.path, rule.where.type);
  return [...(name ? [name] : []), ...(rule.also ? namedBy(rule.also, args) : [])];
}

type FromArgs = Extract<Where, { from: "args" }>;

const notFound = ({ path, type }: FromArgs) =>
  new NotFoundFailure(`There is no such ${type.toLowerCase()}, or you cannot see it. Check the id.`, path);
