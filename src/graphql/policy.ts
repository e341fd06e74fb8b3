import type { Reach } from "../access/access.js";
import type { BuiltInPermission } from "../access/catalogue.js";
import type { Purpose } from "../tenancy/session.js";

/** Where a rule finds the organization it asks about. */
export type Where = { readonly from: "source" } | { readonly from: "args"; readonly path: readonly string[] };

/** A decision as data: the guard enforces it, and whoever writes documentation or a trimmed schema reads it. */
export type Rule =
  /** Nobody is refused; what is not visible is null or left out. */
  | { readonly kind: "anyone" }
  /** Whoever is signed in to the tenant; what is not visible is null or left out. */
  | { readonly kind: "signedIn" }
  /** Whoever sees the row that the field is on. Needs no question: a row that is not visible is never loaded. */
  | { readonly kind: "visible" }
  /** Whoever holds the permission in the organization; and, where an argument names the user it is about, that user. */
  | {
      readonly kind: "may";
      readonly permission: BuiltInPermission;
      readonly reach: Reach;
      readonly where: Where;
      readonly purpose: Purpose;
      readonly self?: readonly string[];
    };

/** The rules of one type: each field by name, or `inherited` for a type that is reached only through fields that have their own. */
export type TypePolicy = "inherited" | Readonly<Record<string, Rule>>;
export type Policy = Readonly<Record<string, TypePolicy>>;

export const anyone: Rule = { kind: "anyone" };
export const signedIn: Rule = { kind: "signedIn" };
export const inherited = "inherited";

/** Fields that show what whoever sees the row may know. */
export const visible = <F extends string>(...fields: F[]): Record<F, Rule> =>
  Object.fromEntries(fields.map((field) => [field, { kind: "visible" }])) as Record<F, Rule>;

/** `may("members:read").in(fromSource)`; with `"SUBTREE"` the permission must hold there and everywhere below. */
export const may = (permission: BuiltInPermission, reach: Reach = "ORGANIZATION") => ({
  in: (where: Where, purpose: Purpose = "change"): Rule => ({ kind: "may", permission, reach, where, purpose }),
  /** Besides, whoever is the user that an argument names: `subject.userId`. */
  orAboutOneself: (path: string) => ({
    in: (where: Where): Rule => ({ kind: "may", permission, reach, where, purpose: "read", self: path.split(".") }),
  }),
});

/** The organization is the row that the field is on. */
export const fromSource: Where = { from: "source" };

/** The organization is named by a global id in the arguments: `input.parentId`. */
export const fromArgs = (path: string): Where => ({ from: "args", path: path.split(".") });

export const definePolicy = <P extends Policy>(policy: P): P => policy;
