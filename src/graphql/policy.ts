import type { Reach } from "../access/access.js";
import type { BuiltInPermission } from "../access/catalogue.js";
import type { Purpose } from "../tenancy/session.js";
import type { Nameable } from "./named.js";

/** Where a rule finds the organization it asks about. */
export type Where =
  | { readonly from: "source" }
  | { readonly from: "root" }
  | {
      readonly from: "args";
      readonly path: readonly string[];
      readonly type: Nameable;
      /** What nothing at the path means: nothing to ask about, which denies, or the tenant's root. */
      readonly absent: "nothing" | "root";
    };

/**
 * The argument that names, by a global id or by a list of them, what the field answers: each of them if the viewer sees it,
 * null in its place otherwise.
 */
export type Finds = readonly string[];

/** A decision as data: the guard enforces it, and whoever writes documentation or a trimmed schema reads it. */
export type Rule =
  /** Nobody is refused; what is not visible is null or left out. */
  | { readonly kind: "anyone"; readonly finds?: Finds }
  /** Whoever has a token, in no tenant or in any: the field needs none. */
  | { readonly kind: "identified" }
  /** Whoever is signed in to the tenant; what is not visible is null or left out. */
  | { readonly kind: "signedIn"; readonly finds?: Finds; readonly purpose?: Purpose }
  /** Whoever sees the row that the field is on. Needs no question: a row that is not visible is never loaded. */
  | { readonly kind: "visible" }
  /** Whoever holds the permission in the organization; and, where an argument names the user it is about, that user. */
  | {
      readonly kind: "may";
      readonly permission: BuiltInPermission;
      /** What they must hold besides, in the same place and as far. */
      readonly besides?: BuiltInPermission;
      readonly reach: Reach;
      readonly where: Where;
      readonly purpose: Purpose;
      /** An argument; where it is left out, a change that could withdraw something withdraws nothing. */
      readonly withdrawsBy?: readonly string[];
      /** An argument; whoever is the user that it names needs no permission. */
      readonly self?: readonly string[];
      /** What is asked besides about something else that the arguments name. */
      readonly also?: MayRule;
    };

export type MayRule = Extract<Rule, { kind: "may" }>;

/** The rules of one type: each field by name, or `inherited` for a type that is reached only through fields that have their own. */
export type TypePolicy = "inherited" | Readonly<Record<string, Rule>>;
export type Policy = Readonly<Record<string, TypePolicy>>;

type Open = Extract<Rule, { kind: "anyone" | "signedIn" }>;

export const anyone: Open = { kind: "anyone" };
export const signedIn: Open = { kind: "signedIn" };
/** For a change of what is the viewer's own: `signedInTo("withdraw")`. */
export const signedInTo = (purpose: Purpose): Open => ({ kind: "signedIn", purpose });
export const identified: Rule = { kind: "identified" };
export const inherited = "inherited";

/** For a field that answers what an argument names: `finding("by.id", signedIn)`. What is asked of that can be judged before. */
export const finding = (path: string, rule: Open): Rule => ({ ...rule, finds: path.split(".") });

/** Fields that show what whoever sees the row may know. */
export const visible = <F extends string>(...fields: F[]): Record<F, Rule> =>
  Object.fromEntries(fields.map((field) => [field, { kind: "visible" }])) as Record<F, Rule>;

/** A rule in the making, read aloud: "may … and … in …". */
interface May {
  /** Where the permission must be held. */
  in(where: Where, purpose?: Purpose): MayRule;
  /** The same for what withdraws something only where an argument is given: `input.expiresAt`. */
  inWithdrawingBy(argument: string, where: Where): MayRule;
  /** They must hold this, too, in the same place and as far. */
  and(besides: BuiltInPermission): May;
  /** Whoever is the user that an argument names may as well: `subject.userId`. */
  orAboutOneself(path: string): May;
}

/** `may("members:read").in(fromSource)`; with `"SUBTREE"` the permission must hold there and everywhere below. */
export function may(
  permission: BuiltInPermission,
  reach: Reach = "ORGANIZATION",
  more: Pick<MayRule, "besides" | "self"> = {},
): May {
  return {
    in: (where, purpose = "change") => ({ kind: "may", permission, reach, where, purpose, ...more }),
    inWithdrawingBy: (argument, where) => ({
      ...may(permission, reach, more).in(where, "withdraw"),
      withdrawsBy: argument.split("."),
    }),
    and: (besides) => may(permission, reach, { ...more, besides }),
    orAboutOneself: (path) => may(permission, reach, { ...more, self: path.split(".") }),
  };
}

/** For what concerns two organizations: each has its rule, and both must let the caller through. The first says what kind of change it is. */
export const both = (one: MayRule, also: MayRule): Rule => ({ ...one, also });

/** The organization is the row that the field is on. */
export const fromSource: Where = { from: "source" };

/** The tenant's root: for what concerns the tenant as a whole. */
export const root: Where = { from: "root" };

/** The organization is named by a global id in the arguments, or is that of what they name: `input.parentId`. */
export const fromArgs = (path: string, type: Nameable = "Organization"): Where => ({
  from: "args",
  path: path.split("."),
  type,
  absent: "nothing",
});

/** The same for an argument that may be left out, to mean the tenant as a whole. */
export const fromArgsOrRoot = (path: string): Where => ({
  from: "args",
  path: path.split("."),
  type: "Organization",
  absent: "root",
});

export const definePolicy = <P extends Policy>(policy: P): P => policy;
