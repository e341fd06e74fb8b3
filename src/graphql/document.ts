import type { OperationDefinitionNode } from "graphql";
import type { Root } from "./roots.js";

/** Root fields about the schema. */
export const isIntrospection = ({ node }: Root): boolean =>
  node.name.value === "__schema" || node.name.value === "__type";

// About the token alone, or about nothing.
const WITHOUT_TENANT = new Set(["identity", "__typename"]);

/** What an operation needs before it can run. */
export interface Needs {
  readonly operation: OperationDefinitionNode["operation"];
  /** Whether any root field reads in a tenant. */
  readonly tenant: boolean;
  /** Whether the person's tenants may be asked for, each of which takes a session of its own. */
  readonly choices: boolean;
  readonly introspection: boolean;
}

export function needsOf(operation: OperationDefinitionNode, roots: readonly Root[]): Needs {
  return {
    operation: operation.operation,
    tenant: roots.some((root) => !isIntrospection(root) && !WITHOUT_TENANT.has(root.node.name.value)),
    choices: roots.some(({ node }) => node.name.value === "identity"),
    introspection: roots.some(isIntrospection),
  };
}
