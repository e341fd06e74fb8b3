import { GraphQLError } from "graphql";
import { builder } from "../../src/graphql/builder.js";
import { guard } from "../../src/graphql/guard.js";
import type { Policy, Rule, TypePolicy } from "../../src/graphql/policy.js";
import { type GuardedSchema, policies } from "../../src/schema.js";

/** Other rules for some fields, by coordinate; null for none. */
export type Changes = Readonly<Record<string, Rule | null>>;

/** The policies with these changes. */
export function changedPolicies(changes: Changes): Policy[] {
  const changed = ([type, rules]: [string, TypePolicy]): [string, TypePolicy] => {
    if (rules === "inherited") return [type, rules];
    const fields = Object.entries(rules).map(([field, rule]) => [field, changes[`${type}.${field}`] ?? rule] as const);
    return [type, Object.fromEntries(fields.filter(([field]) => changes[`${type}.${field}`] !== null))];
  };
  return policies.map((policy: Policy) => Object.fromEntries(Object.entries(policy).map(changed)));
}

/** The schema as it would be with these changes, and its rules. */
export function schemaWith(changes: Changes): GuardedSchema {
  const schema = builder.toSchema({ sortSchema: false });
  return { schema, rules: guard(schema, changedPolicies(changes)) };
}

export const LET_THROUGH = "LET_THROUGH";

/** The same, in which no change is made: what a mutation's rule lets through ends with an error that says so. */
export function harmlessSchemaWith(changes: Changes): GuardedSchema {
  const schema = builder.toSchema({ sortSchema: false });
  for (const field of Object.values(schema.getMutationType()!.getFields()))
    field.resolve = () => {
      throw new GraphQLError("", { extensions: { code: LET_THROUGH } });
    };
  return { schema, rules: guard(schema, changedPolicies(changes)) };
}
