import { isNullableType } from "graphql";
import { type IdentityError, TenantNotFoundError, TenantRequiredError } from "../identity/errors.js";
import type { Plan, Root } from "./plan.js";

/** Root fields about the schema. */
export const isIntrospection = ({ node }: Root): boolean =>
  node.name.value === "__schema" || node.name.value === "__type";

// About the token alone, or about nothing.
const WITHOUT_TENANT = new Set(["identity", "__typename"]);
export const isWithoutTenant = (root: Root): boolean =>
  isIntrospection(root) ||
  WITHOUT_TENANT.has(root.node.name.value) ||
  [...root.guards.values()].some(({ rule }) => rule.kind === "identified");

/** What an operation needs before it can run. */
export interface Needs {
  /** Whether any root field reads in a tenant. */
  readonly tenant: boolean;
  /** Whether it is asked who the token is of, which is in no row. */
  readonly identity: boolean;
  /** Whether their tenants may be asked for, each of which takes a session of its own. */
  readonly choices: boolean;
  readonly introspection: boolean;
}

export function needsOf({ roots, fields }: Plan): Needs {
  const identity = roots.some(({ node }) => node.name.value === "identity");
  return {
    tenant: !roots.every(isWithoutTenant),
    identity,
    choices: identity && fields.get("Identity")?.has("tenants") === true,
    introspection: roots.some(isIntrospection),
  };
}

/**
 * Whether an operation that there is no tenant for is answered as far as it is about the token: who asks for the tenants to choose from
 * has none, or not that one any more.
 */
export const isAnsweredOutside = (error: unknown, { roots }: Plan): error is IdentityError =>
  (error instanceof TenantRequiredError || error instanceof TenantNotFoundError) &&
  roots.some(({ node }) => node.name.value === "identity") &&
  // What may not be null takes all that is beside it along.
  roots.every((root) => isWithoutTenant(root) || isNullableType(root.field!.type));
