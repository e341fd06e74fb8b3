import type { GraphQLSchema } from "graphql";
import { builder } from "../../src/graphql/builder.js";
import { guard } from "../../src/graphql/guard.js";
import type { Policy, Rule } from "../../src/graphql/policy.js";
import { policies } from "../../src/schema.js";

/** The policies with another rule for one field; without any, where there is none. */
export function changedRule(coordinate: string, rule: Rule | null): Policy[] {
  const [type, field] = coordinate.split(".") as [string, string];
  return policies.map((policy: Policy) => {
    const own = policy[type];
    if (typeof own !== "object" || !(field in own)) return policy;
    const { [field]: _, ...rest } = own;
    return { ...policy, [type]: rule ? { ...rest, [field]: rule } : rest };
  });
}

/** The schema as it would be with another rule for one field. */
export function schemaWith(coordinate: string, rule: Rule): GraphQLSchema {
  const schema = builder.toSchema({ sortSchema: false });
  guard(schema, changedRule(coordinate, rule));
  return schema;
}
